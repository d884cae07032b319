"""The scheduler: order by seed, virtual time, kills, stops, clocks of processes."""

from __future__ import annotations

from concurrent.futures import CancelledError
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

import pytest

from tests.simulation.executor import TaskEvent, TaskExecutor
from tests.simulation.scheduler import START_MS, Killed, Process, Scheduler


def order_of(seed: int, tasks: int = 4, turns: int = 5) -> list[int]:
    scheduler = Scheduler(seed)
    seen: list[Any] = []

    def work(number: int) -> None:
        for _ in range(turns):
            seen.append(number)
            scheduler.switch()

    for number in range(tasks):
        scheduler.spawn(f"task {number}", work, number)
    scheduler.run()
    return seen


def test_one_seed_gives_one_order_and_seeds_give_many() -> None:
    assert order_of(3) == order_of(3)
    assert len({tuple(order_of(seed)) for seed in range(20)}) == 20


def test_every_task_ends_and_its_turns_are_all_taken() -> None:
    assert sorted(order_of(1)) == sorted(list(range(4)) * 5)


def test_time_moves_only_while_no_task_can_run() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def sleeper() -> None:
        scheduler.sleep(30)
        seen.append(("woken", scheduler.now_ms() - START_MS))

    def busy() -> None:
        for _ in range(100):
            scheduler.switch()
        seen.append(("busy", scheduler.now_ms() - START_MS))

    scheduler.spawn("sleeper", sleeper)
    scheduler.spawn("busy", busy)
    scheduler.run()
    assert seen == [("busy", 0), ("woken", 30_000)]


def test_a_run_ends_at_its_time_and_goes_on_from_there() -> None:
    scheduler = Scheduler(1)
    task = scheduler.spawn("sleeper", scheduler.sleep, 10)
    scheduler.run(seconds=4)
    assert (task.done, scheduler.true_ms - START_MS) == (False, 4_000)
    scheduler.run(seconds=6)
    assert (task.done, scheduler.true_ms - START_MS) == (True, 10_000)


def test_a_run_ends_when_what_it_waits_for_holds() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def work() -> None:
        while True:
            seen.append(1)
            scheduler.switch()

    scheduler.spawn("endless", work)
    scheduler.run(until=lambda: len(seen) == 7)
    assert len(seen) == 7
    scheduler.close()


def test_a_killed_task_runs_its_finally_blocks_in_which_nothing_works() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def work() -> None:
        try:
            scheduler.sleep(1000)
            seen.append("not reached")
        finally:
            seen.append("finally")
            try:
                scheduler.switch()
            except Killed:
                seen.append("no call works")
                raise

    task = scheduler.spawn("work", work)
    scheduler.run(seconds=1)
    scheduler.kill(task, "test")
    scheduler.run(seconds=1)
    assert (seen, task.done) == (["finally", "no call works"], True)
    assert isinstance(task.error, Killed)


def test_a_kill_cannot_be_swallowed() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def stubborn() -> None:
        for _ in range(3):
            try:
                scheduler.switch()
            except BaseException:
                seen.append("again")
        scheduler.switch()
        seen.append("not reached")

    task = scheduler.spawn("stubborn", stubborn)
    scheduler.kill(task, "before it began")
    scheduler.run()
    assert seen == []
    other = scheduler.spawn("stubborn", stubborn)
    scheduler.run(until=lambda: scheduler.steps > 1)
    scheduler.kill(other, "test")
    scheduler.run()
    assert "not reached" not in seen
    assert other.done


def test_a_task_is_killed_at_its_time_limit_and_not_before() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def work(seconds: float) -> None:
        scheduler.sleep(seconds)
        seen.append(seconds)

    for seconds in (19.9, 20.1):
        scheduler.spawn("work", work, seconds, seconds=20)
    scheduler.run()
    assert seen == [19.9]


def test_a_killed_process_takes_all_its_tasks_along_and_starts_no_other() -> None:
    scheduler, process = Scheduler(1), Process("container")
    seen: list[Any] = []

    def work() -> None:
        scheduler.sleep(10)
        seen.append("not reached")

    for _ in range(3):
        scheduler.spawn("work", work, process=process)
    other = scheduler.spawn("other", scheduler.sleep, 10)
    scheduler.run(seconds=1)
    scheduler.kill_process(process, "test")
    scheduler.spawn("late", seen.append, "late", process=process)
    scheduler.run()
    assert seen == []
    assert process.tasks == []
    assert other.error is None


def test_a_stopped_process_does_not_run_until_it_is_continued() -> None:
    scheduler, process = Scheduler(1), Process("container")
    seen: list[Any] = []

    def work() -> None:
        scheduler.switch()
        scheduler.sleep(1)
        seen.append(scheduler.now_ms() - START_MS)

    scheduler.spawn("work", work, process=process)
    scheduler.stop(process, 60)
    scheduler.run()
    assert seen == [61_000]


