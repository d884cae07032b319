"""JobTable on DynamoDB. Every write that can race is conditional; how values lie in rows is in table_rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.aws import table_rows as rows
from chalicelib.aws.dynamodb import ConditionFailed, read_all, table_errors, transact, write_all
from chalicelib.aws.job_listing import list_events, list_owned
from chalicelib.aws.table_rows import Row
from chalicelib.jobs.files import CheckedFile, tally
from chalicelib.jobs.model import Failure, FileResult, Job, JobEvent, JobStatus, RequestedFile, Stage
from chalicelib.jobs.ports import Change, EventPage, JobPage, Recorded
from chalicelib.jobs.state_machine import ENTERS, Trigger, sources, target

# What a retry sets besides its status: a new generation, driven again.
RUN_AGAIN = [
    "generation = if_not_exists(generation, :one) + :one",
    "replans = :zero",
    "assembled = :zero",
    "toAssemble = :zero",
    "sweeps = :zero",
    "driven = :driven",
]


@dataclass(frozen=True, slots=True)
class DynamoJobTable:
    """`retention` is how long items are kept after they were written, in seconds."""

    client: Any
    name: str
    retention: int

    def create(self, job: Job, batches: Iterable[Sequence[RequestedFile]], event: JobEvent) -> bool:
        ttl = self._ttl(job.created_at)
        chunks = [rows.files_row(job.job_id, number, files, ttl=ttl) for number, files in enumerate(batches)]
        write_all(self.client, self.name, chunks)
        new = self._put(rows.job_row(job, ttl=ttl), ConditionExpression="attribute_not_exists(pk)")
        try:
            transact(self.client, [new, self._put_event(job.job_id, event)])
        except ConditionFailed:
            return False
        return True

    def get(self, job_id: str) -> Job | None:
        row = self._item(rows.job_key(job_id))
        return rows.job_from(row) if row else None

    def apply(self, change: Change) -> Job | None:
        try:
            transact(self.client, [self._change(_transition(change)), self._put_event(change.job_id, change.event)])
        except ConditionFailed:
            return None
        return self.get(change.job_id)

    def read_batch(self, job_id: str, batch: int) -> tuple[RequestedFile, ...]:
        return self.read_requests(job_id, [batch])[batch]

    def read_requests(
        self, job_id: str, batches: Sequence[int], *, listing: str = ""
    ) -> dict[int, tuple[RequestedFile, ...]]:
        found = self._batch_items(job_id, "FILES", batches, listing)
        return {number: rows.files_from(row) for number, row in found.items()}

    def read_results(
        self, job_id: str, batches: Sequence[int], *, listing: str = ""
    ) -> dict[int, tuple[FileResult, ...]]:
        found = self._batch_items(job_id, "RESULT", batches, listing)
        return {number: rows.results_from(row) for number, row in found.items()}

    def record_batch(self, job_id: str, batch: int, results: Sequence[FileResult], *, now: int) -> Recorded:
        counted = self._change(_counting(job_id, batch, results, now))
        stored = self._put(rows.result_row(job_id, batch, results, ttl=self._ttl(now)))
        try:
            transact(self.client, [counted, stored])
        except ConditionFailed as failed:
            row = failed.rows[0]
            recorded = row is not None and batch in rows.job_from(row).done
            return Recorded.DUPLICATE if recorded else Recorded.JOB_ENDED
        return Recorded.RECORDED

    def record_listing(self, job: Job, listing: str, found: Sequence[CheckedFile], *, now: int) -> bool:
        ttl = self._ttl(now)
        items: list[Row] = []
        for number in range(job.batches):
            batch = found[number * job.batch_size : (number + 1) * job.batch_size]
            files, results = [file for file, _ in batch], [result for _, result in batch]
            items.append(rows.files_row(job.job_id, number, files, ttl=ttl, listing=listing))
            items.append(rows.result_row(job.job_id, number, results, ttl=ttl, listing=listing))
        write_all(self.client, self.name, items)
        try:
            transact(self.client, [self._change(_listed(job, listing, [result for _, result in found], now))])
        except ConditionFailed:
            return False
        return True

    def note(self, job_id: str, event: JobEvent) -> None:
        transact(self.client, [self._put_event(job_id, event)])

    def events(self, job_id: str, *, limit: int, cursor: str | None) -> EventPage:
        return list_events(self.client, self.name, job_id, limit=limit, cursor=cursor)

    def note_error(self, job_id: str, batch: int | None, last_error: Failure, event: JobEvent) -> None:
        row = rows.error_row(job_id, batch, last_error, ttl=self._ttl(event.at))
        transact(self.client, [self._put(row), self._put_event(job_id, event)])

    def last_error(self, job_id: str, batch: int | None) -> Failure | None:
        row = self._item(rows.batch_key(job_id, "ERROR", batch))
        return Failure(row["code"]["S"], row["message"]["S"]) if row else None

    def due(self, *, now: int, limit: int) -> list[str]:
        with table_errors():
            answer = self.client.query(
                TableName=self.name,
                IndexName=rows.OPEN_JOBS_INDEX,
                KeyConditionExpression="driven = :yes AND sweepAt <= :now",
                ExpressionAttributeValues=rows.attributes({":yes": rows.OPEN, ":now": now}),
                Limit=limit,
            )
        return [rows.job_id_of(row) for row in answer["Items"]]

    def postpone_sweep(self, job: Job, *, sweep_at: int, event: JobEvent | None) -> bool:
        postponed = self._update(_postponement(job, sweep_at, counted=event is not None))
        events = [self._put_event(job.job_id, event)] if event else []
        try:
            transact(self.client, [postponed, *events])
        except ConditionFailed:
            return False
        return True

    def owned_by(self, owner: str, *, status: JobStatus | None, limit: int, cursor: str | None) -> JobPage:
        return list_owned(self.client, self.name, owner, status=status, limit=limit, cursor=cursor)

    def _ttl(self, at: int) -> int:
        return at // 1000 + self.retention

    def _item(self, key: Row) -> Row | None:
        with table_errors():
            answer: Row = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def _batch_items(self, job_id: str, kind: str, batches: Sequence[int], listing: str) -> dict[int, Row]:
        keys = [rows.batch_key(job_id, kind, number, listing) for number in batches]
        return {int(row["sk"]["S"].split("#")[1]): row for row in read_all(self.client, self.name, keys)}

    def _put(self, item: Row, **condition: str) -> Row:
        return {"Put": {"TableName": self.name, "Item": item, **condition}}

    def _put_event(self, job_id: str, event: JobEvent) -> Row:
        """The trail only grows: an event never takes the place of another."""
        row = rows.event_row(job_id, event, ttl=self._ttl(event.at))
        return self._put(row, ConditionExpression="attribute_not_exists(pk)")

    def _update(self, update: Row) -> Row:
        return {"Update": {"TableName": self.name, **update}}

    def _change(self, update: Row) -> Row:
        return self._update(rows.bump_version(update))


def _transition(change: Change) -> Row:
    """The update that makes a transition, on condition that the state machine allows it now."""
    allowed = {f":from{n}": str(status) for n, status in enumerate(sorted(sources(change.trigger)))}
    condition = f"#status IN ({', '.join(allowed)})"
    if change.all_checked:
        condition += " AND size(done) >= batches"
    if change.batch_open is not None:
        condition += " AND NOT contains(done, :batch)"
    to = target(change.trigger)
    values = {**allowed, ":to": str(to), ":at": change.event.at}
    assignments = ["#status = :to", "updatedAt = :at"]
    removals = []
    if change.batch_open is not None:
        values[":batch"] = change.batch_open
    if change.trigger in ENTERS:
        assignments.append("stage = :stage")
        values[":stage"] = str(ENTERS[change.trigger])
    if change.trigger is Trigger.ASSEMBLE:
        condition += " AND stage = :checking"
        values[":checking"] = str(Stage.CHECKING)
    if to.ended:
        assignments.append("finishedAt = :at")
        removals = ["stage"] if change.sweep_at else ["stage", "driven", "sweepAt"]
    if change.trigger is Trigger.RETRY:
        assignments += RUN_AGAIN
        removals = ["#error", "finishedAt", "changed"]
        values |= {":one": 1, ":zero": 0, ":driven": rows.OPEN}
    for name, value in _optional(change).items():
        if value is not None:
            assignments.append(f"#{name} = :{name}")
            values[f":{name}"] = value
    optional = {f"#{name}": name for name in _optional(change) if f":{name}" in values}
    names = {"#status": "status", **optional, **({"#error": "error"} if "#error" in removals else {})}
    return {
        "Key": rows.job_key(change.job_id),
        "UpdateExpression": f"SET {', '.join(assignments)}" + (f" REMOVE {', '.join(removals)}" if removals else ""),
        "ConditionExpression": condition,
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": rows.attributes(values),
    }


def _optional(change: Change) -> dict[str, Any]:
    return {
        "expiresAt": change.expires_at,
        "error": _error_values(change.error),
        "sweepAt": change.sweep_at,
        "min_progress": change.min_progress,
    }


def _error_values(error: Failure | None) -> dict[str, str] | None:
    return {"code": error.code, "message": error.message} if error else None


def _counting(job_id: str, batch: int, results: Sequence[FileResult], now: int) -> Row:
    """The update that counts a batch, once, while the job is processing."""
    counts, size = tally(results)
    values = {
        ":processing": str(JobStatus.PROCESSING),
        ":number": batch,
        ":batch": {batch},
        ":available": counts.available,
        ":missing": counts.missing,
        ":failed": counts.failed,
        ":size": size,
        ":now": now,
    }
    return {
        "Key": rows.job_key(job_id),
        "UpdateExpression": (
            "ADD available :available, #missing :missing, failed :failed, #size :size, done :batch SET updatedAt = :now"
        ),
        "ConditionExpression": "#status = :processing AND NOT contains(done, :number)",
        "ExpressionAttributeNames": {"#status": "status", "#missing": "missing", "#size": "size"},
        "ExpressionAttributeValues": rows.attributes(values),
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _listed(job: Job, listing: str, results: Sequence[FileResult], now: int) -> Row:
    """The update that makes a listing the job's, unless another one is."""
    counts, size = tally(results)
    values = {
        ":processing": str(JobStatus.PROCESSING),
        ":listing": listing,
        ":total": job.total,
        ":batchSize": job.batch_size,
        ":batches": job.batches,
        ":available": counts.available,
        ":missing": counts.missing,
        ":failed": counts.failed,
        ":size": size,
        ":done": set(range(job.batches)),
        ":now": now,
    }
    return {
        "Key": rows.job_key(job.job_id),
        "UpdateExpression": (
            "SET listing = :listing, #total = :total, batchSize = :batchSize, batches = :batches,"
            " available = :available, #missing = :missing, failed = :failed, #size = :size, done = :done,"
            " updatedAt = :now"
        ),
        "ConditionExpression": "#status = :processing AND attribute_not_exists(listing)",
        "ExpressionAttributeNames": {"#status": "status", "#total": "total", "#missing": "missing", "#size": "size"},
        "ExpressionAttributeValues": rows.attributes(values),
    }


def _postponement(job: Job, sweep_at: int, *, counted: bool) -> Row:
    """The update that moves the next sweep, on condition that no other sweeper has."""
    return {
        "Key": rows.job_key(job.job_id),
        "UpdateExpression": "SET sweepAt = :next" + (" ADD sweeps :one" if counted else ""),
        "ConditionExpression": "sweepAt = :seen",
        "ExpressionAttributeValues": rows.attributes(
            {":next": sweep_at, ":seen": job.sweep_at, ":one": 1 if counted else None}
        ),
    }
