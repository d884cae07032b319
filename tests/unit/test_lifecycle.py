"""Moving jobs on behalf of workers."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from chalicelib.errors import QueueUnavailable, TableUnavailable
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Failure, Job, JobStatus
from chalicelib.messages import AnyMessage, CheckBatch, DispatchJob
from tests.builders import ALICE, JOB_TTL, World, event
from tests.fakes import Crash


class StallingQueue:
    """Takes some messages, then is gone."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.messages: list[AnyMessage] = []

    def send(self, messages: Iterable[AnyMessage]) -> None:
        for message in messages:
            if len(self.messages) == self.room:
                raise QueueUnavailable("the work queue did not answer: it is full")
            self.messages.append(message)


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
    assert world.lifecycle.begin(job.job_id) == world.lifecycle.begin(job.job_id) == world.job(job.job_id)
    assert kinds(world, job) == ["created", "started"]


def test_an_unknown_job_does_not_begin() -> None:
    assert World().lifecycle.begin("nobody") is None


def test_an_ended_job_does_not_begin_again() -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    assert world.lifecycle.begin(job.job_id) is None
    assert kinds(world, job) == ["created", "cancelled"]


def test_dispatching_sends_a_message_for_each_batch() -> None:
    world, job = started()
    assert world.lifecycle.dispatch(job.job_id) == 3
    assert world.queue.messages == [CheckBatch(job.job_id, batch) for batch in range(3)]


def test_dispatching_again_sends_only_what_has_no_result() -> None:
    world, job = started()
    world.lifecycle.begin(job.job_id)
    world.handle(CheckBatch(job.job_id, 1))
    assert world.lifecycle.dispatch(job.job_id) == 2
    assert world.queue.messages == [CheckBatch(job.job_id, 0), CheckBatch(job.job_id, 2)]


@pytest.mark.parametrize("job_id", ["cancelled", "nobody"])
def test_nothing_is_dispatched_of_a_job_that_is_over_or_unknown(job_id: str) -> None:
    world, job = started()
    world.service.cancel(job.job_id, ALICE)
    assert world.lifecycle.dispatch(job.job_id if job_id == "cancelled" else job_id) == 0
    assert world.queue.messages == []


def test_a_queue_that_stalls_half_way_is_noted_and_told() -> None:
    world, job = started()
    queue = StallingQueue(room=2)
    lifecycle = JobLifecycle(world.table, queue, world.clock, JOB_TTL)
    with pytest.raises(QueueUnavailable):
        lifecycle.dispatch(job.job_id)
    assert len(queue.messages) == 2
    assert world.table.errors[job.job_id, None].code == "queue_unavailable"
    assert kinds(world, job) == ["created", "started", "dispatch_retried"]


def test_dispatching_ends_a_job_whose_worker_died_between_its_last_result_and_its_end() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    assert world.lifecycle.dispatch(job.job_id) == 0
    assert world.job(job.job_id).status is JobStatus.READY


def _record_all_but_do_not_finish(world: World, job: Job) -> None:
    world.lifecycle.begin(job.job_id)
    for batch in range(job.batches - 1):
        world.handle(CheckBatch(job.job_id, batch))
    world.table.crash_in, world.table.crash_after_write = 1, False
    with pytest.raises(Crash):
        world.handle(CheckBatch(job.job_id, job.batches - 1))
    assert (world.job(job.job_id).status, world.job(job.job_id).all_checked) == (JobStatus.PROCESSING, True)


# --- finishing --------------------------------------------------------------------------


def test_a_repeated_message_ends_a_job_whose_worker_died_before_its_end() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    world.handle(CheckBatch(job.job_id, 1))
    assert world.job(job.job_id).status is JobStatus.READY


def test_the_last_batch_ends_the_job() -> None:
    world, job = started(numbers=3)
    world.lifecycle.dispatch(job.job_id)
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
    assert after.error == Failure("no_files_available", "none of the requested files is available")


def test_a_job_is_not_finished_before_its_last_batch() -> None:
    world, job = started()
    world.lifecycle.begin(job.job_id)
    assert world.lifecycle.finish(world.job(job.job_id)) is None


def test_a_stale_view_of_a_job_ends_nothing() -> None:
    """Even a worker that believes that all is checked cannot end the job: the write itself is conditional."""
    world, job = started(numbers=3)
    world.lifecycle.begin(job.job_id)
    believed = replace(world.job(job.job_id), done=frozenset({0, 1}))
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
    world.lifecycle.begin(job.job_id)
    world.table.note_error(job.job_id, 1, Failure("storage_throttled", "the store asked to slow down"), event("x"))
    world.lifecycle.give_up(CheckBatch(job.job_id, 1))
    after = world.job(job.job_id)
    assert after.status is JobStatus.FAILED and after.error is not None
    assert after.error.code == "storage_throttled"
    assert "checking batch 1" in after.error.message and "the store asked to slow down" in after.error.message


def test_a_dispatch_given_up_fails_its_job_with_the_trouble_it_had() -> None:
    world, job = started()
    world.queue.down = True
    with pytest.raises(QueueUnavailable):
        world.lifecycle.dispatch(job.job_id)
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
    world.lifecycle.begin(job.job_id)
    world.handle(CheckBatch(job.job_id, 0))
    assert world.lifecycle.give_up(CheckBatch(job.job_id, 0)) is None
    assert world.job(job.job_id).status is JobStatus.PROCESSING


def test_giving_up_a_message_of_a_job_that_only_lacks_its_end_ends_it() -> None:
    world, job = started(numbers=3)
    _record_all_but_do_not_finish(world, job)
    world.lifecycle.give_up(CheckBatch(job.job_id, 1))
    assert world.job(job.job_id).status is JobStatus.READY


def test_giving_up_waits_for_the_table() -> None:
    world, job = started()
    world.table.down = True
    with pytest.raises(TableUnavailable):
        world.lifecycle.give_up(DispatchJob(job.job_id))
