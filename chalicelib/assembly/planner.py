"""Plans the archives of a job, a message at a time, and opens them when all are planned.

Everything that the next message needs is in `PlanState` and in the objects that it names. If one message does it all,
nothing is stored but the finished plans.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

import msgspec

from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.entries import INCLUDED, Entries
from chalicelib.archive.layout import lay_out
from chalicelib.archive.names import Naming
from chalicelib.archive.volumes import Brief, Names, RowRange, Volume, cut_volumes
from chalicelib.assembly.archive_planning import ArchiveRun, ArchiveState, PlannedArchive, PlanRules
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.lifecycle import INLINE_SECONDS, ArchiveLifecycle, abort_uploads
from chalicelib.assembly.model import (
    PHASES,
    Archive,
    CrcSource,
    MultipartUpload,
    Phase,
    archive_filename,
    archive_key,
    entry_of,
    staging_place,
)
from chalicelib.assembly.plans import StagingArea, Uploads
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors, SecondsLeft
from chalicelib.assembly.replanning import Replanner
from chalicelib.errors import ArchiveTooLarge, TableUnavailable, UnknownFormat
from chalicelib.jobs.lifecycle import WORKER
from chalicelib.jobs.model import ArchiveRequest, Failure, Job, JobEvent
from chalicelib.jobs.ports import BATCHES_AT_ONCE, JobTable, WorkQueue, files_of
from chalicelib.jobs.state_machine import Trigger, allows
from chalicelib.messages import PlanArchive

MAX_ARCHIVES = 90  # of one job: they are saved in one transaction of at most 100 items
ROWS_AN_OBJECT = 5_000
PLAN_MS = 10_000  # of work in one message
RESERVE_SECONDS = 20.0  # for saving
WRITES_IN_FLIGHT = 4


class PlanStep(StrEnum):
    """What is done next."""

    COLLECT = "collect"  # the job's files become entries; `position` is the next batch
    NAME = "name"  # they get their names, and are divided into archives
    ARCHIVES = "archives"  # these are planned, one after the other
    OPEN = "open"  # all of them are planned


class PlanState(msgspec.Struct, tag_field="v", tag=3):
    """How far planning has come. `rows` and `names` are keys of what is stored. `archives` are planned, `current` is
    being planned; together they follow `ranges`. Older versions measured less: no timestamps, no ETags.
    """

    step: PlanStep = PlanStep.COLLECT
    position: int = 0
    rows: list[str] = []
    names: str = ""
    ranges: list[RowRange] = []
    archives: list[PlannedArchive] = []
    current: ArchiveState | None = None


class Planning(msgspec.Struct, frozen=True):
    """What planning works with, for any job."""

    jobs: JobTable
    checksums: Checksums
    rules: PlanRules


class PlanRun:
    """One message's share of planning the archives of a job."""

    def __init__(self, planning: Planning, job: Job, *, state: PlanState, area: StagingArea) -> None:
        self.state, self._planning, self._job, self._area = state, planning, job, area
        self._entries = Entries()
        for key in state.rows:
            self._entries.append(area.store.get(key))
        self._stored_rows = len(self._entries)
        self._names = decode(area.store.get(state.names), Names) if state.names else None
        self._current: ArchiveRun | None = None

    def steps(self) -> Iterator[None]:
        """Work until all archives are planned; yields wherever `save` may be called.

        Raises ArchiveTooLarge, StorageError, TableUnavailable and UnknownFormat.
        """
        if self.state.step is PlanStep.COLLECT:
            yield from self._collect()
        if self.state.step is PlanStep.NAME:
            self._name()
            yield
        if self.state.step is PlanStep.ARCHIVES:
            yield from self._plan_archives()

    def save(self) -> str:
        """Store what is not stored yet; the key of the state."""
        for start in range(self._stored_rows, len(self._entries), ROWS_AN_OBJECT):
            stop = min(start + ROWS_AN_OBJECT, len(self._entries))
            self.state.rows.append(self._area.put(f"rows-{start}", self._entries.encode(start, stop)))
        if self._names is not None and not self.state.names:
            self.state.names = self._area.put("names", encode(self._names))
        if self._current is not None:
            self._current.save()
        return self._area.put("state", encode(self.state))

    def _collect(self) -> Iterator[None]:
        job, state = self._job, self.state
        trusted = self._planning.checksums.trusts_store
        while state.position < job.batches:
            numbers = range(state.position, min(state.position + BATCHES_AT_ONCE, job.batches))
            files = files_of(self._planning.jobs, job, numbers=numbers)
            self._entries.extend([entry_of(*file, trusted=trusted) for file in files])
            state.position = numbers.stop
            yield
        included = sum(self._entries.state(row) == INCLUDED for row in range(len(self._entries)))
        if (len(self._entries), included) != (job.total, job.available):
            counted = f"{included} of {len(self._entries)} files are available by their results"
            raise TableUnavailable(f"job {job.job_id}: {counted}, {job.available} of {job.total} by its counters")
        state.step, state.position = PlanStep.NAME, 0

    def _name(self) -> None:
        entries, max_bytes = self._entries, self._planning.rules.max_bytes
        self._names = names = Names.of(entries, _brief(self._job))
        ranges = cut_volumes(entries, names, max_bytes=max_bytes)
        if len(ranges) > 1:  # by estimates that are some bytes too high
            whole = RowRange(0, len(entries))
            layout = lay_out(Volume.of(entries, names, within=whole), s3_limits=self._planning.rules.limits)
            ranges = [whole] if layout.size <= max_bytes else ranges
        if len(ranges) > MAX_ARCHIVES:
            raise ArchiveTooLarge(size=self._job.size, limit=MAX_ARCHIVES * max_bytes)
        self.state.ranges, self.state.step = ranges, PlanStep.ARCHIVES

    def _plan_archives(self) -> Iterator[None]:
        state, planning = self.state, self._planning
        if self._names is None:
            raise AssertionError("the files are not named")
        while len(state.archives) < len(state.ranges):
            number = len(state.archives) + 1
            volume = Volume.of(self._entries, self._names, within=state.ranges[number - 1])
            state.current = state.current or ArchiveState()
            area = self._area.below(f"{number}/")
            self._current = ArchiveRun(
                volume, state.current, area=area, checksums=planning.checksums, rules=planning.rules
            )
            yield from self._current.steps()
            state.archives.append(self._current.finish())
            state.current = self._current = None
            yield
        state.step = PlanStep.OPEN


