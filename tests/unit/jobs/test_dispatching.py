"""Sending the batches of a job, a window of them at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import pytest

from chalicelib.errors import QueueUnavailable
from chalicelib.jobs.dispatching import STEP, WINDOW, Dispatcher, batch_size
from chalicelib.jobs.model import Failure, FileResult, Job, JobStatus
from chalicelib.jobs.ports import Advance, Recorded
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_BATCH
from chalicelib.messages import AnyMessage, CheckBatch, DispatchJob
from tests.support.builders import ALICE, World, files
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Crash

FIRST = 70_000


class StallingQueue:
    """Takes some messages, then is gone."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.messages: list[AnyMessage] = []

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        for message in messages:
            if len(self.messages) == self.room:
                raise QueueUnavailable("the work queue did not answer: it is full")
            self.messages.append(message)


def started(batches: int, *, window: int = WINDOW, table: FakeJobTable | None = None) -> tuple[World, Job]:
    """A job of so many batches of one file, whose dispatch message is the only one."""
    world = World(files_per_batch=1, window=window, table=table)
    return world, world.start(*range(FIRST, FIRST + batches))


def dispatched(batches: int, *, window: int = WINDOW, table: FakeJobTable | None = None) -> tuple[World, Job]:
    """The same after its dispatch message."""
    world, job = started(batches, window=window, table=table)
    world.handle(world.queue.messages.pop())
    return world, job


def numbers(world: World) -> list[int]:
    """The batches whose messages are on the queue."""
    return [message.batch for message in world.queue.messages if isinstance(message, CheckBatch)]


def counters(world: World, job: Job) -> tuple[int, int, int]:
    found = world.job(job.job_id)
    return found.dispatched, found.in_flight, found.checked


# --- the window -------------------------------------------------------------------------


def test_a_small_job_is_sent_as_a_whole() -> None:
    world, job = dispatched(3)
    assert numbers(world) == [0, 1, 2]
    assert counters(world, job) == (3, 3, 0)


def test_of_a_large_job_only_a_window_is_sent() -> None:
    world, job = dispatched(500, window=25)
    assert numbers(world) == list(range(25))
    assert counters(world, job) == (25, 25, 0)


def test_each_recorded_batch_sends_the_next_until_none_is_left() -> None:
    world, job = dispatched(7, window=3)
    sent = []
    while world.queue.messages:
        message = world.queue.messages.pop(0)
        before = numbers(world)
        world.handle(message)
        sent.append(numbers(world)[len(before) :])
    assert sent == [[3], [4], [5], [6], [], [], []]
    assert counters(world, job) == (7, 0, 7)
    assert world.job(job.job_id).status is JobStatus.READY


def test_a_job_of_one_batch_is_in_flight_from_the_start() -> None:
    world, job = started(1)
    assert counters(world, job) == (1, 1, 0)
    world.work_off()
    assert counters(world, job) == (1, 0, 1)


def test_never_more_than_a_window_is_in_flight() -> None:
    world, job = dispatched(40, window=4)
    while world.queue.messages:
        assert len(world.queue.messages) == world.job(job.job_id).in_flight <= 4
        world.handle(world.queue.messages.pop())
    assert world.job(job.job_id).status is JobStatus.READY


# --- messages that come again -----------------------------------------------------------


def test_another_copy_of_a_dispatch_message_sends_nothing() -> None:
    world, job = dispatched(500, window=25)
    world.queue.messages.clear()
    world.handle(DispatchJob(job.job_id))
    assert numbers(world) == []


def test_a_dispatch_that_fails_half_way_sends_one_step_again_and_not_everything() -> None:
    world, job = started(500, window=50)
    full = StallingQueue(room=2 * STEP + 3)
    world.lifecycle.begin(DispatchJob(job.job_id))
    with pytest.raises(QueueUnavailable):
        Dispatcher(world.table, full, 50).dispatch(world.job(job.job_id))
    world.queue.messages.clear()
    world.handle(DispatchJob(job.job_id), redelivered=True)
    first = [message.batch for message in full.messages if isinstance(message, CheckBatch)]
    assert sorted(numbers(world)) == list(range(2 * STEP, 50))
    assert first == list(range(2 * STEP + 3))


