"""AssemblyTable on DynamoDB, in the same table as the jobs. Every write that can race is conditional."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chalicelib.assembly.model import PHASES, Archive, Phase, Receipt
from chalicelib.assembly.ports import ChunkOutcome
from chalicelib.aws import assembly_rows, keys, rows
from chalicelib.aws.attributes import attributes
from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.jobs_table import allowed, counted, entered
from chalicelib.aws.keys import Row
from chalicelib.aws.updates import (
    NEW_ROW,
    Condition,
    Delete,
    Put,
    Update,
    begins_with,
    contains,
    equals,
    less,
)
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent, JobStatus, Step
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import DYNAMODB_MAX_BATCH_GET


@dataclass(frozen=True, slots=True)
class DynamoAssemblyTable:
    """`retention` is how long items are kept, in seconds; `token()` is 8 random hex digits."""

    table: Table
    retention: int
    token: Callable[[], str]

    def open_archives(self, job: Job, trigger: Trigger, archives: Sequence[Archive], event: JobEvent) -> bool:
        ttl = self._ttl(event.at)
        new = [Put(assembly_rows.archive_row(archive, ttl=ttl), NEW_ROW) for archive in archives]
        # Reading comes before building, so it is the first half of what is left.
        total = sum(archive.size for archive in archives) * (2 if trigger is Trigger.CHECKSUM else 1)
        begun = _job_update(
            job.job_id,
            job.generation,
            allowed(trigger) & (equals("to_assemble", 0) | equals("step", Step.CHECKSUMMING)),
            set={
                **entered(trigger),
                "to_assemble": total,
                "assembled": 0,
                "min_progress": job.progress,
                "updated_at": event.at,
            },
        )
        return self.table.wins(begun, self._event(job.job_id, event), *new)

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        prefix = keys.ARCHIVES if generation is None else keys.archive_prefix(generation)
        found = self.table.rows(equals("pk", keys.partition(job_id)) & begins_with("sk", prefix))
        return [assembly_rows.archive_from(row) for row in found]

    def record_chunk(self, archive: Archive, chunk: int, receipt: Receipt, *, size: int, now: int) -> ChunkOutcome:
        done = Update(
            key=assembly_rows.archive_key_of(archive),
            add={"done": {chunk}},
            condition=equals("phase", archive.phase) & ~contains("done", chunk),
        )
        row = assembly_rows.receipt_row(archive, chunk, receipt, ttl=self._ttl(now))
        moved = _job_update(archive.job_id, archive.generation, set={"updated_at": now}, add={"assembled": size})
        try:
            self.table.transact(done, Put(row), moved)
        except ConditionFailed as failed:
            return _lost(archive, chunk, failed.rows[0])
        return ChunkOutcome.RECORDED

    def receipts(self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None) -> Iterator[Receipt]:
        wanted = range(archive.chunks.get(phase, 0)) if chunks is None else chunks
        for start in range(0, len(wanted), DYNAMODB_MAX_BATCH_GET):
            some = wanted[start : start + DYNAMODB_MAX_BATCH_GET]
            found = self.table.read_all([assembly_rows.receipt_key(archive, phase, chunk) for chunk in some])
            found.sort(key=lambda row: str(row["sk"]["S"]))
            yield from map(assembly_rows.receipt_from, found)

    def enter_phase(self, archive: Archive, phase: Phase) -> bool:
        entered = Update(
            key=assembly_rows.archive_key_of(archive),
            set={"phase": phase},
            remove=["done"],
            condition=equals("phase", archive.phase),
        )
        return self.table.wins(entered)

    def next_generation(self, job: Job, changed: Sequence[str], event: JobEvent) -> bool:
        begun = _job_update(
            job.job_id,
            job.generation,
            # Progress is read from this row, so it must not have moved since.
            allowed(Trigger.REPLAN) & equals("assembled", job.assembled),
            set={
                **entered(Trigger.REPLAN),
                "generation": job.generation + 1,
                "changed": [*job.changed, *changed],
                "min_progress": job.progress,
                "assembled": 0,
                "to_assemble": 0,
            },
            add={"replans": 1},
        )
        return self.table.wins(begun, self._event(job.job_id, event))

    def replace_results(self, job: Job, results: Mapping[int, FileResult], counts: Counts, *, size: int) -> bool:
        stored = self._result_rows(job, results)
        counters = _job_update(
            job.job_id,
            job.generation,
            less("replanned", job.generation),
            set={"replanned": job.generation},
            add=counted(counts, size),
        )
        return self.table.wins(counters, *map(Put, stored))

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            self.table.delete(Delete(assembly_rows.archive_key_of(archive)))

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        cleaned = Update(
            key=keys.job(job.job_id),
            set={"sweep_at": sweep_at},
            remove=[] if sweep_at else ["open_shard", "sweep_at"],
            condition=equals("status", job.status) & equals("generation", job.generation),
        )
        self.table.wins(cleaned)

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        self.table.write_all(
            [{**keys.fact(name), **attributes({"fact": value, "ttl": until})} for name, value in values.items()]
        )

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        found = self.table.read_all([keys.fact(name) for name in names])
        return {keys.fact_name(row): row["fact"]["S"] for row in found if int(row["ttl"]["N"]) > now}

    def _result_rows(self, job: Job, results: Mapping[int, FileResult]) -> list[Row]:
        """The result rows of the batches that `results` touch, with those replaced."""
        numbers = sorted({index // job.batch_size for index in results})
        stored = []
        for row in self.table.read_all([keys.result(job.job_id, number, job.listing) for number in numbers]):
            number = keys.batch_of(row)
            first = number * job.batch_size
            new = [results.get(index, result) for index, result in enumerate(rows.results_from(row), first)]
            ttl = int(row["ttl"]["N"])
            stored.append(rows.result_row(job, number, new, ttl=ttl))
        return stored

    def _event(self, job_id: str, event: JobEvent) -> Put:
        return Put(rows.event_row(job_id, event, token=self.token(), ttl=self._ttl(event.at)), NEW_ROW)

    def _ttl(self, at: int) -> int:
        return at // 1000 + self.retention


def _job_update(
    job_id: str,
    generation: int,
    condition: Condition | None = None,
    *,
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


def _lost(archive: Archive, chunk: int, row: Row | None) -> ChunkOutcome:
    """A later phase, or a chunk that is counted already: another worker did this work before."""
    if row is None:
        return ChunkOutcome.STALE
    current = assembly_rows.archive_from(row)
    if PHASES.index(current.phase) > PHASES.index(archive.phase) or chunk in current.done:
        return ChunkOutcome.DUPLICATE
    return ChunkOutcome.STALE
