"""What every JobTable does, on the fake and on DynamoDB (moto)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import boto3
import pytest

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.aws.updates import Update
from chalicelib.jobs.model import Counts, Failure, FileResult, FileState, JobStatus, RequestedFile
from chalicelib.jobs.ports import Change, JobTable, Recorded
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import (
    MAX_BATCH_KEY_BYTES,
    MAX_FILES_PER_BATCH,
    MAX_FILES_PER_JOB,
    MAX_TABLE_ITEM_BYTES,
    S3_MAX_KEY_BYTES,
)
from tests.aws import emulated_aws
from tests.builders import event, files, job
from tests.fakes import FakeJobTable
from tests.tables import create_table

NOW = 1_700_000_001_000
AVAILABLE = FileResult(FileState.AVAILABLE, size=7, etag="e", modified=1, crc32=0xFFFFFFFF)
MISSING = FileResult(FileState.MISSING, reason="not_found")
ONE = job().job_id


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[JobTable]:
    if request.param == "fake":
        yield FakeJobTable()
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield DynamoJobTable(Table(client, "jobs"), 3600)


def change(trigger: Trigger, **more: object) -> Change:
    return Change(job_id=ONE, trigger=trigger, event=event(str(trigger), NOW), **more)  # type: ignore[arg-type]


def stored(table: JobTable, **changes: object) -> JobTable:
    new = job(total=3, **changes)
    table.create(new, [files(70000, 70001), files(70002)], event())
    return table


def processing(table: JobTable) -> JobTable:
    stored(table).apply(change(Trigger.START))
    return table


def test_a_created_job_is_read_as_it_was_stored(table: JobTable) -> None:
    stored(table)
    assert table.get(ONE) == job(total=3)


def test_an_unknown_job_is_none(table: JobTable) -> None:
    assert table.get("nobody") is None


def test_the_files_of_each_batch_come_back_in_order(table: JobTable) -> None:
    stored(table)
    assert table.read_batch(ONE, 0) == tuple(files(70000, 70001))
    assert table.read_requests(ONE, [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}


def test_starting_sets_status_and_stage(table: JobTable) -> None:
    after = stored(table).apply(change(Trigger.START))
    assert after is not None
    assert (after.status, after.step, after.updated_at) == (JobStatus.PROCESSING, "checking", NOW)


def test_a_transition_that_the_state_machine_forbids_loses(table: JobTable) -> None:
    stored(table)
    assert table.apply(change(Trigger.SUCCEED)) is None
    assert table.get(ONE) == job(total=3)


def test_only_one_of_two_equal_transitions_wins(table: JobTable) -> None:
    stored(table)
    assert table.apply(change(Trigger.START)) is not None
    assert table.apply(change(Trigger.START)) is None


def test_a_recorded_batch_is_counted_once(table: JobTable) -> None:
    processing(table)
    assert table.record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW) is Recorded.RECORDED
    assert table.record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW) is Recorded.DUPLICATE
    after = table.get(ONE)
    assert after is not None
    assert (after.counts, after.size, after.done) == (Counts(1, 1, 0), 7, frozenset({0}))
    assert table.read_results(ONE, [0, 1]) == {0: (AVAILABLE, MISSING)}


def test_a_batch_of_a_job_that_is_not_processing_is_refused(table: JobTable) -> None:
    stored(table)
    assert table.record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW) is Recorded.JOB_ENDED
    assert table.read_results(ONE, [0]) == {}


def test_a_batch_recorded_before_the_end_is_a_duplicate_after_it(table: JobTable) -> None:
    processing(table).record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW)
    table.apply(change(Trigger.CANCEL))
    assert table.record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW) is Recorded.DUPLICATE
    assert table.record_batch(ONE, 1, [AVAILABLE], now=NOW) is Recorded.JOB_ENDED


def test_a_job_ends_only_when_all_its_batches_are_recorded(table: JobTable) -> None:
    processing(table).record_batch(ONE, 0, [AVAILABLE, MISSING], now=NOW)
    assert table.apply(change(Trigger.SUCCEED, all_checked=True)) is None
    table.record_batch(ONE, 1, [AVAILABLE], now=NOW)
    after = table.apply(change(Trigger.SUCCEED, all_checked=True, expires_at=NOW + 5))
    assert after is not None
    assert (after.status, after.step, after.finished_at, after.expires_at) == ("ready", None, NOW, NOW + 5)


def test_a_failed_job_keeps_its_error(table: JobTable) -> None:
    stored(table).apply(change(Trigger.FAIL, error=Failure("gave_up", "because")))
    after = table.get(ONE)
    assert after is not None
    assert (after.status, after.error) == (JobStatus.FAILED, Failure("gave_up", "because"))


def test_trouble_is_remembered_per_batch(table: JobTable) -> None:
    stored(table)
    table.note_error(ONE, 1, Failure("a", "first"), event("batch_retried"))
    table.note_error(ONE, 1, Failure("b", "second"), event("batch_retried"))
    table.note_error(ONE, None, Failure("c", "third"), event("dispatch_retried"))
    assert table.last_error(ONE, 1) == Failure("b", "second")
    assert table.last_error(ONE, None) == Failure("c", "third")
    assert table.last_error(ONE, 0) is None


def test_a_job_is_due_from_its_sweep_time_until_it_ends(table: JobTable) -> None:
    stored(table)
    sweep_at = job().sweep_at
    assert table.due(now=sweep_at - 1, limit=10) == []
    assert table.due(now=sweep_at, limit=10) == [ONE]
    table.apply(change(Trigger.CANCEL))
    assert table.due(now=sweep_at, limit=10) == []


def test_of_two_sweepers_one_wins(table: JobTable) -> None:
    seen = stored(table).get(ONE)
    assert seen is not None
    assert table.postpone_sweep(seen, sweep_at=NOW + 9, event=event("swept"))
    assert not table.postpone_sweep(seen, sweep_at=NOW + 99, event=event("swept"))
    after = table.get(ONE)
    assert after is not None
    assert (after.sweep_at, after.sweeps) == (NOW + 9, 1)


def test_a_sweep_without_event_is_not_counted(table: JobTable) -> None:
    seen = stored(table).get(ONE)
    assert seen is not None
    assert table.postpone_sweep(seen, sweep_at=NOW + 9, event=None)
    after = table.get(ONE)
    assert after is not None
    assert after.sweeps == 0


def test_jobs_are_listed_newest_first_page_by_page_to_their_owner(table: JobTable) -> None:
    for n in range(5):
        table.create(job(job_id=f"job-{n}", created_at=1_000 + n), [files(70000)], event())
    table.create(job(job_id="other", owner="bob"), [files(70000)], event())
    first = table.owned_by("alice", status=None, limit=3, cursor=None)
    second = table.owned_by("alice", status=None, limit=3, cursor=first.next_cursor)
    assert [found.job_id for found in first.jobs] == ["job-4", "job-3", "job-2"]
    assert [found.job_id for found in second.jobs] == ["job-1", "job-0"]
    assert second.next_cursor is None


def test_jobs_are_listed_by_status_without_loss_between_pages(table: JobTable) -> None:
    for n in range(7):
        status = JobStatus.READY if n % 2 else JobStatus.FAILED
        table.create(job(job_id=f"job-{n}", created_at=1_000 + n, status=status), [files(70000)], event())
    seen: list[str] = []
    cursor = None
    while True:
        page = table.owned_by("alice", status=JobStatus.FAILED, limit=1, cursor=cursor)
        seen.extend(found.job_id for found in page.jobs)
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == ["job-6", "job-4", "job-2", "job-0"]


def test_the_callback_url_survives_a_round_trip(table: JobTable) -> None:
    url = "https://hooks.test:8443/lorry?a=1&b=%20"
    stored(table, callback_url=url)
    after = table.apply(change(Trigger.START))
    assert after is not None
    assert after.callback_url == url


LARGEST = {
    "100,000 ids": files(*range(99_999_000, 99_999_000 + MAX_FILES_PER_BATCH)),
    "1,024-byte keys": [RequestedFile("k" * S3_MAX_KEY_BYTES, None)] * (MAX_BATCH_KEY_BYTES // S3_MAX_KEY_BYTES),
}


@pytest.mark.parametrize("batch", LARGEST.values(), ids=LARGEST.keys())
def test_no_item_of_the_largest_job_passes_the_item_limit(batch: list[RequestedFile]) -> None:
    """Measured in DynamoDB's own way, names and values: one batch is written in full, the others only ticked off."""
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        table = DynamoJobTable(Table(client, "jobs"), 3600)
        table.create(job(total=MAX_FILES_PER_JOB, batch_size=len(batch)), [batch], event())
        table.apply(change(Trigger.START))
        result = FileResult(FileState.AVAILABLE, 5 * 2**40, "f" * 36, 1_700_000_000_000, 0xFFFFFFFF)
        table.record_batch(ONE, 0, [result] * len(batch), now=NOW)
        _tick_off(client, range(1, MAX_FILES_PER_JOB // len(batch)))
        sizes = [_item_bytes(item) for item in client.scan(TableName="jobs")["Items"]]
    assert max(sizes) <= MAX_TABLE_ITEM_BYTES


def _tick_off(client: Any, batches: Iterable[int]) -> None:
    Table(client, "jobs").update(Update(key=keys.job(ONE), add={"done": set(batches)}))


def _item_bytes(item: dict[str, dict[str, object]]) -> int:
    return sum(len(name) + len(str(value)) for name, value in item.items())
