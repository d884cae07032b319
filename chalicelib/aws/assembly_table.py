"""AssemblyTable on DynamoDB, in the same table as the jobs. Every write that can race is conditional."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.assembly.model import PHASES, Archive, Phase, Receipt
from chalicelib.assembly.ports import ChunkOutcome
from chalicelib.aws import assembly_rows, table_rows
from chalicelib.aws.dynamodb import ConditionFailed, read_all, table_errors, transact, write_all
from chalicelib.aws.table_rows import Row, attributes
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent, JobStatus, Stage

PROCESSING = str(JobStatus.PROCESSING)
CURRENT = "(generation = :generation OR (attribute_not_exists(generation) AND :generation = :one))"
UNOPENED = "(attribute_not_exists(toAssemble) OR toAssemble = :zero)"


@dataclass(frozen=True, slots=True)
class DynamoAssemblyTable:
    """`retention` is how long items are kept, in seconds."""

    client: Any
    name: str
    retention: int

    def open_archives(self, job: Job, stage: Stage, archives: Sequence[Archive], event: JobEvent) -> bool:
        ttl = self._ttl(event.at)
        new = {"ConditionExpression": "attribute_not_exists(pk)"}
        rows = [self._put(assembly_rows.archive_row(archive, ttl=ttl), **new) for archive in archives]
        # Reading comes before building, so it is the first half of what is left.
        total = sum(archive.size for archive in archives) * (2 if stage is Stage.CHECKSUMMING else 1)
        begun = self._job_update(
            job,
            "SET stage = :stage, toAssemble = :total, assembled = :zero, #min_progress = :min_progress,"
            " updatedAt = :now",
            {":stage": str(stage), ":total": total, ":zero": 0, ":min_progress": job.progress, ":now": event.at},
            names={"#min_progress": "min_progress"},
            condition=UNOPENED if stage is Stage.CHECKSUMMING else f"({UNOPENED} OR stage = :checksumming)",
            more={} if stage is Stage.CHECKSUMMING else {":checksumming": str(Stage.CHECKSUMMING)},
        )
        return self._wins([begun, self._put(table_rows.event_row(job.job_id, event, ttl=ttl)), *rows])

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        prefix = "ARCHIVE#" if generation is None else f"ARCHIVE#{generation:05d}#"
        return [assembly_rows.archive_from(row) for row in self._below(table_rows.partition(job_id), prefix)]

    def record_chunk(self, archive: Archive, chunk: int, receipt: Receipt, *, size: int, now: int) -> ChunkOutcome:
        counted = {
            "Key": assembly_rows.archive_key_of(archive),
            "UpdateExpression": "ADD done :chunk",
            "ConditionExpression": "phase = :phase AND NOT contains(done, :number)",
            "ExpressionAttributeValues": attributes(
                {":phase": str(archive.phase), ":number": chunk, ":chunk": {chunk}}
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        row = assembly_rows.receipt_row(archive, chunk, receipt, ttl=self._ttl(now))
        values = {":size": size, ":now": now, ":generation": archive.generation}
        moved = self._update_job(archive.job_id, "ADD assembled :size SET updatedAt = :now", values)
        try:
            transact(self.client, [self._update(counted), self._put(row), moved])
        except ConditionFailed as failed:
            return _lost(archive, chunk, failed.rows[0])
        return ChunkOutcome.RECORDED

    def receipts(self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None) -> Iterator[Receipt]:
        if chunks is None:
            found = self._below(table_rows.partition(archive.job_id), assembly_rows.receipt_prefix(archive, phase))
        else:
            keys = [assembly_rows.receipt_key(archive, phase, chunk) for chunk in chunks]
            found = iter(read_all(self.client, self.name, keys))
        return (assembly_rows.receipt_from(row) for row in found)

    def enter_phase(self, archive: Archive, phase: Phase) -> bool:
        entered = {
            "Key": assembly_rows.archive_key_of(archive),
            "UpdateExpression": "SET phase = :next REMOVE done",
            "ConditionExpression": "phase = :phase",
            "ExpressionAttributeValues": attributes({":next": str(phase), ":phase": str(archive.phase)}),
        }
        return self._wins([self._update(entered)])

    def next_generation(self, job: Job, changed: Sequence[str], event: JobEvent) -> bool:
        values = {
            ":next": job.generation + 1,
            ":changed": [*job.assembly.changed, *changed],
            ":min_progress": job.progress,
            ":zero": 0,
        }
        values[":seen"] = job.assembly.done
        begun = self._job_update(
            job,
            "SET generation = :next, #changed = :changed, #min_progress = :min_progress, assembled = :zero,"
            " toAssemble = :zero ADD replans :one",
            values,
            names={"#min_progress": "min_progress", "#changed": "changed"},
            # Progress is told by this row, so it must not have moved since it was read.
            condition="(assembled = :seen OR (attribute_not_exists(assembled) AND :seen = :zero))",
        )
        return self._wins([begun, self._put(table_rows.event_row(job.job_id, event, ttl=self._ttl(event.at)))])

    def replace_results(self, job: Job, results: Mapping[int, FileResult], counts: Counts, *, size: int) -> bool:
        stored = self._result_rows(job, results)
        values = {
            ":available": counts.available,
            ":missing": counts.missing,
            ":failed": counts.failed,
            ":size": size,
            ":replanned": job.generation,
        }
        expression = (
            "ADD available :available, #missing :missing, failed :failed, #size :size SET replanned = :replanned"
        )
        names = {"#missing": "missing", "#size": "size"}
        condition = "(attribute_not_exists(replanned) OR replanned < :replanned)"
        counted = self._job_update(job, expression, values, names=names, condition=condition)
        return self._wins([counted, *stored])

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            with table_errors():
                self.client.delete_item(TableName=self.name, Key=assembly_rows.archive_key_of(archive))

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        kept = "SET sweepAt = :next" if sweep_at else "REMOVE driven, sweepAt"
        values = {":next": sweep_at} if sweep_at else {}
        seen = {":status": str(job.status), ":generation": job.generation, ":one": 1}
        update = {
            "Key": table_rows.job_key(job.job_id),
            "UpdateExpression": kept,
            "ConditionExpression": f"#status = :status AND {CURRENT}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": attributes({**values, **seen}),
        }
        self._wins([self._update(update)])

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        facts = [
            {**assembly_rows.fact_key(name), **attributes({"fact": value, "ttl": until})}
            for name, value in values.items()
        ]
        write_all(self.client, self.name, facts)

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        found = read_all(self.client, self.name, [assembly_rows.fact_key(name) for name in names])
        return {row["pk"]["S"].removeprefix("FACT#"): row["fact"]["S"] for row in found if int(row["ttl"]["N"]) > now}

    def _result_rows(self, job: Job, results: Mapping[int, FileResult]) -> list[Row]:
        """The result items of the batches that `results` touch, with those replaced."""
        numbers = sorted({index // job.batch_size for index in results})
        keys = [table_rows.batch_key(job.job_id, "RESULT", number, job.listing) for number in numbers]
        stored = []
        for row in read_all(self.client, self.name, keys):
            number = int(row["sk"]["S"].split("#")[1])
            first = number * job.batch_size
            old = enumerate(table_rows.results_from(row), first)
            new = [results.get(index, result) for index, result in old]
            ttl = int(row["ttl"]["N"])
            stored.append(self._put(table_rows.result_row(job.job_id, number, new, ttl=ttl, listing=job.listing)))
        return stored

    def _below(self, pk: str, prefix: str) -> Iterator[Row]:
        arguments: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": attributes({":pk": pk, ":prefix": prefix}),
            "ConsistentRead": True,
        }
        while True:
            with table_errors():
                answer = self.client.query(**arguments)
            yield from answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return
            arguments["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _job_update(  # noqa: PLR0913 - the parts of one update expression
        self,
        job: Job,
        expression: str,
        values: dict[str, Any],
        *,
        names: dict[str, str],
        condition: str = "",
        more: Mapping[str, Any] | None = None,
    ) -> Row:
        values = {**values, **(more or {}), ":generation": job.generation}
        return self._update_job(job.job_id, expression, values, names=names, condition=condition)

    def _update_job(
        self,
        job_id: str,
        expression: str,
        values: dict[str, Any],
        *,
        names: dict[str, str] | None = None,
        condition: str = "",
    ) -> Row:
        """An update of the job's row while it is processing in this generation (absent: the first)."""
        conditions = ["#status = :processing", CURRENT, *([condition] if condition else [])]
        update = {
            "Key": table_rows.job_key(job_id),
            "UpdateExpression": expression,
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": {"#status": "status", **(names or {})},
            "ExpressionAttributeValues": attributes({**values, ":processing": PROCESSING, ":one": 1}),
        }
        return self._update(table_rows.bump_version(update))

    def _wins(self, actions: Sequence[Row]) -> bool:
        try:
            transact(self.client, actions)
        except ConditionFailed:
            return False
        return True

    def _put(self, item: Row, **condition: str) -> Row:
        return {"Put": {"TableName": self.name, "Item": item, **condition}}

    def _update(self, update: Row) -> Row:
        return {"Update": {"TableName": self.name, **update}}

    def _ttl(self, at: int) -> int:
        return at // 1000 + self.retention


def _lost(archive: Archive, chunk: int, row: Row | None) -> ChunkOutcome:
    """A later phase, or a chunk that is counted already: somebody did this work before."""
    if row is None:
        return ChunkOutcome.STALE
    current = assembly_rows.archive_from(row)
    if PHASES.index(current.phase) > PHASES.index(archive.phase) or chunk in current.done:
        return ChunkOutcome.DUPLICATE
    return ChunkOutcome.STALE
