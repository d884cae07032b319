"""Moves archives from phase to phase, and their job to its end with the last of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from chalicelib.assembly.model import Archive, Phase, Receipt
from chalicelib.assembly.ports import AssemblyTable, ChunkOutcome
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.lifecycle import WORKER, JobLifecycle
from chalicelib.jobs.model import Job, JobEvent, JobStatus
from chalicelib.jobs.ports import JobTable, WorkQueue
from chalicelib.messages import BuildChunk, PlanArchive

ATTEMPTS = 8  # to begin a new generation while other workers still record chunks
STALL_MS = 20_000  # nothing was recorded for so long: less than it takes a lost message to come back


@dataclass(frozen=True, slots=True)
class ArchiveLifecycle:
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    queue: WorkQueue
    job_lifecycle: JobLifecycle
    now: Callable[[], int]

    def record(self, archive: Archive, chunk: int, receipt: Receipt, *, size: int) -> ChunkOutcome:
        """Record a chunk of the archive's current phase, and go on if it was the last."""
        outcome = self.table.record_chunk(archive, chunk, receipt, size=size, now=self.now())
        if outcome is not ChunkOutcome.STALE:
            self.advance_current(archive)
        return outcome

    def advance_current(self, archive: Archive) -> None:
        """Go on with the archive as it is now."""
        for current in self.table.archives(archive.job_id, archive.generation):
            if current.number == archive.number:
                self.advance(current)

    def advance(self, archive: Archive) -> None:
        """Enter the next phase that has work, if this one is complete; after the last, end the job."""
        while archive.phase is not Phase.DONE and archive.phase_complete:
            following = archive.next_phase
            if not self.table.enter_phase(archive, following):
                return
            archive = replace(archive, phase=following, done=frozenset())
            self.send_missing(archive)
        if archive.phase is Phase.DONE:
            self._end(archive)

    def send_missing(self, archive: Archive) -> None:
        """Send every chunk of the current phase that is not recorded. Repeating it is harmless."""
        self.queue.send(
            BuildChunk(archive.job_id, archive.generation, archive.number, str(archive.phase), chunk)
            for chunk in archive.missing_chunks
        )

    def go_on(self, job: Job, archive: Archive) -> None:
        """Take up an archive that lies still: its messages may be lost. While it moves they are under way."""
        if self.now() - job.updated_at >= STALL_MS:
            self.send_missing(archive)
        self.advance(archive)

    def changed(self, job: Job, keys: list[str]) -> None:
        """Files are not what they were: begin a new generation, with a new plan and new uploads."""
        event = JobEvent("source_changed", self.now(), WORKER, {"keys": keys, "generation": job.generation})
        for _ in range(ATTEMPTS):
            current = self.jobs.get(job.job_id)
            if current is None or current.status is not JobStatus.PROCESSING or current.generation != job.generation:
                return
            if self.table.next_generation(current, keys, event):
                self.queue.send([PlanArchive(job.job_id, job.generation + 1)])
                return
        raise TableUnavailable(f"the row of job {job.job_id} changed at each attempt to begin a new generation")

    def _end(self, archive: Archive) -> None:
        """The last archive is done: so is whatever this generation is for."""
        archives = self.table.archives(archive.job_id, archive.generation)
        if any(other.phase is not Phase.DONE for other in archives):
            return
        if archive.reads_only:
            self.queue.send([PlanArchive(archive.job_id, archive.generation)])
            return
        job = self.jobs.get(archive.job_id)
        if job is not None and job.generation == archive.generation:
            self.job_lifecycle.succeed(job)