def test_a_dispatch_that_died_before_it_sent_its_last_step_sends_it_when_it_comes_again() -> None:
    world, job = started(500, window=20)
    message = world.queue.messages.pop()
    world.lifecycle.begin(DispatchJob(job.job_id))
    world.table.crash_in, world.table.crash_after_write = 1, True
    with pytest.raises(Crash):
        world.handle(message)
    assert (numbers(world), counters(world, job)) == (list(range(10)), (20, 20, 0))
    world.handle(message, redelivered=True)
    assert sorted(numbers(world)) == list(range(20))


def test_a_batch_whose_worker_died_before_it_sent_the_next_one_sends_it_when_it_comes_again() -> None:
    world, job = dispatched(9, window=3)
    world.queue.down = True
    with pytest.raises(QueueUnavailable):
        world.handle(CheckBatch(job.job_id, 1))
    world.queue.down = False
    world.queue.messages.clear()
    world.handle(CheckBatch(job.job_id, 1), redelivered=True)
    assert numbers(world) == [3]
    assert counters(world, job) == (4, 3, 1)


def test_another_copy_of_a_recorded_batch_forks_nothing() -> None:
    world, job = dispatched(9, window=3)
    world.handle(CheckBatch(job.job_id, 1))
    world.queue.messages.clear()
    world.handle(CheckBatch(job.job_id, 1))
    assert (numbers(world), counters(world, job)) == ([], (4, 3, 1))


def test_a_batch_that_comes_again_does_not_send_a_following_one_that_has_its_results() -> None:
    world, job = dispatched(9, window=3)
    world.handle(CheckBatch(job.job_id, 1))
    world.handle(CheckBatch(job.job_id, 3))
    world.queue.messages.clear()
    world.handle(CheckBatch(job.job_id, 1), redelivered=True)
    assert numbers(world) == []


def test_everything_in_flight_is_sent_again_when_a_job_is_resumed_and_the_window_filled() -> None:
    world, job = dispatched(300, window=20)
    for batch in (0, 3, 19):
        world.handle(CheckBatch(job.job_id, batch))
    world.queue.messages.clear()
    assert world.lifecycle.dispatch(DispatchJob(job.job_id, resume=True), redelivered=False) == 20
    assert sorted(numbers(world)) == sorted({*range(23)} - {0, 3, 19})
    assert counters(world, job) == (23, 20, 3)


def test_a_batch_that_was_lost_long_ago_is_found() -> None:
    world, job = dispatched(350, window=5)
    world.queue.messages.remove(CheckBatch(job.job_id, 2))
    world.work_off()
    assert world.job(job.job_id).status is JobStatus.PROCESSING
    assert counters(world, job) == (350, 1, 349)
    world.handle(DispatchJob(job.job_id, resume=True))
    assert numbers(world) == [2]
    world.work_off()
    assert world.job(job.job_id).status is JobStatus.READY


# --- workers that meet ------------------------------------------------------------------


class CrowdedTable(FakeJobTable):
    """Lets another worker act just before a batch is recorded, once, or before the position moves."""

    before_record: Callable[[], object] | None = None
    before_advance: Callable[[], object] | None = None

    def record_batch(
        self, job: Job, batch: int, *, results: Sequence[FileResult], advance: Advance | None, now: int
    ) -> Recorded | Job:
        action, self.before_record = self.before_record, None
        if action:
            action()
        return super().record_batch(job, batch, results=results, advance=advance, now=now)

    def advance(self, job: Job, advance: Advance) -> Job | None:
        action, self.before_advance = self.before_advance, None
        if action:
            action()
        return super().advance(job, advance)


