"""Finding jobs that nothing drives."""

from __future__ import annotations

from collections.abc import Iterator

from chalicelib.jobs.model import JobStatus
from chalicelib.jobs.sweeper import MAX_DOUBLINGS, STUCK_AFTER
from chalicelib.messages import CheckBatch, DispatchJob
from chalicelib.observability import metrics
from tests.support.builders import ALICE, JOB_TTL, SWEEP_AFTER, World
from tests.support.fake_job_table import FakeJobTable


def lost(world: World, *numbers: int) -> str:
    """A job whose messages are lost."""
    job = world.start(*numbers)
    world.queue.messages.clear()
    return job.job_id


def test_a_job_that_nothing_drives_is_set_going_and_ends() -> None:
    world = World(files_per_batch=2)
    job_id = lost(world, 70000, 70001, 70002)
    world.clock.advance(SWEEP_AFTER)
    assert world.sweep() == 1
    assert world.queue.messages == [DispatchJob(job_id, resume=True)]
    world.work_off()
    assert world.job(job_id).status is JobStatus.READY


def test_a_job_that_crashed_between_table_and_queue_is_set_going() -> None:
    world = World()
    world.queue.down = True
    job = world.start(70000)
    world.queue.down = False
    world.clock.advance(SWEEP_AFTER)
    world.sweep()
    assert world.queue.messages == [CheckBatch(job.job_id, 0)]


def test_a_young_job_is_left_alone() -> None:
    world = World()
    lost(world, 70000)
    world.clock.advance(SWEEP_AFTER - 1)
    assert world.sweep() == 0
    assert world.queue.messages == []


def test_a_job_that_moves_is_left_alone_until_it_has_been_quiet_long_enough() -> None:
    world = World(files_per_batch=1)
    job_id = lost(world, 70000, 70001)
    world.clock.advance(SWEEP_AFTER - 1)
    world.handle(DispatchJob(job_id))
    world.handle(CheckBatch(job_id, 0))
    world.clock.advance(1)
    assert world.sweep() == 0
    assert world.job(job_id).sweep_at == world.clock() + (SWEEP_AFTER - 1) * 1000
    world.clock.advance(SWEEP_AFTER - 1)
    assert world.sweep() == 1


def test_an_ended_job_is_not_swept() -> None:
    world = World()
    job_id = lost(world, 70000)
    world.service.cancel(job_id, ALICE)
    world.clock.advance(SWEEP_AFTER)
    assert world.sweep() == 0
    assert world.queue.messages == []


def test_each_sweep_of_a_job_waits_twice_as_long_up_to_a_limit() -> None:
    world = World()
    job_id = lost(world, 70000)
    pauses = []
    for _ in range(MAX_DOUBLINGS + 2):
        world.clock.now = world.job(job_id).sweep_at
        world.sweep()
        pauses.append((world.job(job_id).sweep_at - world.clock()) / 1000 / SWEEP_AFTER)
    assert pauses == [2, 4, 8, 16, 32, 32, 32]


def test_each_sweep_of_a_job_is_in_its_audit_trail() -> None:
    world = World()
    job_id = lost(world, 70000)
    world.clock.advance(SWEEP_AFTER)
    world.sweep()
    last = world.table.trail[job_id][-1]
    assert (last.kind, last.actor.by, last.details) == ("swept", "sweeper", {"sweeps": 1})


def stuck_in(world: World) -> bool:
    """Whether this sweep counted a stuck job."""
    metrics.clear_metrics()
    world.sweep()
    return "JobsStuck" in metrics.metric_set


def test_a_job_is_called_stuck_from_the_third_sweep_without_progress_on() -> None:
    world = World()
    job_id = lost(world, 70000)
    told = []
    for _ in range(STUCK_AFTER + 1):
        world.clock.now = world.job(job_id).sweep_at
        told.append(stuck_in(world))
    assert told == [False, False, True, True]


def test_a_job_that_runs_out_of_time_is_called_stuck_too() -> None:
    world = World()
    lost(world, 70000)
    world.clock.advance(JOB_TTL)
    assert stuck_in(world)


def test_an_ended_job_is_never_called_stuck() -> None:
    world = World()
    job_id = lost(world, 70000)
    world.service.cancel(job_id, ALICE)
    world.clock.advance(JOB_TTL)
    assert not stuck_in(world)


def test_a_job_that_outlives_its_time_fails() -> None:
    world = World()
    job_id = lost(world, 70000)
    world.clock.advance(JOB_TTL)
    assert world.sweep() == 1
    error = world.job(job_id).error
    assert error is not None and error.code == "timed_out"
    assert world.queue.messages == []


def test_a_queue_that_is_down_leaves_the_job_to_a_later_sweep() -> None:
    world = World()
    job_id = lost(world, 70000)
    world.clock.advance(SWEEP_AFTER)
    world.queue.down = True
    assert world.sweep() == 0
    world.queue.down = False
    world.clock.advance(2 * SWEEP_AFTER)
    world.sweep()
    world.work_off()
    assert world.job(job_id).status is JobStatus.READY


def test_a_job_is_swept_behind_any_number_of_healthy_ones() -> None:
    world = World(files_per_batch=1)
    healthy = [lost(world, 70000 + number, 80000 + number) for number in range(250)]
    job_id = lost(world, 99999)
    world.clock.advance(SWEEP_AFTER - 1)
    for moving in healthy:
        world.handle(DispatchJob(moving))
        world.handle(CheckBatch(moving, 0))
    world.queue.messages.clear()
    world.clock.advance(1)
    assert world.sweep() == 1
    assert world.queue.messages == [CheckBatch(job_id, 0)]


def test_sweeping_stops_when_its_time_is_up() -> None:
    world = World()
    for number in range(5):
        lost(world, 70000 + number)
    world.clock.advance(SWEEP_AFTER)
    answers = iter([True, True, True, False])
    assert world.sweeper.sweep(time_left=lambda: next(answers)) == 3
    assert world.sweep() == 2


class LaggingTable(FakeJobTable):
    """A table whose index tells yesterday's news: every open job is due."""

    def due(self, *, now: int) -> Iterator[str]:
        return iter(list(self.jobs))


def test_an_index_that_lags_behind_does_not_make_a_job_swept_twice() -> None:
    world = World(table=LaggingTable())
    job_id = lost(world, 70000)
    world.clock.advance(SWEEP_AFTER)
    assert [world.sweep(), world.sweep()] == [1, 0]
    assert (world.job(job_id).sweeps, len(world.queue.messages)) == (1, 1)


def test_an_index_that_lags_behind_does_not_make_an_ended_job_swept() -> None:
    world = World(table=LaggingTable())
    world.service.cancel(lost(world, 70000), ALICE)
    world.clock.advance(SWEEP_AFTER)
    assert world.sweep() == 0
