"""AssemblyTable on DynamoDB, in the same table as the jobs. Every write that can race is conditional.

A chunk is recorded by two rows, its receipt and a counter in the archive's row, whatever the archive: receipts lie on
shards, and which chunks are missing follows from the receipts that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import msgspec

from chalicelib.assembly.model import Archive, Phase, Receipt
from chalicelib.assembly.ports import ChunkOutcome, ChunkState
from chalicelib.aws import keys, rows
from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.job_updates import allowed, counted, entered
from chalicelib.aws.keys import Row
from chalicelib.aws.rows import attributes, plain
from chalicelib.aws.updates import (
    NEW_ROW,
    Condition,
    Delete,
    Put,
    Update,
    at_least,
    at_most,
    begins_with,
    between,
    equals,
    less,
)
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent, JobStatus
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import DYNAMODB_MAX_BATCH_GET


class DynamoAssemblyTable(msgspec.Struct, frozen=True):
    """`retention` is how long items are kept, in seconds; `token()` is 8 random hex digits."""

    table: Table
    retention: int
    token: Callable[[], str]

    # --- planning

    def saved_plan(self, job: Job) -> str | None:
        row = self.table.get(keys.plan(job.job_id, job.generation))
        return str(row["state"]["S"]) if row else None

    def save_plan(self, job: Job, *, state: str, before: str | None, step: str, now: int) -> bool:
        saved = {**keys.plan(job.job_id, job.generation), **attributes({"state": state, "step": step})}
        saved |= attributes({"updated_at": now, "ttl": self._ttl(now)})
        planning = _job_update(job.job_id, job.generation, set={"updated_at": now})
        return self.table.wins(Put(saved, equals("state", before) if before else NEW_ROW), planning)

    def open_archives(self, job: Job, trigger: Trigger, *, archives: Sequence[Archive], event: JobEvent) -> bool:
        ttl = self._ttl(event.at)
        begun = _job_update(
            job.job_id,
            job.generation,
            condition=allowed(trigger) & equals("to_assemble", 0),
            set={
                **entered(trigger),
                "to_assemble": sum(archive.size for archive in archives),
                "assembled": 0,
                "min_progress": job.progress,
                "updated_at": event.at,
            },
        )
        new = [Put(_archive_row(archive, ttl=ttl), NEW_ROW) for archive in archives]
        return self.table.wins(begun, self._event(job.job_id, event), *new)

    # --- building

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        prefix = keys.ARCHIVES if generation is None else keys.archive_prefix(generation)
        found = self.table.rows(equals("pk", keys.partition(job_id)) & begins_with("sk", prefix))
        return [_archive_from(row) for row in found]

    def chunk_state(self, job_id: str, generation: int, *, number: int, phase: Phase, chunk: int) -> ChunkState:
        job, archive = keys.job(job_id), keys.archive(job_id, generation, number=number)
        receipt = keys.receipt(job_id, generation, number=number, phase=phase, chunk=chunk)
        found = {row["sk"]["S"]: row for row in self.table.read_all([job, archive, receipt])}
        job_row, archive_row = found.get(job["sk"]["S"]), found.get(archive["sk"]["S"])
        return ChunkState(
            rows.job_from(job_row) if job_row else None,
            _archive_from(archive_row) if archive_row else None,
            receipt["sk"]["S"] in found,
        )

    def record_chunk(self, archive: Archive, chunk: int, *, receipt: Receipt, now: int) -> ChunkOutcome:
        count = Update(
            key=_key_of(archive),
            add={"recorded": 1, "done_bytes": receipt.done},
            set={"updated_at": now},
            condition=equals("phase", archive.phase),
        )
        stored = Put(_receipt_row(archive, chunk, receipt=receipt, ttl=self._ttl(now)), NEW_ROW)
        try:
            self.table.transact(stored, count)
        except ConditionFailed as failed:
            there, row = failed.failed[0], failed.rows[1]
            left = row is not None and _archive_from(row).is_past(archive.phase)
            return ChunkOutcome.DUPLICATE if there or left else ChunkOutcome.STALE
        return ChunkOutcome.RECORDED

    def receipts(
        self, archive: Archive, phase: Phase, *, chunks: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Receipt]]:
        for row in self._receipt_rows(archive, phase, chunks=chunks):
            yield keys.chunk_of(row), msgspec.msgpack.decode(row["receipt"]["B"], type=Receipt)

    def recorded_chunks(self, archive: Archive) -> set[int]:
        return {keys.chunk_of(row) for row in self._receipt_rows(archive, archive.phase, chunks=None)}

    def enter_phase(self, archive: Archive, phase: Phase, *, now: int) -> Archive | None:
        entered_now = {"phase": phase, "recorded": 0, "completing_at": 0, "updated_at": now}
        complete = at_least("recorded", archive.chunks.get(archive.phase, 0))
        update = Update(key=_key_of(archive), set=entered_now, condition=equals("phase", archive.phase) & complete)
        try:
            self.table.update(update)
        except ConditionFailed:
            return None
        return msgspec.structs.replace(archive, **entered_now)

    def begin_completing(self, archive: Archive, *, now: int) -> None:
        began = Update(key=_key_of(archive), set={"completing_at": now}, condition=equals("phase", archive.phase))
        with suppress(ConditionFailed):
            self.table.update(began)

    def report_progress(self, job: Job, *, assembled: int, now: int, not_after: int | None) -> bool:
        condition = less("assembled", assembled)
        if not_after is not None:
            condition &= at_most("updated_at", not_after)
        values = {"assembled": assembled, "updated_at": now}
        try:
            self.table.update(_job_update(job.job_id, job.generation, condition=condition, set=values))
        except ConditionFailed:
            return False
        return True

    # --- beginning again, ending

    def next_generation(self, job: Job, changed: Sequence[str], *, event: JobEvent) -> bool:
        begun = _job_update(
            job.job_id,
            job.generation,
            # Progress is read from this row, so it must not have moved since.
            condition=allowed(Trigger.REPLAN) & equals("assembled", job.assembled),
            set={
                **entered(Trigger.REPLAN),
                "generation": job.generation + 1,
                "min_progress": job.progress,
                "assembled": 0,
                "to_assemble": 0,
            },
            add={"replans": 1},
        )
        ttl = self._ttl(event.at)
        noted = [Put(self._changed_row(job, key, ttl=ttl)) for key in changed]
        return self.table.wins(begun, self._event(job.job_id, event), *noted)

    def changed_keys(self, job: Job) -> list[str]:
        first, last = keys.changed_prefix(job.generation - job.replans), keys.changed_prefix(job.generation)
        found = self.table.rows(equals("pk", keys.partition(job.job_id)) & between("sk", low=first, high=last))
        return [str(row["key"]["S"]) for row in found]

    def replace_results(self, job: Job, results: Mapping[int, FileResult], *, counts: Counts, size: int) -> bool:
        stored = self._result_rows(job, results)
        counters = _job_update(
            job.job_id,
            job.generation,
            condition=less("replanned", job.generation),
            set={"replanned": job.generation},
            add=counted(counts, size),
        )
        return self.table.wins(counters, *map(Put, stored))

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            self.table.delete(Delete(_key_of(archive)))

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        cleaned = Update(
            key=keys.job(job.job_id),
            set={"sweep_at": sweep_at},
            remove=[] if sweep_at else ["open_shard", "sweep_at"],
            condition=equals("status", job.status) & equals("generation", job.generation),
        )
        self.table.wins(cleaned)

    # --- facts about the store

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        self.table.write_all(
            [{**keys.fact(name), **attributes({"fact": value, "ttl": until})} for name, value in values.items()]
        )

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        found = self.table.read_all([keys.fact(name) for name in names])
        return {keys.fact_name(row): row["fact"]["S"] for row in found if int(row["ttl"]["N"]) > now}

    # --- rows

    def _receipt_rows(self, archive: Archive, phase: Phase, *, chunks: Sequence[int] | None) -> Iterator[Row]:
        """The rows of few chunks by their keys, those of many by a query of each shard."""
        count = archive.chunks.get(phase, 0)
        if chunks is None and count > DYNAMODB_MAX_BATCH_GET:
            for shard in range(keys.SHARDS):
                partition = equals("pk", keys.shard(archive.job_id, shard))
                prefix = keys.receipt_prefix(archive.generation, number=archive.number, phase=phase)
                yield from self.table.rows(partition & begins_with("sk", prefix))
            return
        wanted = range(count) if chunks is None else chunks
        for start in range(0, len(wanted), DYNAMODB_MAX_BATCH_GET):
            some = wanted[start : start + DYNAMODB_MAX_BATCH_GET]
            yield from self.table.read_all([_receipt_key(archive, phase, chunk=chunk) for chunk in some])

    def _changed_row(self, job: Job, key: str, *, ttl: int) -> Row:
        values = attributes({"key": key, "ttl": ttl})
        return {**keys.changed(job.job_id, job.generation, token=self.token()), **values}

    def _result_rows(self, job: Job, results: Mapping[int, FileResult]) -> list[Row]:
        """The result rows of the batches that `results` touch, with those replaced."""
        numbers = sorted({index // job.batch_size for index in results})
        stored = []
        for row in self.table.read_all([rows.result_key(job, number) for number in numbers]):
            number = keys.batch_of(row)
            first = number * job.batch_size
            new = [results.get(index, result) for index, result in enumerate(rows.results_from(row), first)]
            ttl = int(row["ttl"]["N"])
            stored.append(rows.result_row(job, number, results=new, ttl=ttl))
        return stored

    def _event(self, job_id: str, event: JobEvent) -> Put:
        return Put(rows.event_row(job_id, event, token=self.token(), ttl=self._ttl(event.at)), NEW_ROW)

    def _ttl(self, at: int) -> int:
        return at // 1000 + self.retention


def _key_of(archive: Archive) -> Row:
    return keys.archive(archive.job_id, archive.generation, number=archive.number)


def _archive_row(archive: Archive, *, ttl: int) -> Row:
    """A row with the names of Archive's fields, so that its counters can be added to."""
    return {**_key_of(archive), **attributes({**msgspec.to_builtins(archive), "ttl": ttl})}


def _archive_from(row: Row) -> Archive:
    return msgspec.convert(plain(row), Archive)


def _receipt_key(archive: Archive, phase: Phase, *, chunk: int) -> Row:
    return keys.receipt(archive.job_id, archive.generation, number=archive.number, phase=phase, chunk=chunk)


def _receipt_row(archive: Archive, chunk: int, *, receipt: Receipt, ttl: int) -> Row:
    body = msgspec.msgpack.encode(receipt)
    return {**_receipt_key(archive, archive.phase, chunk=chunk), **attributes({"receipt": body, "ttl": ttl})}


def _job_update(
    job_id: str,
    generation: int,
    *,
    condition: Condition | None = None,
    set: Mapping[str, Any],
    add: Mapping[str, Any] | None = None,
) -> Update:
    """An update of the job's row that clients see, while the job is processing in this generation."""
    current = equals("status", JobStatus.PROCESSING) & equals("generation", generation)
    return Update(
        key=keys.job(job_id),
        set=set,
        add={**(add or {}), "version": 1},
        condition=current & condition if condition else current,
    )
