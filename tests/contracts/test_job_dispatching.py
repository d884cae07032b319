"""What every JobTable does for dispatching: a position that moves once, and results that note which batch follows."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest

from chalicelib.jobs.model import Failure
from chalicelib.jobs.ports import Advance, JobTable, Recorded, StoredBatch
from chalicelib.jobs.state_machine import Trigger
from tests.contracts.test_job_table import AVAILABLE, MISSING, NOW, ONE, change, processing, read, record, stored
from tests.support.aws import emulated_aws
from tests.support.builders import files, job
from tests.support.fake_job_table import FakeJobTable
from tests.support.tables import create_table, job_table


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[JobTable]:
    if request.param == "fake":
        yield FakeJobTable()
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield job_table(client)


def test_the_position_moves_once_from_where_it_was_seen(table: JobTable) -> None:
    seen = read(processing(table))
    after = table.advance(seen, Advance(1, (0,)))
    assert after == read(table)
    assert after is not None and (after.dispatched, after.in_flight, after.version) == (1, 1, seen.version)
    assert table.advance(seen, Advance(2, (0, 1))) is None
    assert read(table) == after


def test_the_position_of_a_job_that_is_not_processing_stays(table: JobTable) -> None:
    seen = read(stored(table))
    assert table.advance(seen, Advance(1, (0,))) is None
    table.apply(change(Trigger.CANCEL))
    assert table.advance(seen, Advance(1, (0,))) is None
    assert read(table).dispatched == 0


def test_a_recorded_batch_moves_the_position_and_notes_which_batch_follows(table: JobTable) -> None:
    dispatched = table.advance(read(processing(table)), Advance(1, (0,)))
    assert dispatched is not None
    assert record(table, 0, [AVAILABLE, MISSING], Advance(2, (1,)), dispatched=1) is Recorded.RECORDED
    after = read(table)
    assert (after.dispatched, after.in_flight, after.checked) == (2, 1, 1)
    assert table.read_batch(job(), 0) == StoredBatch(tuple(files(70000, 70001)), recorded=True, following=1)
    assert table.read_batch(job(), 1) == StoredBatch(tuple(files(70002)))


def test_a_worker_whose_position_is_old_learns_the_job_as_it_is(table: JobTable) -> None:
    processing(table)
    now = table.advance(read(table), Advance(2, (0, 1)))
    assert record(table, 0, [AVAILABLE, MISSING], Advance(1, (0,))) == now
    assert table.read_results(job(), [0]) == {}
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.RECORDED


def test_a_retry_starts_again_at_the_first_batch_and_keeps_results(table: JobTable) -> None:
    table.advance(read(processing(table)), Advance(2, (0, 1)))
    record(table, 0, [AVAILABLE, MISSING])
    table.apply(change(Trigger.FAIL, error=Failure("gave_up", "because")))
    after = table.apply(change(Trigger.RETRY, sweep_at=NOW + 1, min_progress=30))
    assert after is not None
    assert (after.status, after.step, after.generation, after.error) == ("processing", "checking", 2, None)
    assert (after.dispatched, after.in_flight, after.checked, after.recorded_ahead) == (0, 0, 1, 1)
    assert table.unrecorded(after, [0, 1]) == [1]
    assert list(table.due(now=NOW + 1)) == [ONE]
