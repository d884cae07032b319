"""Moving jobs on behalf of workers."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.errors import (
    QueueUnavailable,
    StorageForbidden,
    StorageThrottled,
    StorageUnavailable,
    TableUnavailable,
    UnreadableMessage,
)
from chalicelib.jobs.lifecycle import MAX_RUNS, RUN_COST
from chalicelib.jobs.model import FORBIDDEN, ArchiveRequest, Failure, Job, JobStatus, Step
from chalicelib.jobs.service import NewJob
from chalicelib.limits import MAX_ERROR_BYTES
from chalicelib.messages import BuildChunk, CheckBatch, CleanUp, DispatchJob, ListPrefix, Message, PlanArchive
from tests.support.builders import ALICE, JOB_TTL, World, event, files
from tests.support.fakes import Crash


def started(numbers: int = 5) -> tuple[World, Job]:
    """A job of several batches whose dispatch message has not been handled."""
    world = World(files_per_batch=2)
    job = world.start(*range(70000, 70000 + numbers))
    world.queue.messages.clear()
    return world, job


def kinds(world: World, job: Job) -> list[str]:
    return [found.kind for found in world.table.trail[job.job_id]]


# --- beginning and dispatching ----------------------------------------------------------


def test_beginning_a_job_twice_starts_it_once() -> None:
    world, job = started()
    message = DispatchJob(job.job_id)
    assert world.lifecycle.begin(message) == world.lifecycle.begin(message) == world.job(job.job_id)
    assert kinds(world, job) == ["created", "started"]


def test_an_unknown_job_does_not_begin() -> None:
    assert World().lifecycle.begin(CheckBatch("nobody", 0)) is None


def test_an_ended_job_does_not_begin_again() -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    assert world.lifecycle.begin(DispatchJob(job.job_id)) is None
    assert kinds(world, job) == ["created", "cancelled"]


def test_a_job_does_not_begin_for_a_message_of_an_earlier_attempt() -> None:
    world, job = failed_half_way()
    world.service.retry(job.job_id, ALICE)
    assert world.lifecycle.begin(CheckBatch(job.job_id, 2, generation=1)) is None
    assert world.lifecycle.begin(CheckBatch(job.job_id, 2, generation=2)) == world.job(job.job_id)


def failed_half_way(numbers: int = 5) -> tuple[World, Job]:
    """A job that failed when its first batch was recorded, and the others were not."""
    world, job = started(numbers)
    world.handle(DispatchJob(job.job_id))
    world.handle(world.queue.messages[0])
    world.queue.messages.clear()
    assert world.lifecycle.fail(world.job(job.job_id), Failure("gave_up", "because")) is not None
    return world, job


@pytest.mark.parametrize("job_id", ["cancelled", "nobody"])
def test_nothing_is_dispatched_of_a_job_that_is_over_or_unknown(job_id: str) -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    message = DispatchJob(job.job_id if job_id == "cancelled" else job_id)
    assert world.lifecycle.dispatch(message, redelivered=False) == 0
    assert world.queue.messages == []


def test_a_queue_that_is_down_is_noted_and_its_error_raised() -> None:
    world, job = started()
    world.queue.down = True
    with pytest.raises(QueueUnavailable):
        world.handle(DispatchJob(job.job_id))
    assert world.table.errors[job.job_id, None].code == "queue_unavailable"
    assert kinds(world, job) == ["created", "started", "dispatch_retried"]


def test_a_retried_job_checks_what_has_no_result_and_nothing_else() -> None:
    world, job = failed_half_way()
    world.service.retry(job.job_id, ALICE)
    assert world.queue.messages == [DispatchJob(job.job_id, generation=2)]
    world.handle(world.queue.messages.pop())
    assert world.queue.messages == [CheckBatch(job.job_id, 1, generation=2), CheckBatch(job.job_id, 2, generation=2)]
    world.work_off()
    after = world.job(job.job_id)
    assert (after.status, after.counts.available, after.checked, after.in_flight) == (JobStatus.READY, 5, 3, 0)


def test_dispatching_ends_a_job_whose_worker_died_between_its_last_result_and_its_end() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    assert world.lifecycle.dispatch(DispatchJob(job.job_id, resume=True), redelivered=False) == 0
    assert world.job(job.job_id).status is JobStatus.READY


def _record_all_but_do_not_finish(world: World, job: Job) -> None:
    world.handle(DispatchJob(job.job_id))
    world.queue.messages.clear()
    for batch in range(job.batches - 1):
        world.handle(CheckBatch(job.job_id, batch))
    world.table.crash_in, world.table.crash_after_write = 1, False
    with pytest.raises(Crash):
        world.handle(CheckBatch(job.job_id, job.batches - 1))
    assert (world.job(job.job_id).status, world.job(job.job_id).all_checked) == (JobStatus.PROCESSING, True)


# --- finishing --------------------------------------------------------------------------


def test_a_late_worker_begins_no_archive_of_files_that_are_to_be_checked_again() -> None:
    world = World(files_per_batch=2)
    world.store.refused[files(70004)[0].key] = FORBIDDEN
    job = world.start(*range(70000, 70005), archive=ArchiveRequest())
    world.queue.messages.clear()
    _record_all_but_do_not_finish(world, job)
    late = world.job(job.job_id)
    world.lifecycle.fail(late, Failure("gave_up", "because"))
    world.service.retry(job.job_id, ALICE)
    world.handle(DispatchJob(job.job_id, generation=2))
    assert not world.job(job.job_id).all_checked
    world.queue.messages.clear()
    assert world.lifecycle.finish(late) is None
    assert (world.job(job.job_id).step, world.queue.messages) == (Step.CHECKING, [])


def test_a_repeated_message_ends_a_job_whose_worker_died_before_its_end() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    world.handle(CheckBatch(job.job_id, 1))
    assert world.job(job.job_id).status is JobStatus.READY


def test_the_last_batch_ends_the_job() -> None:
    world, job = started(numbers=3)
    world.handle(DispatchJob(job.job_id))
    world.handle(world.queue.messages[1])
    assert world.job(job.job_id).status is JobStatus.PROCESSING
    world.clock.advance(7)
    world.handle(world.queue.messages[0])
    after = world.job(job.job_id)
    assert (after.status, after.progress, after.step) == (JobStatus.READY, 100, None)
    assert after.finished_at == world.clock()
    assert after.expires_at == world.clock() + JOB_TTL * 1000


def test_a_job_with_some_missing_files_is_ready() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002, missing=(70000, 70001))
    world.work_off()
    after = world.job(job.job_id)
    assert (after.status, after.counts.available, after.counts.missing) == (JobStatus.READY, 1, 2)


def test_a_job_whose_files_are_all_missing_fails_and_says_so() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002, missing=(70000, 70001, 70002))
    world.work_off()
    after = world.job(job.job_id)
    assert after.status is JobStatus.FAILED
    assert after.error == Failure("no_files_available", "none of the requested files is available: 3 missing")


def test_a_job_is_not_finished_before_its_last_batch() -> None:
    world, job = started()
    world.handle(DispatchJob(job.job_id))
    assert world.lifecycle.finish(world.job(job.job_id)) is None


def test_a_stale_view_of_a_job_ends_nothing() -> None:
    """Even a worker that believes that all is checked cannot end the job: the write itself is conditional."""
    world, job = started(numbers=3)
    world.handle(DispatchJob(job.job_id))
    believed = replace(world.job(job.job_id), checked=2, available=3)
    assert world.lifecycle.finish(believed) is None
    assert world.job(job.job_id).status is JobStatus.PROCESSING


def test_of_two_workers_that_finish_a_job_one_wins() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    seen = world.job(job.job_id)
    assert world.lifecycle.finish(seen) is not None
    assert world.lifecycle.finish(seen) is None
    assert kinds(world, job).count("ready") == 1


# --- giving up --------------------------------------------------------------------------


def test_a_batch_given_up_fails_its_job_with_the_trouble_it_had() -> None:
    world, job = started()
    world.handle(DispatchJob(job.job_id))
    world.table.note_error(
        job.job_id, 1, error=Failure("storage_throttled", "the store asked to slow down"), event=event("x")
    )
    world.lifecycle.give_up(CheckBatch(job.job_id, 1))
    after = world.job(job.job_id)
    assert after.status is JobStatus.FAILED and after.error is not None
    assert after.error.code == "storage_throttled"
    assert "checking batch 1" in after.error.message and "the store asked to slow down" in after.error.message


def test_a_dispatch_given_up_fails_its_job_with_the_trouble_it_had() -> None:
    world, job = started()
    world.queue.down = True
    with pytest.raises(QueueUnavailable):
        world.handle(DispatchJob(job.job_id))
    world.lifecycle.give_up(DispatchJob(job.job_id))
    error = world.job(job.job_id).error
    assert error is not None
    assert (error.code, "dispatching" in error.message) == ("queue_unavailable", True)


def test_a_message_given_up_without_any_trouble_noted_is_told_as_a_crash() -> None:
    world, job = started()
    world.lifecycle.give_up(CheckBatch(job.job_id, 2))
    error = world.job(job.job_id).error
    assert error is not None
    assert (error.code, "crashed" in error.message) == ("gave_up", True)


def test_a_queued_job_can_be_given_up() -> None:
    world, job = started()
    world.lifecycle.give_up(DispatchJob(job.job_id))
    assert world.job(job.job_id).status is JobStatus.FAILED


def test_giving_up_a_message_of_an_ended_job_changes_nothing() -> None:
    world, job = started()
    cancelled = world.service.cancel(job.job_id, ALICE)
    assert world.lifecycle.give_up(DispatchJob(job.job_id)) is None
    assert world.job(job.job_id) == cancelled


def test_giving_up_a_message_of_an_unknown_job_is_harmless() -> None:
    assert World().lifecycle.give_up(CheckBatch("nobody", 0)) is None


def test_a_batch_that_another_copy_of_its_message_has_done_is_not_given_up() -> None:
    world, job = started()
    world.handle(DispatchJob(job.job_id))
    world.handle(CheckBatch(job.job_id, 0))
    assert world.lifecycle.give_up(CheckBatch(job.job_id, 0)) is None
    assert world.job(job.job_id).status is JobStatus.PROCESSING


def test_giving_up_a_message_of_a_job_that_only_lacks_its_end_ends_it() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    world.lifecycle.give_up(CheckBatch(job.job_id, 1))
    assert world.job(job.job_id).status is JobStatus.READY


def test_a_batch_whose_files_cannot_be_read_is_given_up() -> None:
    world, job = started()
    world.handle(DispatchJob(job.job_id))
    world.table.requests.clear()
    world.lifecycle.give_up(CheckBatch(job.job_id, 1))
    assert world.job(job.job_id).status is JobStatus.FAILED


def test_a_recorded_batch_that_is_given_up_still_sends_the_batch_that_follows() -> None:
    """Its worker recorded it and died before it sent the next one, each time."""
    world = World(files_per_batch=2, window=1)
    job = world.start(*range(70000, 70005))
    world.handle(world.queue.messages.pop())
    world.queue.down = True
    with pytest.raises(QueueUnavailable):
        world.handle(world.queue.messages[0])
    world.queue.down = False
    world.queue.messages.clear()
    assert world.lifecycle.give_up(CheckBatch(job.job_id, 0)) is None
    assert world.queue.messages == [CheckBatch(job.job_id, 1)]


@pytest.mark.parametrize(
    ("message", "kind", "details"),
    [
        (CheckBatch("", 1), "batch_retried", {"batch": 1}),
        (DispatchJob(""), "dispatch_retried", {"work": "dispatching"}),
        (ListPrefix(""), "listing_retried", {"work": "listing the prefix"}),
        (PlanArchive("", 1), "assembly_retried", {"work": "planning the archive"}),
        (CleanUp(""), "assembly_retried", {"work": "cleaning up"}),
    ],
)
def test_an_error_that_was_not_foreseen_is_noted_by_its_kind_alone(message: Any, kind: str, details: Any) -> None:
    world, job = started()
    message = replace(message, job_id=job.job_id)
    with pytest.raises(KeyError), world.lifecycle.running(message):
        raise KeyError("a secret")
    line = world.table.trail[job.job_id][-1]
    reason = "an unexpected KeyError in a worker, whose log has the details"
    assert (line.kind, line.details) == (kind, {"code": "internal_error", "message": reason, **details})
    if isinstance(message, CheckBatch | DispatchJob):
        ended = world.lifecycle.give_up(message)
        assert ended is not None and ended.error is not None and ended.error.message.endswith(reason)


# --- sending dead letters again ---------------------------------------------------------


def dispatched() -> tuple[World, Job]:
    world, job = started()
    world.handle(DispatchJob(job.job_id))
    world.queue.messages.clear()
    return world, job


def run(world: World, message: Message, *, error: BaseException | None, times: int = 1) -> None:
    """Deliveries after the first, each of which ends in `error`."""
    for _ in range(times):
        with suppress(Exception, Crash), world.lifecycle.running(message, redelivered=True):
            if error is not None:
                raise error


OUTAGES = [
    StorageUnavailable("key", "it is down"),
    StorageThrottled("key", "slow down"),
    QueueUnavailable("it is down"),
]
FAULTS = [KeyError("a bug"), StorageForbidden("key", "HTTP 403"), StorageUnavailable("key", "HTTP 404", outage=False)]


def test_a_dead_letter_that_no_worker_had_is_sent_again_after_a_while() -> None:
    world, job = dispatched()
    message = CheckBatch(job.job_id, 1)
    for _ in range(50):
        assert world.lifecycle.send_again(message, delay=90)
    assert (world.queue.messages, world.queue.delays) == ([message] * 50, [90] * 50)
    assert world.job(job.job_id).status is JobStatus.PROCESSING


@pytest.mark.parametrize("error", [*FAULTS, Crash()])
def test_a_message_that_fails_or_kills_its_worker_each_time_is_given_up(error: BaseException) -> None:
    world, job = dispatched()
    message = CheckBatch(job.job_id, 1)
    run(world, message, error=error, times=MAX_RUNS - 2)
    assert world.lifecycle.send_again(message, delay=0)
    run(world, message, error=error)
    assert not world.lifecycle.send_again(message, delay=0)


@pytest.mark.parametrize("error", OUTAGES)
def test_runs_that_meet_an_outage_hardly_count(error: Exception) -> None:
    world, job = dispatched()
    message = CheckBatch(job.job_id, 1)
    run(world, message, error=error, times=9 * (MAX_RUNS - 1))
    assert world.lifecycle.send_again(message, delay=0)
    run(world, message, error=error, times=MAX_RUNS)
    assert not world.lifecycle.send_again(message, delay=0)


def test_runs_of_a_table_that_does_not_answer_are_not_counted() -> None:
    world, job = dispatched()
    message = CheckBatch(job.job_id, 1)
    world.table.down = True
    run(world, message, error=None, times=100)
    world.table.down = False
    assert world.table.runs == {}
    assert world.lifecycle.send_again(message, delay=0)


def test_a_run_that_succeeds_does_not_count() -> None:
    world, job = dispatched()
    run(world, PlanArchive(job.job_id, 1), error=None, times=100)
    assert set(world.table.runs.values()) == {0}


def test_each_message_has_runs_of_its_own() -> None:
    world, job = dispatched()
    batches = (CheckBatch(job.job_id, 1), CheckBatch(job.job_id, 2), CheckBatch(job.job_id, 1, generation=2))
    chunks = (BuildChunk(job.job_id, 1, 1, "body", 0), BuildChunk(job.job_id, 1, 1, "joins", 0))
    for message in (*batches, *chunks):
        run(world, message, error=KeyError())
    assert list(world.table.runs.values()) == [RUN_COST] * 5


def test_a_dispatch_that_is_sent_again_sends_what_was_in_flight() -> None:
    world, job = started()
    assert world.lifecycle.send_again(DispatchJob(job.job_id), delay=0)
    world.handle(DispatchJob(job.job_id))
    world.queue.messages.clear()
    assert world.lifecycle.send_again(DispatchJob(job.job_id), delay=0)
    assert world.queue.messages == [DispatchJob(job.job_id, resume=True)]


def test_nothing_is_sent_again_once_the_job_is_as_old_as_it_may_get() -> None:
    world, job = dispatched()
    message = CheckBatch(job.job_id, 1)
    world.clock.advance(JOB_TTL - 1)
    assert world.lifecycle.send_again(message, delay=0)
    world.clock.advance(1)
    assert not world.lifecycle.send_again(message, delay=0)


def test_what_another_copy_has_done_is_not_sent_again() -> None:
    world, job = dispatched()
    world.handle(CheckBatch(job.job_id, 0))
    assert not world.lifecycle.send_again(CheckBatch(job.job_id, 0), delay=0)
    world.service.cancel(job.job_id, ALICE)
    assert not world.lifecycle.send_again(CheckBatch(job.job_id, 1), delay=0)


@pytest.mark.parametrize(
    "message", [PlanArchive("", 1), BuildChunk("", 1, 1, "body", 0), ListPrefix(""), CheckBatch("", 9), CleanUp("")]
)
def test_a_dead_letter_that_asks_for_what_the_job_is_not_busy_with_fails_nothing(message: Any) -> None:
    world, job = dispatched()
    message = replace(message, job_id=job.job_id)
    assert not world.lifecycle.send_again(message, delay=0)
    assert world.lifecycle.give_up(message) is None
    assert world.job(job.job_id).status is JobStatus.PROCESSING


def test_a_dispatch_of_a_prefix_that_is_not_listed_fails_nothing() -> None:
    world = World()
    job = world.service.start(NewJob([], 0, 3600, prefix="downloads/"), ALICE)[0]
    assert world.lifecycle.give_up(DispatchJob(job.job_id)) is None
    assert world.job(job.job_id).status is JobStatus.QUEUED
    assert world.lifecycle.send_again(ListPrefix(job.job_id), delay=0)


def test_an_unreadable_message_says_nothing_of_its_job() -> None:
    world, job = started()
    with pytest.raises(UnreadableMessage), world.lifecycle.running(CheckBatch(job.job_id, 7)):
        raise UnreadableMessage("there is no such batch")
    assert (world.table.errors, kinds(world, job)) == ({}, ["created"])


@pytest.mark.parametrize("end", ["cancelled", "purged"])
def test_an_error_after_the_end_of_the_job_drops_the_message_and_is_noted_nowhere(end: str) -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    if end == "purged":
        world.service.purge(job.job_id, ALICE)
    before = kinds(world, job)

    def work() -> None:
        raise StorageUnavailable("key", "what is needed was removed with the job")

    with world.lifecycle.running(CheckBatch(job.job_id, 0), redelivered=True):
        work()
    assert (world.table.errors, kinds(world, job)) == ({}, before)


def test_an_error_of_cleaning_up_is_raised_though_the_job_has_ended() -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    with pytest.raises(StorageUnavailable), world.lifecycle.running(CleanUp(job.job_id)):
        raise StorageUnavailable("key", "HTTP 500")


def test_an_error_that_cannot_be_noted_is_raised_as_it_is() -> None:
    world, job = started()
    world.table.down = True
    with pytest.raises(StorageUnavailable), world.lifecycle.running(CheckBatch(job.job_id, 0)):
        raise StorageUnavailable("key", "HTTP 500")


def test_a_dead_letter_of_a_batch_that_the_job_does_not_have_fails_nothing() -> None:
    world, job = started()
    assert world.lifecycle.give_up(CheckBatch(job.job_id, 9)) is None
    assert not world.job(job.job_id).status.ended


def test_the_message_of_an_error_is_clipped() -> None:
    world, job = started()
    message = CheckBatch(job.job_id, 0)
    with pytest.raises(StorageUnavailable), world.lifecycle.running(message):
        raise StorageUnavailable("ü" * 5_000, "HTTP 500")
    world.lifecycle.give_up(CheckBatch(job.job_id, 0))
    for failure in (world.table.errors[job.job_id, 0], world.job(job.job_id).error):
        assert failure is not None and MAX_ERROR_BYTES - 4 < len(failure.message.encode()) <= MAX_ERROR_BYTES


def test_giving_up_waits_for_the_table() -> None:
    world, job = started()
    world.table.down = True
    with pytest.raises(TableUnavailable):
        world.lifecycle.give_up(DispatchJob(job.job_id))
