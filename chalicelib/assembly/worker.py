"""What a worker does with one message of assembly."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from chalicelib.assembly.archive_planning import PlanRules
from chalicelib.assembly.builder import ChunkBuilder
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.finisher import FINISHING, Finisher
from chalicelib.assembly.lifecycle import INLINE_SECONDS, ArchiveLifecycle, Cleaner
from chalicelib.assembly.model import Archive, Phase, Receipt
from chalicelib.assembly.planner import PLAN_MS, ArchivePlanner, Planning
from chalicelib.assembly.plans import PlanReader
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, ChunkOutcome, ChunkState, Executors, SecondsLeft
from chalicelib.assembly.replanning import LOOK_AT_ALL, MAX_REPLANS, Replanner
from chalicelib.errors import ObjectRefused, SourceChanged, UnreadableMessage, UploadGone
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.jobs.ports import JobTable, SourceStore, WorkQueue
from chalicelib.messages import BuildChunk, CleanUp, PlanArchive

AssemblyMessage = PlanArchive | BuildChunk | CleanUp


class Built(StrEnum):
    """What came of a message."""

    PLANNED = "planned"
    RECORDED = "recorded"
    REPEATED = "repeated"
    REPLANNED = "replanned"  # a file had changed, or the upload was aborted from outside
    CLEANED = "cleaned"
    DROPPED = "dropped"  # the job has ended, or another generation is being built


class AssemblyWorker(msgspec.Struct, frozen=True):
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    planner: ArchivePlanner
    builder: ChunkBuilder
    finisher: Finisher
    cleaner: Cleaner
    lifecycle: ArchiveLifecycle
    now: Callable[[], int]

    def handle(self, message: AssemblyMessage, seconds_left: SecondsLeft, *, redelivered: bool = False) -> Built:
        """Handles one message. Raises StorageError where another attempt may help.

        Of a chunk that is `redelivered` another worker may have done a part.
        """
        match message:
            case PlanArchive():
                return self._plan(message, seconds_left)
            case CleanUp():
                return Built.CLEANED if self.cleaner.clean_up(message.job_id) else Built.DROPPED
        return self._build(message, seconds_left, resume=redelivered or message.resume)

    def _plan(self, message: PlanArchive, seconds_left: SecondsLeft) -> Built:
        planned = self.planner.plan(message, seconds_left)
        if planned is None:
            return Built.REPEATED
        if planned.archive is not None:
            self._build_on(planned.archive, seconds_left)
        return Built.PLANNED

    def _build(self, message: BuildChunk, seconds_left: SecondsLeft, *, resume: bool) -> Built:
        phase = _phase_of(message)
        job, archive, recorded = self.table.chunk_state(
            message.job_id, message.generation, number=message.archive, phase=phase, chunk=message.chunk
        )
        if job is None or archive is None or not _builds(job, message.generation):
            return Built.DROPPED
        if archive.phase is not phase or recorded:
            self.lifecycle.go_on(job, archive)
            return Built.REPEATED
        if message.chunk >= archive.chunks[phase]:
            raise UnreadableMessage(f"phase {phase} of {archive.key} has {archive.chunks[phase]} chunks")
        outcome, following = self._build_chunk(archive, message.chunk, seconds_left=seconds_left, resume=resume)
        if following is not None:
            self._build_on(following, seconds_left)
        return outcome

    def _build_on(self, archive: Archive, seconds_left: SecondsLeft) -> None:
        """Build phases of one chunk that no message was sent for; if that fails, one is sent."""
        following: Archive | None = archive
        while following is not None:
            archive = following
            try:
                _, following = self._build_chunk(archive, 0, seconds_left=seconds_left)
            except Exception:
                self.lifecycle.start(archive, inline=False)
                raise

    def _build_chunk(
        self, archive: Archive, chunk: int, *, seconds_left: SecondsLeft, resume: bool = False
    ) -> tuple[Built, Archive | None]:
        """Build a chunk of the archive's phase and record it; the archive comes back in its next phase if the only
        chunk of that is left to this worker."""
        try:
            receipt = self._work(archive, chunk, seconds_left=seconds_left, resume=resume)
        except (ObjectRefused, SourceChanged) as error:
            return self._replan(archive, changed=error.key)
        except UploadGone:
            job, current, recorded = self._state(archive, chunk)
            if job is None or current is None or recorded or current.phase is not archive.phase:
                return Built.DROPPED, None  # another worker did the chunk, or the archive is not built any more
            if job.replans >= MAX_REPLANS:
                raise
            return self._replan(archive, changed=None)
        outcome = self.table.record_chunk(archive, chunk, receipt=receipt, now=self.now())
        job, current, _ = self._state(archive, chunk)
        if outcome is ChunkOutcome.STALE or job is None or current is None:
            return Built.DROPPED, None
        following = self.lifecycle.recorded(job, current, inline=seconds_left() >= INLINE_SECONDS)
        return Built.RECORDED if outcome is ChunkOutcome.RECORDED else Built.REPEATED, following

    def _state(self, archive: Archive, chunk: int) -> ChunkState:
        """Job and archive as they are now; no job if it does not build this generation any more."""
        state = self.table.chunk_state(
            archive.job_id, archive.generation, number=archive.number, phase=archive.phase, chunk=chunk
        )
        return state if state.job and _builds(state.job, archive.generation) else state._replace(job=None)

    def _replan(self, archive: Archive, *, changed: str | None) -> tuple[Built, None]:
        """Begin again because the file with this key changed, or (None) because the upload was aborted from outside."""
        job = self.jobs.get(archive.job_id)
        if job is not None and job.generation == archive.generation:
            if changed is None:
                self.lifecycle.upload_aborted(job, archive)
            else:
                self.lifecycle.changed(job, changed)
        return Built.REPLANNED, None

    def _work(self, archive: Archive, chunk: int, *, seconds_left: SecondsLeft, resume: bool) -> Receipt:
        if archive.phase in FINISHING:
            return self.finisher.build(archive, chunk, seconds_left=seconds_left)
        return self.builder.build(archive, chunk, seconds_left=seconds_left, resume=resume)


def _phase_of(message: BuildChunk) -> Phase:
    try:
        return Phase(message.phase)
    except ValueError as error:
        raise UnreadableMessage(f"BuildChunk names no phase: {message.phase!r}") from error


def _builds(job: Job, generation: int) -> bool:
    return job.status is JobStatus.PROCESSING and job.generation == generation


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """The outside world of assembly. `now()` is epoch milliseconds; `token()` gives a name that nothing else has."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    queue: WorkQueue
    executors: Executors
    now: Callable[[], int]
    token: Callable[[], str]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator chose. `store_name` distinguishes stores in what is remembered of them."""

    crc_source: str
    store_name: str
    rules: PlanRules
    look_at_all: int = LOOK_AT_ALL
    plan_ms: int = PLAN_MS


def build_worker(outside: Outside, choices: Choices, *, lifecycle: JobLifecycle) -> AssemblyWorker:
    """A worker with all that it needs; its parts share one table, store and set of executors."""
    jobs, table, store, source = outside.jobs, outside.table, outside.store, outside.source
    executors, now = outside.executors, outside.now
    archives = ArchiveLifecycle(jobs, table, outside.queue, lifecycle, now)
    checksums = Checksums(
        table, store, source, executors, lambda: now() // 1000, choices.crc_source, choices.store_name
    )
    plans = PlanReader(store)
    builder = ChunkBuilder(store, table, plans, checksums, executors, now)
    planner = ArchivePlanner(
        jobs=jobs,
        table=table,
        store=store,
        queue=outside.queue,
        lifecycle=archives,
        replanner=Replanner(jobs, table, store, source, lifecycle, executors, choices.look_at_all),
        planning=Planning(jobs, checksums, choices.rules),
        executors=executors,
        now=now,
        token=outside.token,
        plan_ms=choices.plan_ms,
    )
    return AssemblyWorker(
        jobs=jobs,
        table=table,
        planner=planner,
        builder=builder,
        finisher=Finisher(table, store, plans, builder),
        cleaner=Cleaner(jobs, table, store, now),
        lifecycle=archives,
        now=now,
    )