def test_two_workers_take_different_batches_next() -> None:
    table = CrowdedTable()
    world, job = dispatched(9, window=3, table=table)
    table.before_record = lambda: world.handle(CheckBatch(job.job_id, 2))
    world.queue.messages.clear()
    world.handle(CheckBatch(job.job_id, 0))
    assert numbers(world) == [3, 4]
    assert counters(world, job) == (5, 3, 2)


def test_two_dispatchers_send_each_batch_once() -> None:
    table = CrowdedTable()
    world, job = started(500, window=30, table=table)
    message = world.queue.messages.pop()
    table.before_advance = lambda: world.handle(message)
    world.handle(message)
    assert sorted(numbers(world)) == list(range(30))
    assert counters(world, job) == (30, 30, 0)


def test_a_dispatcher_whose_job_is_cancelled_meanwhile_stops() -> None:
    table = CrowdedTable()
    world, job = started(500, table=table)
    table.before_advance = lambda: world.service.cancel(job.job_id, ALICE)
    world.handle(world.queue.messages.pop())
    assert (numbers(world), counters(world, job)) == ([], (0, 0, 0))


def test_a_batch_is_not_recorded_for_an_attempt_that_is_over() -> None:
    table = CrowdedTable()
    world, job = dispatched(9, window=3, table=table)

    def fail_and_retry() -> None:
        world.lifecycle.fail(world.job(job.job_id), Failure("gave_up", "because"))
        world.service.retry(job.job_id, ALICE)

    table.before_record = fail_and_retry
    world.handle(CheckBatch(job.job_id, 0))
    assert (world.table.results, world.job(job.job_id).checked) == ({}, 0)


# --- retried jobs -----------------------------------------------------------------------


@pytest.mark.parametrize("window", [1, 3, WINDOW])
def test_a_retried_job_skips_what_has_results_and_keeps_its_window(window: int) -> None:
    world, job = dispatched(400, window=40)
    recorded = [0, *range(2, 20), 25, 39]
    for batch in recorded:
        world.handle(CheckBatch(job.job_id, batch))
    world.queue.messages.clear()
    world.lifecycle.fail(world.job(job.job_id), Failure("gave_up", "because"))
    again = World(files_per_batch=1, window=window, table=world.table)
    again.store.objects = world.store.objects
    again.service.retry(job.job_id, ALICE)
    seen: list[int] = []
    while again.queue.messages:
        message = again.queue.messages.pop(0)
        again.handle(message)
        seen += [message.batch] if isinstance(message, CheckBatch) else []
        assert again.job(job.job_id).in_flight == len(numbers(again)) <= window
    assert seen == sorted({*range(400)} - {*recorded})
    assert again.job(job.job_id).status is JobStatus.READY


def test_a_retried_job_all_of_whose_batches_have_results_ends() -> None:
    world, job = dispatched(3)
    world.table.crash_in, world.table.crash_after_write = 3, False
    with pytest.raises(Crash):
        world.work_off()
    assert world.job(job.job_id).all_checked
    world.lifecycle.fail(world.job(job.job_id), Failure("gave_up", "because"))
    world.service.retry(job.job_id, ALICE)
    world.work_off()
    assert world.job(job.job_id).status is JobStatus.READY


def test_files_of_a_job_keep_their_order_whatever_the_order_of_its_batches() -> None:
    world, job = dispatched(30, window=7)
    while world.queue.messages:
        world.handle(world.queue.messages.pop())
    page = world.service.files(world.job(job.job_id), first=0, limit=30)
    assert [file for file, _ in page.files] == files(*range(FIRST, FIRST + 30))


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ([], MAX_FILES_PER_BATCH),
        (["downloads/70000.zip"], MAX_FILES_PER_BATCH),
        (["a", "k" * 1_024], MAX_BATCH_KEY_BYTES // 1_024),
        (["ü" * 512], MAX_BATCH_KEY_BYTES // 1_024),
        (["k" * 2 * MAX_BATCH_KEY_BYTES], 1),
    ],
)
def test_the_longest_key_in_bytes_decides_how_many_files_a_batch_has(keys: list[str], size: int) -> None:
    assert batch_size(keys) == size
