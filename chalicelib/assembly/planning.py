"""Plans the archives of a job, as a run that can be left at many places and resumed by another message.

Everything that the next message needs is in `PlanState` and in the objects that it names. If one message does it all,
nothing is stored but the finished plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.entries import INCLUDED, Entries, Entry
from chalicelib.archive.layout import lay_out
from chalicelib.archive.names import Naming
from chalicelib.archive.volumes import Brief, Names, RowRange, Volume, cut_volumes
from chalicelib.assembly.archive_planning import ArchiveRun, ArchiveState, PlannedArchive, PlanRules
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.plans import StagingArea
from chalicelib.errors import ArchiveTooLarge, TableUnavailable
from chalicelib.jobs.files import BATCHES_AT_ONCE, files_of
from chalicelib.jobs.model import ArchiveRequest, FileResult, FileState, Job, RequestedFile
from chalicelib.jobs.ports import JobTable

MAX_ARCHIVES = 90  # of one job: they are saved in one transaction of at most 100 items
ROWS_AN_OBJECT = 5_000


class PlanStep(StrEnum):
    """What is done next."""

    COLLECT = "collect"  # the job's files become entries; `position` is the next batch
    NAME = "name"  # they get their names, and are divided into archives
    ARCHIVES = "archives"  # these are planned, one after the other
    OPEN = "open"  # all of them are planned


class PlanState(msgspec.Struct, tag_field="v", tag=2):
    """How far planning has come. `rows` and `names` are keys of what is stored. `archives` are planned, `current` is
    being planned; together they follow `ranges`. Version 1 measured records without extended timestamps.
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

    def __init__(self, planning: Planning, job: Job, state: PlanState, area: StagingArea) -> None:
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
        included = sum(map(self._entries.included, range(len(self._entries))))
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
            layout = lay_out(Volume.of(entries, names, whole), s3_limits=self._planning.rules.limits)
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
            volume = Volume.of(self._entries, self._names, state.ranges[number - 1])
            state.current = state.current or ArchiveState()
            area = self._area.below(f"{number}/")
            self._current = ArchiveRun(volume, state.current, area, planning.checksums, planning.rules)
            yield from self._current.steps()
            state.archives.append(self._current.finish())
            state.current = self._current = None
            yield
        state.step = PlanStep.OPEN


def _brief(job: Job) -> Brief:
    request = job.archive or ArchiveRequest()
    return Brief(job.job_id, job.created_at // 1000, Naming(request.layout), request.prefix or job.prefix)


def entry_of(file: RequestedFile, result: FileResult, *, trusted: bool) -> Entry:
    """A file as the archive needs it; `trusted`: with the CRC-32 that the store reported."""
    available = result.state is FileState.AVAILABLE
    return Entry(
        file.key,
        file.file_id,
        INCLUDED if available else str(result.state),
        result.reason,
        result.size,
        result.etag or "",
        (result.modified or 0) // 1000,
        result.crc32 if available and trusted else None,
    )
