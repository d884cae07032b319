"""What every JobTable does, on the fake and on DynamoDB (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.jobs.model import (
    Counts,
    Failure,
    FileResult,
    FileState,
    Job,
    JobStatus,
    Stretch,
)
from chalicelib.jobs.ports import Advance, Change, JobFilter, JobTable, Recorded, StoredBatch
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import (
    MAX_BATCH_KEY_BYTES,
    S3_MAX_KEY_BYTES,
)
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.fake_job_table import FakeJobTable
from tests.support.tables import create_table, job_table

NOW = 1_700_000_001_000
AVAILABLE = FileResult(FileState.AVAILABLE, size=7, etag="e", modified=1, crc32=0xFFFFFFFF)
MISSING = FileResult(FileState.MISSING, reason="not_found")
ONE = job().job_id
LONG_KEYS = MAX_BATCH_KEY_BYTES // S3_MAX_KEY_BYTES  # in one batch


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[JobTable]:
    if request.param == "fake":
        yield FakeJobTable()
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield job_table(client)


def change(trigger: Trigger, **more: object) -> Change:
    return Change(job_id=ONE, trigger=trigger, event=event(str(trigger), NOW), **more)  # type: ignore[arg-type]


def stored(table: JobTable, **changes: object) -> JobTable:
    new = job(total=3, **changes)
    table.create(new, [files(70000, 70001), files(70002)], event=event())
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
    assert table.read_batch(job(), 0) == StoredBatch(tuple(files(70000, 70001)))
    assert table.read_requests(job(), [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}


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


def record(
    table: JobTable, batch: int, results: list[FileResult], advance: Advance | None = None, **seen: Any
) -> Recorded | Job:
    """Record a batch for a worker that saw the job in its first attempt, or as `seen`."""
    return table.record_batch(job(**seen), batch, results=results, advance=advance, now=NOW)


def read(table: JobTable) -> Job:
    found = table.get(ONE)
    assert found is not None
    return found


def test_a_recorded_batch_is_counted_once(table: JobTable) -> None:
    processing(table)
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.RECORDED
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.DUPLICATE
    after = read(table)
    assert (after.counts, after.size, after.checked) == (Counts(1, 1, 0), 7, 1)
    assert table.read_results(job(), [0, 1]) == {0: (AVAILABLE, MISSING)}
    assert table.unrecorded(job(), [0, 1, 2]) == [1, 2]


def test_a_batch_of_a_job_that_is_not_processing_is_refused(table: JobTable) -> None:
    stored(table)
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.JOB_ENDED
    assert table.read_results(job(), [0]) == {}


def test_a_batch_of_an_unknown_job_is_refused(table: JobTable) -> None:
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.JOB_ENDED


def test_a_batch_recorded_before_the_end_is_a_duplicate_after_it(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    table.apply(change(Trigger.CANCEL))
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.DUPLICATE
    assert record(table, 1, [AVAILABLE]) is Recorded.JOB_ENDED


def test_a_batch_of_an_earlier_attempt_is_refused(table: JobTable) -> None:
    processing(table).apply(change(Trigger.FAIL))
    table.apply(change(Trigger.RETRY, sweep_at=NOW))
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.JOB_ENDED
    assert record(table, 0, [AVAILABLE, MISSING], generation=2) is Recorded.RECORDED


def test_results_of_a_retried_job_are_forgotten_until_a_batch_is_sent(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    assert not table.reopen(job(), 1, results=[AVAILABLE])
    before = read(table)
    assert before.progress > 0
    assert table.reopen(before, 0, results=[AVAILABLE, MISSING])
    after = read(table)
    assert after.progress == before.progress
    assert (after.counts, after.size, after.checked) == (Counts(0, 0, 0), 0, 0)
    assert table.unrecorded(job(), [0, 1, 2]) == [0, 1, 2]
    assert not table.reopen(job(), 0, results=[AVAILABLE, MISSING])
    assert record(table, 0, [AVAILABLE, MISSING]) is Recorded.RECORDED
    assert not table.reopen(job(generation=2), 0, results=[AVAILABLE, MISSING])
    assert table.advance(read(table), Advance(1, (0,)))
    assert not table.reopen(job(), 0, results=[AVAILABLE, MISSING])
    assert read(table).counts == Counts(1, 1, 0)


def test_a_purged_job_is_expired_and_due_and_its_files_are_gone(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    purged = event("purged", at=NOW + 5)
    assert not table.purge(job(), event=purged)  # it has not ended
    ended = table.apply(change(Trigger.CANCEL, expires_at=NOW + 50))
    assert ended is not None
    assert table.purge(ended, event=purged)
    after = read(table)
    assert (after.status, after.expires_at, after.purged) == ("cancelled", NOW + 5, True)
    assert list(table.due(now=NOW + 5)) == [after.job_id]
    table.forget_files(after)
    assert table.read_requests(after, [0, 1, 2]) == {} == table.read_results(after, [0, 1, 2])
    table.forget_files(after)
    assert "purged" in [event.kind for event in table.events(after.job_id, limit=10, cursor=None).events]


def test_a_job_ends_only_when_all_its_batches_are_recorded(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    assert table.apply(change(Trigger.SUCCEED, all_checked=True)) is None
    record(table, 1, [AVAILABLE])
    after = table.apply(change(Trigger.SUCCEED, all_checked=True, expires_at=NOW + 5))
    assert after is not None
    assert (after.status, after.step, after.finished_at, after.expires_at) == ("ready", None, NOW, NOW + 5)


@pytest.mark.parametrize("trigger", [Trigger.SUCCEED, Trigger.FAIL])
def test_a_job_that_was_planned_again_is_not_ended_for_what_was_before(table: JobTable, trigger: Trigger) -> None:
    job = read(processing(table))
    assert table.apply(change(trigger, generation=job.generation + 1)) is None
    assert read(table).step
    assert table.apply(change(trigger, generation=job.generation)) is not None


def test_a_job_is_given_up_only_while_the_batch_is_not_recorded(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    assert table.apply(change(Trigger.FAIL, batch_open=0)) is None
    assert table.apply(change(Trigger.FAIL, batch_open=1)) is not None


def test_a_failed_job_keeps_its_error(table: JobTable) -> None:
    stored(table).apply(change(Trigger.FAIL, error=Failure("gave_up", "because")))
    after = table.get(ONE)
    assert after is not None
    assert (after.status, after.error) == (JobStatus.FAILED, Failure("gave_up", "because"))


def test_trouble_is_remembered_per_batch(table: JobTable) -> None:
    stored(table)
    table.note_error(ONE, 1, error=Failure("a", "first"), event=event("batch_retried"))
    table.note_error(ONE, 1, error=Failure("b", "second"), event=event("batch_retried"))
    table.note_error(ONE, None, error=Failure("c", "third"), event=event("dispatch_retried"))
    assert table.last_error(ONE, 1) == Failure("b", "second")
    assert table.last_error(ONE, None) == Failure("c", "third")
    assert table.last_error(ONE, 0) is None


def test_a_job_is_due_from_its_sweep_time_until_it_ends(table: JobTable) -> None:
    stored(table)
    sweep_at = job().sweep_at
    assert list(table.due(now=sweep_at - 1)) == []
    assert list(table.due(now=sweep_at)) == [ONE]
    table.apply(change(Trigger.CANCEL))
    assert list(table.due(now=sweep_at)) == []


def test_jobs_are_due_in_the_order_of_their_sweep_times_whatever_their_shard(table: JobTable) -> None:
    jobs = [job(job_id=f"6f6b0f9e-0000-4000-8000-{n:012}", sweep_at=NOW + (7 * n) % 20) for n in range(20)]
    for one in jobs:
        assert table.create(one, [files(70000)], event=event())
    wanted = [one.job_id for one in sorted(jobs, key=lambda one: one.sweep_at)]
    assert list(table.due(now=NOW + 20)) == wanted
    assert list(table.due(now=NOW + 9)) == wanted[:10]


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
        table.create(job(job_id=f"job-{n}", created_at=1_000 + n), [files(70000)], event=event())
    table.create(job(job_id="other", owner="bob"), [files(70000)], event=event())
    first = table.owned_by("alice", wanted=JobFilter(), limit=3, cursor=None)
    second = table.owned_by("alice", wanted=JobFilter(), limit=3, cursor=first.next_cursor)
    assert [found.job_id for found in first.jobs] == ["job-4", "job-3", "job-2"]
    assert [found.job_id for found in second.jobs] == ["job-1", "job-0"]
    assert second.next_cursor is None


def test_jobs_are_listed_by_status_without_loss_between_pages(table: JobTable) -> None:
    for n in range(7):
        status = JobStatus.READY if n % 2 else JobStatus.FAILED
        table.create(job(job_id=f"job-{n}", created_at=1_000 + n, status=status), [files(70000)], event=event())
    seen: list[str] = []
    cursor = None
    while True:
        page = table.owned_by("alice", wanted=JobFilter(JobStatus.FAILED), limit=1, cursor=cursor)
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


def listing(table: JobTable) -> Job:
    """A processing job of a prefix, in batches of two."""
    table.create(job(total=0, batch_size=2, prefix="downloads/"), [], event=event())
    started = table.apply(change(Trigger.START))
    assert started is not None
    return started


def extended(before: Job, *, name: str, available: int, missing: int = 0, listed_to: str = "") -> Job:
    """`before` with more files, which the list `name` has."""
    total = before.total + available + missing
    longer = replace(before, total=total, available=before.available + available, missing=before.missing + missing)
    batches = longer.batches
    listed = replace(longer, listing=(*before.listing, Stretch(name, batches)), listed_to=listed_to)
    return replace(listed, size=before.size + 7 * available, checked=batches, dispatched=batches)


def test_of_two_listings_of_a_prefix_the_first_counts(table: JobTable) -> None:
    before = listing(table)
    first = [(file, AVAILABLE) for file in files(70000, 70001, 70002)]
    second = [(file, MISSING) for file in files(70003, 70004, 70005)]
    assert table.record_listing(before, extended(before, name="a", available=3), found=first, now=NOW)
    assert not table.record_listing(before, extended(before, name="b", available=0, missing=3), found=second, now=NOW)
    after = read(table)
    assert (after.listing, after.total, after.counts, after.size) == ((Stretch("a", 2),), 3, Counts(3, 0, 0), 21)
    assert (after.checked, after.dispatched, after.all_checked) == (2, 2, True)
    assert table.read_requests(after, [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}
    assert table.read_results(after, [0, 1]) == {0: (AVAILABLE, AVAILABLE), 1: (AVAILABLE,)}


def test_a_retry_forgets_a_listing_that_was_not_complete(table: JobTable) -> None:
    before = listing(table)
    part = extended(before, name="a", available=1, missing=1, listed_to="downloads/70001.zip")
    table.record_listing(before, part, found=[(file, AVAILABLE) for file in files(70000, 70001)], now=NOW)
    table.apply(change(Trigger.FAIL, error=Failure("gave_up", "because")))
    after = table.apply(change(Trigger.RETRY, unlisted=part.unlisted()))
    assert after is not None
    assert (after.listing, after.listed_to, after.total, after.counts, after.size) == ((), "", 0, Counts(), 0)
    assert (after.checked, after.batches, after.listed) == (0, 0, False)
    again = extended(after, name="b", available=1)
    assert table.record_listing(after, again, found=[(file, AVAILABLE) for file in files(70000)], now=NOW)
    assert read(table).listed


def test_a_listing_is_continued_where_it_is_and_nowhere_else(table: JobTable) -> None:
    before = listing(table)
    part = extended(before, name="a", available=2, listed_to="downloads/70001.zip")
    assert table.record_listing(before, part, found=[(file, AVAILABLE) for file in files(70000, 70001)], now=NOW)
    between = read(table)
    assert (between.listed, between.all_checked, between.listed_to) == (False, False, "downloads/70001.zip")
    late, rest = [(file, MISSING) for file in files(70005)], [(file, AVAILABLE) for file in files(70002)]
    assert not table.record_listing(before, extended(before, name="c", available=0, missing=1), found=late, now=NOW)
    assert table.record_listing(between, extended(between, name="b", available=1), found=rest, now=NOW)
    after = read(table)
    assert (after.listed, after.total, after.counts, after.listed_to) == (True, 3, Counts(3, 0, 0), "")
    assert table.read_requests(after, [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}
    assert table.read_results(after, [0, 1]) == {0: (AVAILABLE, AVAILABLE), 1: (AVAILABLE,)}
    assert table.read_batch(after, 1).files == tuple(files(70002))
    assert table.unrecorded(after, [0, 1, 2]) == [2]


def test_many_rows_are_read_and_written_in_any_number(table: JobTable) -> None:
    batches = [files(number) for number in range(70_000, 70_260)]
    table.create(job(total=260, batch_size=1), batches, event=event())
    assert table.read_requests(job(), range(260)) == {n: tuple(batch) for n, batch in enumerate(batches)}
    assert table.unrecorded(job(), range(260)) == list(range(260))