def _brief(job: Job) -> Brief:
    asked = job.archive or ArchiveRequest()
    return Brief(job.job_id, job.created_at // 1000, Naming(asked.layout), asked.prefix or job.prefix, asked.manifest)


class Planned(NamedTuple):
    """A message was worked on. `archive`: its first phase is one chunk, which the caller is to build itself."""

    archive: Archive | None = None


class ArchivePlanner(msgspec.Struct, frozen=True, kw_only=True):
    """`now()` is epoch milliseconds; `token()` gives a name that no other message uses."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    queue: WorkQueue
    lifecycle: ArchiveLifecycle
    replanner: Replanner
    planning: Planning
    executors: Executors
    now: Callable[[], int]
    token: Callable[[], str]
    plan_ms: int = PLAN_MS

    def plan(self, message: PlanArchive, seconds_left: SecondsLeft) -> Planned | None:
        """Handle one message; None if there was nothing to plan. Repeating it continues where it stopped."""
        job = self.jobs.get(message.job_id)
        if job is None or job.generation != message.generation or not allows(job, Trigger.BUILD):
            return None
        opened = self.table.archives(job.job_id, job.generation)
        if opened:
            self._abort_other_uploads(job, opened)
            for archive in opened:
                self.lifecycle.go_on(job, archive)
            return None
        ready = self.replanner.prepare(job)
        return self._plan_job(ready, seconds_left) if ready else None

    def _plan_job(self, job: Job, seconds_left: SecondsLeft) -> Planned | None:
        started = self.now()
        before = self.table.saved_plan(job)
        place = staging_place(job.job_id, job.generation, token=self.token())
        with self.executors(WRITES_IN_FLIGHT) as executor:
            run = self._run(job, before, area=StagingArea(self.store, executor, place))
            try:
                for _ in run.steps():
                    if self.now() - started >= self.plan_ms or seconds_left() < RESERVE_SECONDS:
                        return self._save(job, run, before=before)
            except ArchiveTooLarge as error:
                self.lifecycle.job_lifecycle.fail(job, Failure(error.code, str(error)))
                return None
        planned = run.state.archives
        del run  # and the entries, before an archive may be built right here
        return self._open(job, self._archives(job, planned, place=place), seconds_left=seconds_left)

    def _run(self, job: Job, before: str | None, *, area: StagingArea) -> PlanRun:
        """The run that was left, or one from the start, also where other code has left what this code cannot read."""
        if before:
            try:
                return PlanRun(self.planning, job, state=decode(self.store.get(before), PlanState), area=area)
            except UnknownFormat:
                pass
        return PlanRun(self.planning, job, state=PlanState(), area=area)

    def _save(self, job: Job, run: PlanRun, *, before: str | None) -> Planned | None:
        """Let the next message continue, unless another planner was quicker; what is stored here is then removed with
        the job."""
        state = run.save()
        if not self.table.save_plan(job, state=state, before=before, step=run.state.step, now=self.now()):
            return None
        self.queue.send([PlanArchive(job.job_id, job.generation)])
        return Planned()

    def _archives(self, job: Job, planned: Sequence[PlannedArchive], *, place: str) -> list[Archive]:
        """The archives, their uploads created."""
        with self.executors(WRITES_IN_FLIGHT) as executor:
            numbers = range(1, len(planned) + 1)
            return list(executor.map(lambda number: self._archive(job, number, planned=planned, place=place), numbers))

    def _archive(self, job: Job, number: int, *, planned: Sequence[PlannedArchive], place: str) -> Archive:
        plan = planned[number - 1]
        verified, uploads = plan.crc_source is CrcSource.COPY, f"{place}{number}/uploads"
        key = archive_key(job.job_id, job.generation, number=number)
        names = [f"{place}{number}/intermediate-{upload}" for upload in range(1, plan.intermediates + 1)]
        intermediates = tuple(self.store.create_upload(name, checksummed=verified) for name in names)
        if intermediates:
            self.store.put(uploads, encode(Uploads(intermediates)))
        return Archive(
            job_id=job.job_id,
            generation=job.generation,
            number=number,
            filename=archive_filename(job, number, archives=len(planned)),
            size=plan.size,
            entries=plan.entries,
            manifest=plan.manifest,
            long_paths=plan.long_paths,
            parts=plan.parts,
            crc_source=plan.crc_source,
            verified=verified,
            cost=plan.cost.report(),
            plan=plan.plan,
            intermediates=uploads if intermediates else "",
            upload=self.store.create_upload(key, checksummed=verified),
            chunks=plan.chunks,
            work=plan.work,
            phase=next(phase for phase in PHASES if plan.chunks.get(phase)),
            updated_at=self.now(),
        )

    def _open(self, job: Job, archives: Sequence[Archive], *, seconds_left: SecondsLeft) -> Planned | None:
        """Save the archives, then send their first messages: in this order."""
        reads = any(archive.phase is Phase.CHECKSUM for archive in archives)
        sizes = {"archives": len(archives), "bytes": sum(archive.size for archive in archives)}
        costs = {"costs": [archive.cost for archive in archives]}
        event = JobEvent("checksumming" if reads else "assembling", self.now(), WORKER, sizes | costs)
        opened = self.table.open_archives(
            job, Trigger.CHECKSUM if reads else Trigger.BUILD, archives=archives, event=event
        )
        if not opened:
            for archive in archives:
                for upload in self._uploads_of(archive):
                    self.store.abort(upload)
            return None
        self._abort_other_uploads(job, archives)
        inline = len(archives) == 1 and seconds_left() >= INLINE_SECONDS
        return Planned(*[self.lifecycle.start(archive, inline=inline) for archive in archives][:1])

    def _uploads_of(self, archive: Archive) -> list[MultipartUpload]:
        stored = self.store.get(archive.intermediates) if archive.intermediates else None
        return [archive.upload, *(decode(stored, Uploads).uploads if stored else ())]

    def _abort_other_uploads(self, job: Job, archives: Sequence[Archive]) -> None:
        """Abort the uploads of planners that were killed before they could save theirs."""
        ours = {upload for archive in archives for upload in self._uploads_of(archive)}
        abort_uploads(self.store, job.job_id, generations=range(job.generation, job.generation + 1), kept=ours)
