"""JobTable on DynamoDB. Every write that can race is conditional; how values lie in rows is in rows.py."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge

import msgspec

from chalicelib.aws import job_updates, keys, rows
from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.keys import Row
from chalicelib.aws.updates import (
    NEW_ROW,
    Action,
    ConditionCheck,
    Delete,
    Put,
    Update,
    at_most,
    between,
    equals,
    present,
)
from chalicelib.errors import FieldProblem, InvalidRequest
from chalicelib.jobs.model import Failure, FileResult, Job, JobEvent, RequestedFile
from chalicelib.jobs.ports import Advance, Change, CheckedFile, EventPage, JobFilter, JobPage, Recorded, StoredBatch

NEWEST_FIRST = {"IndexName": keys.OWNED_JOBS_INDEX, "ScanIndexForward": False}
MAX_ROUNDS = 10  # a rare status must not make one request read the whole index

NOT_OURS = FieldProblem("/cursor", "is not a cursor that this service gave out")
_JOB_PLACE = re.compile(r'\[(?P<created>[0-9]{1,15}), "(?P<id>[0-9A-Za-z-]{1,64})"\]')
_EVENT_PLACE = re.compile(rf"{keys.EVENTS}[0-9]{{13}}#[0-9a-f]{{8}}")


class DynamoJobTable(msgspec.Struct, frozen=True):
    """`retention` is how long items are kept after they were written, in seconds; `token()` is 8 random hex digits."""

    table: Table
    retention: int
    token: Callable[[], str]

    def create(self, job: Job, batches: Iterable[Sequence[RequestedFile]], *, event: JobEvent) -> bool:
        ttl = self._ttl(job.created_at)
        self.table.write_all([rows.files_row(job, n, files=files, ttl=ttl) for n, files in enumerate(batches)])
        return self.table.wins(Put(rows.job_row(job, ttl=ttl), NEW_ROW), self._event(job.job_id, event))

    def get(self, job_id: str) -> Job | None:
        row = self.table.get(keys.job(job_id))
        return rows.job_from(row) if row else None

    def apply(self, change: Change) -> Job | None:
        actions: list[Action] = [job_updates.transition(change), self._event(change.job_id, change.event)]
        if change.batch_open is not None:
            result = keys.result(change.job_id, change.batch_open, listing=change.listing)
            actions.append(ConditionCheck(result, NEW_ROW))
        return self.get(change.job_id) if self.table.wins(*actions) else None

    def advance(self, job: Job, advance: Advance) -> Job | None:
        moved = Update(
            key=keys.job(job.job_id),
            set={"dispatched": advance.position},
            add={"in_flight": len(advance.batches)},
            condition=job_updates.current(job) & equals("dispatched", job.dispatched),
        )
        try:
            return rows.job_from(self.table.update(moved, returned="ALL_NEW"))
        except ConditionFailed:
            return None

    def read_batch(self, job: Job, batch: int) -> StoredBatch:
        files = rows.files_key(job, batch)
        result = rows.result_key(job, batch)
        found = {row["sk"]["S"]: row for row in self.table.read_all([files, result])}
        recorded = found.get(result["sk"]["S"])
        return StoredBatch(
            rows.files_from(found[files["sk"]["S"]]),
            recorded is not None,
            rows.following_from(recorded) if recorded else None,
        )

    def record_batch(
        self, job: Job, batch: int, *, results: Sequence[FileResult], advance: Advance | None, now: int
    ) -> Recorded | Job:
        following = advance.batches[0] if advance and advance.batches else None
        stored = rows.result_row(job, batch, results=results, ttl=self._ttl(now), following=following)
        try:
            self.table.transact(Put(stored, NEW_ROW), job_updates.recording(job, results, advance=advance, now=now))
        except ConditionFailed as failed:
            if failed.failed[0]:
                return Recorded.DUPLICATE
            row = failed.rows[1]
            current = rows.job_from(row) if row else None
            return current if current and current.step and current.generation == job.generation else Recorded.JOB_ENDED
        return Recorded.RECORDED

    def reopen(self, job: Job, batch: int, *, results: Sequence[FileResult]) -> bool:
        stored = Delete(rows.result_key(job, batch), present("results"))
        return self.table.wins(stored, job_updates.reopened(job, results))

    def purge(self, job: Job, *, event: JobEvent) -> bool:
        at = min(event.at, job.expires_at)
        return self.table.wins(job_updates.purged(job, at), self._event(job.job_id, event))

    def forget_files(self, job: Job) -> None:
        """Those of listings that lost, too: whatever lies in the job's shards."""
        for shard in range(keys.SHARDS):
            rows = self.table.rows(equals("pk", keys.shard(job.job_id, shard)), ProjectionExpression="pk, sk")
            self.table.delete_all(list(rows))

    def unrecorded(self, job: Job, batches: Sequence[int]) -> list[int]:
        wanted = [rows.result_key(job, number) for number in batches]
        recorded = {keys.batch_of(row) for row in self.table.read_all(wanted, only=["sk"])}
        return [number for number in batches if number not in recorded]

    def record_listing(self, job: Job, listed: Job, *, found: Sequence[CheckedFile], now: int) -> bool:
        ttl, first = self._ttl(now), job.batches
        items: list[Row] = []
        for number in range(first, listed.batches):
            batch = found[(number - first) * listed.batch_size :][: listed.batch_size]
            items.append(rows.files_row(listed, number, files=[file for file, _ in batch], ttl=ttl))
            items.append(rows.result_row(listed, number, results=[result for _, result in batch], ttl=ttl))
        self.table.write_all(items)
        return self.table.wins(job_updates.listed_as(job, listed, now=now))

    def read_requests(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[RequestedFile, ...]]:
        found = self.table.read_all([rows.files_key(job, number) for number in batches])
        return {keys.batch_of(row): rows.files_from(row) for row in found}

    def read_results(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[FileResult, ...]]:
        found = self.table.read_all([rows.result_key(job, number) for number in batches])
        return {keys.batch_of(row): rows.results_from(row) for row in found}

    def note(self, job_id: str, event: JobEvent) -> None:
        self.table.transact(self._event(job_id, event))

    def note_links(self, job_id: str, event: JobEvent, *, count: int) -> None:
        self.table.update(job_updates.links_issued(job_id, event, count=count, ttl=self._ttl(event.at)))

    def events(self, job_id: str, *, limit: int, cursor: str | None) -> EventPage:
        """The cursor is the last event's sort key."""
        after = _event_place(cursor) if cursor else keys.EVENTS
        # BETWEEN takes in its ends; "!" is the smallest printable character after the cursor itself.
        of_job = equals("pk", keys.partition(job_id)) & between("sk", low=f"{after}!", high=f"{keys.EVENTS}~")
        found, last = self.table.page(of_job, limit=limit)
        return EventPage(tuple(map(rows.event_from, found)), _encoded(last["sk"]["S"]) if last else None)

    def note_error(self, job_id: str, batch: int | None, *, error: Failure, event: JobEvent) -> None:
        row = rows.error_row(job_id, batch, error=error, ttl=self._ttl(event.at))
        self.table.transact(Put(row), self._event(job_id, event))

    def last_error(self, job_id: str, batch: int | None) -> Failure | None:
        row = self.table.get(keys.error(job_id, batch))
        return rows.error_from(row) if row else None

    def count_run(self, job_id: str, work: str, *, cost: int, now: int) -> None:
        counted = Update(key=keys.runs(job_id, work), set={"ttl": self._ttl(now)}, add={"cost": cost})
        self.table.update(counted)

    def cost_of_runs(self, job_id: str, work: str) -> int:
        row = self.table.get(keys.runs(job_id, work))
        return int(row["cost"]["N"]) if row else 0

    def due(self, *, now: int) -> Iterator[str]:
        until = at_most("sweep_at", now)
        shards = [
            self.table.rows(equals("open_shard", shard) & until, IndexName=keys.OPEN_JOBS_INDEX)
            for shard in keys.OPEN_SHARDS
        ]
        return map(keys.job_id_of, merge(*shards, key=lambda row: int(row["sweep_at"]["N"])))

    def postpone_sweep(self, job: Job, *, sweep_at: int, event: JobEvent | None) -> bool:
        postponed = Update(
            key=keys.job(job.job_id),
            set={"sweep_at": sweep_at},
            add={"sweeps": 1} if event else {},
            condition=equals("sweep_at", job.sweep_at),
        )
        return self.table.wins(postponed, *([self._event(job.job_id, event)] if event else []))

    def owned_by(self, owner: str, *, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """A page may hold fewer than `limit` jobs, even none, and still have a successor where wanted ones are rare."""
        start = _job_place(owner, cursor) if cursor else None
        found: list[Job] = []
        for _ in range(MAX_ROUNDS):
            newest, start = self.table.page(equals("owner", owner), limit=limit, start=start, **NEWEST_FIRST)
            matching = [job for job in self._jobs(newest) if wanted.matches(job)]
            room = limit - len(found)
            found.extend(matching[:room])
            if len(matching) > room:
                return JobPage(tuple(found), _job_cursor(found[-1].created_at, found[-1].job_id))
            if start is None or len(found) == limit:
                break
        return JobPage(tuple(found), _cursor_of(start) if start else None)

    def _jobs(self, found: Sequence[Row]) -> list[Job]:
        """The jobs of an index's rows, in their order."""
        read = self.table.read_all([{"pk": row["pk"], "sk": row["sk"]} for row in found])
        by_id = {keys.job_id_of(row): rows.job_from(row) for row in read}
        ids = map(keys.job_id_of, found)
        return [by_id[job_id] for job_id in ids if job_id in by_id]

    def _ttl(self, at: int) -> int:
        return at // 1000 + self.retention

    def _event(self, job_id: str, event: JobEvent) -> Put:
        """The trail only grows: an event never takes the place of another."""
        return Put(rows.event_row(job_id, event, token=self.token(), ttl=self._ttl(event.at)), NEW_ROW)


def _job_cursor(created_at: int, job_id: str) -> str:
    return _encoded(json.dumps([created_at, job_id]))


def _cursor_of(index_key: Row) -> str:
    return _job_cursor(int(index_key["created_at"]["N"]), keys.job_id_of(index_key))


def _job_place(owner: str, cursor: str) -> Row:
    place = _JOB_PLACE.fullmatch(_decoded(cursor))
    if place is None:
        raise InvalidRequest([NOT_OURS])
    index = {"owner": {"S": owner}, "created_at": {"N": str(int(place["created"]))}}
    return {**keys.job(place["id"]), **index}


def _event_place(cursor: str) -> str:
    place = _decoded(cursor)
    if not _EVENT_PLACE.fullmatch(place):
        raise InvalidRequest([NOT_OURS])
    return place


def _encoded(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def _decoded(cursor: str) -> str:
    """A cursor as its caller sent it; nothing in it is true yet."""
    try:
        return base64.urlsafe_b64decode(cursor).decode("ascii")
    except ValueError:
        return ""
