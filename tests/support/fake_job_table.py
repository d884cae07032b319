"""JobTable in memory, as strict as DynamoDB. tests/contracts runs it beside the real adapter."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from chalicelib.errors import FieldProblem, InvalidRequest, TableUnavailable
from chalicelib.jobs.model import Counts, Failure, FileResult, Job, JobEvent, JobStatus, RequestedFile, tally
from chalicelib.jobs.ports import Advance, Change, CheckedFile, EventPage, JobFilter, JobPage, Recorded, StoredBatch
from chalicelib.jobs.state_machine import Trigger, allows, target
from tests.support.fakes import Crash


class FakeJobTable:
    """JobTable in memory. `crash_in` makes the n-th write from now die, before or after it took effect."""

    def __init__(self) -> None:
        self.jobs: dict[str, Job] = {}
        self.requests: dict[tuple[str, int], tuple[RequestedFile, ...]] = {}
        self.results: dict[tuple[str, int], tuple[FileResult, ...]] = {}
        self.followings: dict[tuple[str, int], int | None] = {}
        self.errors: dict[tuple[str, int | None], Failure] = {}
        self.runs: dict[tuple[str, str], int] = {}
        self.trail: dict[str, list[JobEvent]] = {}
        self.down = False
        self.crash_in: int | None = None
        self.crash_after_write = False

    def create(self, job: Job, batches: Iterable[Sequence[RequestedFile]], *, event: JobEvent) -> bool:
        for number, files in enumerate(batches):
            self.requests[place_of(job, number)] = tuple(files)
        if job.job_id in self.jobs:
            return False
        with self.write():
            self.jobs[job.job_id] = job
            self.trail[job.job_id] = [event]
        return True

    def get(self, job_id: str) -> Job | None:
        self._answer()
        return self.jobs.get(job_id)

    def apply(self, change: Change) -> Job | None:
        job = self.get(change.job_id)
        if job is None or not allows(job, change.trigger) or (change.all_checked and not job.all_checked):
            return None
        if change.generation not in (None, job.generation):
            return None
        if change.batch_open is not None and (change.job_id + change.listing, change.batch_open) in self.results:
            return None
        with self.write():
            self.jobs[job.job_id] = _after(job, change)
            self.trail[job.job_id].append(change.event)
        return self.jobs[job.job_id]

    def advance(self, job: Job, advance: Advance) -> Job | None:
        current = self._current(job)
        if current is None or current.dispatched != job.dispatched:
            return None
        moved = replace(current, dispatched=advance.position, in_flight=current.in_flight + len(advance.batches))
        with self.write():
            self.jobs[job.job_id] = moved
        return moved

    def read_batch(self, job: Job, batch: int) -> StoredBatch:
        self._answer()
        place = place_of(job, batch)
        return StoredBatch(self.requests[place], place in self.results, self.followings.get(place))

    def read_requests(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[RequestedFile, ...]]:
        self._answer()
        return {n: self.requests[place_of(job, n)] for n in batches if place_of(job, n) in self.requests}

    def read_results(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[FileResult, ...]]:
        self._answer()
        return {n: self.results[place_of(job, n)] for n in batches if place_of(job, n) in self.results}

    def reopen(self, job: Job, batch: int, *, results: Sequence[FileResult]) -> bool:
        current, place = self._current(job), place_of(job, batch)
        if current is None or current.dispatched or place not in self.results:
            return False
        counts, size = tally(results)
        less = replace(current, size=current.size - size, checked=current.checked - 1, version=current.version + 1)
        less = replace(less, min_progress=job.progress)
        with self.write():
            del self.results[place]
            self.jobs[job.job_id] = added(less, Counts() - counts)
        return True

    def purge(self, job: Job, *, event: JobEvent) -> bool:
        current = self.get(job.job_id)
        if current is None or (current.status, current.generation) != (job.status, job.generation):
            return False
        at = min(event.at, job.expires_at)
        with self.write():
            self.jobs[job.job_id] = replace(
                current, expires_at=at, sweep_at=at, purged=True, version=current.version + 1
            )
            self.trail[job.job_id].append(event)
        return True

    def forget_files(self, job: Job) -> None:
        with self.write():
            for number in range(job.batches):
                self.requests.pop(place_of(job, number), None)
                self.results.pop(place_of(job, number), None)

    def unrecorded(self, job: Job, batches: Sequence[int]) -> list[int]:
        self._answer()
        return [n for n in batches if place_of(job, n) not in self.results]

    def record_listing(self, job: Job, listed: Job, *, found: Sequence[CheckedFile], now: int) -> bool:
        current, first = self._current(job), job.batches
        for number in range(first, listed.batches):
            batch = found[(number - first) * listed.batch_size :][: listed.batch_size]
            self.requests[place_of(listed, number)] = tuple(file for file, _ in batch)
            self.results[place_of(listed, number)] = tuple(result for _, result in batch)
        if current is None or current.listing != job.listing:
            return False
        with self.write():
            self.jobs[job.job_id] = replace(listed, status=current.status, updated_at=now, version=current.version + 1)
        return True

    def record_batch(
        self, job: Job, batch: int, *, results: Sequence[FileResult], advance: Advance | None, now: int
    ) -> Recorded | Job:
        current, place = self._current(job), place_of(job, batch)
        if place in self.results:
            return Recorded.DUPLICATE
        if current is None:
            return Recorded.JOB_ENDED
        if advance and current.dispatched != job.dispatched:
            return current
        with self.write():
            self.results[place] = tuple(results)
            self.followings[place] = advance.batches[0] if advance and advance.batches else None
            self.jobs[job.job_id] = _counted(current, results, advance, now)
        return Recorded.RECORDED

    def note(self, job_id: str, event: JobEvent) -> None:
        with self.write():
            self.trail.setdefault(job_id, []).append(event)

    def note_links(self, job_id: str, event: JobEvent, *, count: int) -> None:
        with self.write():
            trail = self.trail.setdefault(job_id, [])
            place = (event.kind, event.at, event.actor.by)
            same = [line for line in trail if (line.kind, line.at, line.actor.by) == place]
            before = same[0].details if same else {"count": 0, "reads": 0}
            added = replace(event, details={"count": before["count"] + count, "reads": before["reads"] + 1})
            trail[:] = [*(line for line in trail if line not in same), added]

    def events(self, job_id: str, *, limit: int, cursor: str | None) -> EventPage:
        self._answer()
        trail = sorted(self.trail.get(job_id, []), key=lambda event: event.at)
        first = _number(cursor) if cursor else 0
        more = first + limit < len(trail)
        return EventPage(tuple(trail[first : first + limit]), str(first + limit) if more else None)

    def note_error(self, job_id: str, batch: int | None, *, error: Failure, event: JobEvent) -> None:
        with self.write():
            self.errors[job_id, batch] = error
            self.trail.setdefault(job_id, []).append(event)

    def last_error(self, job_id: str, batch: int | None) -> Failure | None:
        self._answer()
        return self.errors.get((job_id, batch))

    def count_run(self, job_id: str, work: str, *, cost: int, now: int) -> None:
        with self.write():
            self.runs[job_id, work] = self.runs.get((job_id, work), 0) + cost

    def cost_of_runs(self, job_id: str, work: str) -> int:
        self._answer()
        return self.runs.get((job_id, work), 0)

    def due(self, *, now: int) -> Iterator[str]:
        self._answer()
        waiting = [job for job in self.jobs.values() if _driven(job) and job.sweep_at <= now]
        return iter([job.job_id for job in sorted(waiting, key=lambda job: job.sweep_at)])

    def postpone_sweep(self, job: Job, *, sweep_at: int, event: JobEvent | None) -> bool:
        current = self.get(job.job_id)
        if current is None or not _driven(current) or current.sweep_at != job.sweep_at:
            return False
        with self.write():
            counted = current.sweeps + (event is not None)
            self.jobs[job.job_id] = replace(current, sweep_at=sweep_at, sweeps=counted)
            self.trail[job.job_id].extend([event] if event else [])
        return True

    def owned_by(self, owner: str, *, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        self._answer()
        start = _decoded(cursor) if cursor else None
        mine = [job for job in self.jobs.values() if job.owner == owner and wanted.matches(job)]
        mine.sort(key=lambda job: (job.created_at, job.job_id), reverse=True)
        rest = [job for job in mine if start is None or (job.created_at, job.job_id) < start]
        page = rest[:limit]
        more = len(rest) > limit
        return JobPage(tuple(page), _encoded(page[-1]) if more else None)

    def _current(self, job: Job) -> Job | None:
        """The job as it is now, if it is processing in the same attempt."""
        current = self.get(job.job_id)
        same = current and (current.status, current.generation) == (JobStatus.PROCESSING, job.generation)
        return current if same else None

    def _answer(self) -> None:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")

    def write(self) -> _Write:
        self._answer()
        return _Write(self)


@dataclass
class _Write:
    """A write that may die just before or just after it takes effect."""

    table: FakeJobTable
    dies: bool = False

    def __enter__(self) -> None:
        if self.table.crash_in is not None:
            self.table.crash_in -= 1
            self.dies = self.table.crash_in < 0
            if self.dies:
                self.table.crash_in = None
        if self.dies and not self.table.crash_after_write:
            raise Crash

    def __exit__(self, *_: object) -> None:
        if self.dies and self.table.crash_after_write:
            raise Crash


def _driven(job: Job) -> bool:
    """In the index of the sweeper: not ended, or ended with something left to clean up."""
    return not job.status.ended or job.sweep_at > 0


def _after(job: Job, change: Change) -> Job:
    to = target(change.trigger)
    ended = to.status.ended
    if change.trigger is Trigger.RETRY:
        job = replace(job, error=None, sweeps=0, generation=job.generation + 1, replans=0)
        job = replace(job, retry_key=change.retry_key, assembled=0, to_assemble=0, dispatched=0, in_flight=0)
    if change.unlisted:
        job = job.unlisted()
    return replace(
        job,
        status=to.status,
        step=to.step,
        error=change.error or job.error,
        updated_at=change.event.at,
        finished_at=change.event.at if ended else None,
        expires_at=change.expires_at or job.expires_at,
        sweep_at=change.sweep_at or (0 if ended else job.sweep_at),
        min_progress=job.min_progress if change.min_progress is None else change.min_progress,
        version=job.version + 1,
    )


def _counted(job: Job, results: Sequence[FileResult], advance: Advance | None, now: int) -> Job:
    counts, size = tally(results)
    sent = len(advance.batches) if advance else 0
    moved = replace(job, dispatched=advance.position if advance else job.dispatched, in_flight=job.in_flight + sent - 1)
    counted = replace(moved, size=job.size + size, checked=job.checked + 1, updated_at=now, version=job.version + 1)
    return added(counted, counts)


def place_of(job: Job, batch: int) -> tuple[str, int]:
    """Where the files of a batch and their results lie."""
    return job.job_id + job.listing_of(batch), batch


def added(job: Job, counts: Counts) -> Job:
    """The job with more files counted."""
    return replace(
        job,
        available=job.available + counts.available,
        missing=job.missing + counts.missing,
        failed=job.failed + counts.failed,
        folders=job.folders + counts.folders,
    )


def _number(cursor: str) -> int:
    if not cursor.isdecimal():
        raise InvalidRequest([FieldProblem("/cursor", "is not a cursor that this service gave out")])
    return int(cursor)


def _encoded(job: Job) -> str:
    return base64.urlsafe_b64encode(json.dumps([job.created_at, job.job_id]).encode()).decode()


def _decoded(cursor: str) -> tuple[int, str]:
    try:
        place = re.fullmatch(rb'\[(\d{1,15}), "([\w-]{1,64})"\]', base64.urlsafe_b64decode(cursor))
    except ValueError:
        place = None
    if place is None:
        raise InvalidRequest([FieldProblem("/cursor", "is not a cursor that this service gave out")])
    return int(place[1]), place[2].decode()