def test_a_process_may_have_a_clock_of_its_own() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []
    for skew in (-500, 0, 2_000):
        scheduler.spawn("clock", lambda: seen.append(scheduler.now_ms() - START_MS), process=Process("p", skew_ms=skew))
    scheduler.run()
    assert sorted(seen) == [-500, 0, 2_000]
    assert scheduler.true_ms == START_MS


def test_the_hook_follows_the_running_process() -> None:
    running: list[str] = []
    scheduler = Scheduler(5, on_switch=lambda process: running.append(process.name if process else "nothing"))
    seen = []

    def work(name: str) -> None:
        for _ in range(10):
            seen.append((name, running[-1]))
            scheduler.switch()

    for name in "ab":
        scheduler.spawn(name, work, name, process=Process(name))
    scheduler.run()
    assert len(seen) == 20
    assert all(name == process for name, process in seen)


def test_join_gives_a_result_or_raises_the_error() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def slow() -> int:
        scheduler.sleep(5)
        return 7

    def broken() -> None:
        raise ValueError("broken")

    def both() -> None:
        seen.append(scheduler.join(scheduler.spawn("slow", slow)))
        with pytest.raises(ValueError, match="broken"):
            scheduler.join(scheduler.spawn("broken", broken))
        seen.append("done")

    scheduler.spawn("both", both)
    scheduler.run()
    assert seen == [7, "done"]


def test_closing_ends_what_is_left() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def work() -> None:
        try:
            scheduler.wait()
        finally:
            seen.append("ended")

    task = scheduler.spawn("work", work)
    scheduler.run()
    assert not task.done
    scheduler.close()
    assert (seen, task.done) == (["ended"], True)


def test_only_tasks_can_wait() -> None:
    with pytest.raises(RuntimeError, match="only a task"):
        Scheduler(1).sleep(1)


# --- what stands in for threads


def test_an_executor_runs_no_more_than_its_workers_at_once() -> None:
    scheduler, at_once, most = Scheduler(1), [0], [0]

    def work(number: int) -> int:
        at_once[0] += 1
        most[0] = max(most[0], at_once[0])
        scheduler.sleep(1)
        at_once[0] -= 1
        return number * number

    def main() -> list[int]:
        with TaskExecutor(scheduler, 3) as pool:
            return list(pool.map(work, range(10)))

    task = scheduler.spawn("main", main)
    scheduler.run()
    assert task.result == [number * number for number in range(10)]
    assert most == [3]
    assert scheduler.true_ms - START_MS == 4_000


def test_a_future_raises_what_its_function_raised_or_that_it_takes_too_long() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def broken() -> None:
        raise ValueError("broken")

    def main() -> None:
        pool = TaskExecutor(scheduler, 2)
        with pytest.raises(ValueError, match="broken"):
            pool.submit(broken).result()
        slow = pool.submit(scheduler.sleep, 10)
        with pytest.raises(FutureTimeout):
            slow.result(timeout=1)
        seen.append(scheduler.now_ms() - START_MS)
        pool.shutdown()
        seen.append(scheduler.now_ms() - START_MS)

    task = scheduler.spawn("main", main)
    scheduler.run()
    assert task.error is None
    assert seen == [1_000, 10_000]


def test_a_pool_dies_with_its_process() -> None:
    scheduler, process = Scheduler(1), Process("container")
    seen: list[Any] = []

    def work() -> None:
        scheduler.sleep(10)
        seen.append("not reached")

    def main() -> None:
        with TaskExecutor(scheduler, 2) as pool:
            for _ in range(5):
                pool.submit(work)

    scheduler.spawn("main", main, process=process)
    scheduler.run(seconds=5)
    scheduler.kill_process(process, "test")
    scheduler.run()
    assert (seen, process.tasks) == ([], [])


def test_work_that_was_cancelled_is_not_begun() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []

    def main() -> None:
        pool = TaskExecutor(scheduler, 1)
        pool.submit(scheduler.sleep, 1)
        scheduler.switch()
        second = pool.submit(seen.append, "not reached")
        pool.shutdown(cancel_futures=True)
        with pytest.raises(CancelledError):
            second.result()

    task = scheduler.spawn("main", main)
    scheduler.run()
    assert (task.error, seen) == (None, [])


def test_an_event_is_waited_for_until_it_is_set_or_time_is_over() -> None:
    scheduler = Scheduler(1)
    seen: list[Any] = []
    event = TaskEvent(scheduler)

    def heartbeat() -> None:
        while not event.wait(2):
            seen.append(scheduler.now_ms() - START_MS)
        seen.append("set")

    def main() -> None:
        scheduler.sleep(5)
        event.set()

    scheduler.spawn("heartbeat", heartbeat)
    scheduler.spawn("main", main)
    scheduler.run()
    assert seen == [2_000, 4_000, "set"]
