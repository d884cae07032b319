"""What a worker does with one message of assembly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.assembly.builder import ChunkBuilder
from chalicelib.assembly.cleaner import Cleaner
from chalicelib.assembly.finisher import Finisher
from chalicelib.assembly.lifecycle import ArchiveLifecycle
from chalicelib.assembly.model import Archive, Phase, Receipt
from chalicelib.assembly.planner import ArchivePlanner
from chalicelib.assembly.ports import AssemblyTable, ChunkOutcome
from chalicelib.assembly.replanning import MAX_REPLANS
from chalicelib.errors import PlanChanged, QueueUnavailable, SourceChanged, StorageError, UploadGone
from chalicelib.jobs.lifecycle import WORKER
from chalicelib.jobs.model import Failure, Job, JobEvent, JobStatus
from chalicelib.jobs.ports import JobTable
from chalicelib.messages import BuildChunk, CleanUp, PlanArchive

AssemblyMessage = PlanArchive | BuildChunk | CleanUp


class Built(StrEnum):
    """What came of a message."""

    PLANNED = "planned"
    RECORDED = "recorded"
    REPEATED = "repeated"
    REPLANNED = "replanned"  # a file had changed
    CLEANED = "cleaned"
    DROPPED = "dropped"  # the job has ended, or another generation is being built


@dataclass(frozen=True, slots=True)
class AssemblyWorker:
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    planner: ArchivePlanner
    builder: ChunkBuilder
    finisher: Finisher
    cleaner: Cleaner
    lifecycle: ArchiveLifecycle
    now: Callable[[], int]

    def handle(self, message: AssemblyMessage) -> Built:
        """Handle one message. Raises StorageError, after noting it, where another attempt may help."""
        try:
            if isinstance(message, PlanArchive):
                return Built.PLANNED if self.planner.plan(message) else Built.REPEATED
            if isinstance(message, CleanUp):
                return Built.CLEANED if self.cleaner.clean_up(message.job_id) else Built.DROPPED
            return self._build(message)
        except (StorageError, QueueUnavailable) as error:
            self._note(message, error)
            raise

    def _build(self, message: BuildChunk) -> Built:
        job = self.jobs.get(message.job_id)
        if job is None or job.status is not JobStatus.PROCESSING or job.generation != message.generation:
            return Built.DROPPED
        archive = self._current(message)
        if archive is None:
            return Built.DROPPED
        if archive.phase != message.phase or message.chunk in archive.done:
            self.lifecycle.go_on(job, archive)
            return Built.REPEATED
        return self._build_chunk(job, archive, message)

    def _current(self, message: BuildChunk) -> Archive | None:
        archives = self.table.archives(message.job_id, message.generation)
        return next((archive for archive in archives if archive.number == message.archive), None)

    def _build_chunk(self, job: Job, archive: Archive, message: BuildChunk) -> Built:
        try:
            receipt, size = self._work(job, archive, message.chunk)
        except SourceChanged as error:
            self.lifecycle.changed(job, [error.key])
            return Built.REPLANNED
        except (UploadGone, PlanChanged):
            if self._is_stale(job) or self._is_done(message):
                return Built.DROPPED
            if job.replans >= MAX_REPLANS:
                raise
            self.lifecycle.changed(job, [])  # somebody aborted the upload, or deployed: begin another
            return Built.REPLANNED
        outcome = self.lifecycle.record(archive, message.chunk, receipt, size=size)
        return {ChunkOutcome.RECORDED: Built.RECORDED, ChunkOutcome.DUPLICATE: Built.REPEATED}.get(
            outcome, Built.DROPPED
        )

    def _work(self, job: Job, archive: Archive, chunk: int) -> tuple[Receipt, int]:
        if archive.phase is Phase.FINISH:
            return self.finisher.finish(job, archive)
        return self.builder.build(archive, archive.phase, chunk)

    def _is_stale(self, job: Job) -> bool:
        current = self.jobs.get(job.job_id)
        return current is None or current.status.ended or current.generation != job.generation

    def _is_done(self, message: BuildChunk) -> bool:
        """Whether another worker did the chunk meanwhile."""
        archive = self._current(message)
        return archive is not None and (archive.phase != message.phase or message.chunk in archive.done)

    def _note(self, message: AssemblyMessage, error: StorageError | QueueUnavailable) -> None:
        last_error = Failure(error.code, str(error))
        details = {"message": type(message).__name__, "code": error.code, "error": str(error)}
        event = JobEvent("assembly_retried", self.now(), WORKER, details)
        self.jobs.note_error(message.job_id, None, last_error, event)
