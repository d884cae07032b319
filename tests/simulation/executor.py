"""What code that needs threads is given instead: an executor and an event whose waits are switch points."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, TypeVar

from tests.simulation.scheduler import Killed, Scheduler, Task

Result = TypeVar("Result")


class TaskFuture(Future[Any]):
    """The future of a task. `result` and `exception` let others run while they wait."""

    def __init__(self, scheduler: Scheduler) -> None:
        super().__init__()
        self._scheduler = scheduler
        self._waiting: list[Task] = []

    def result(self, timeout: float | None = None) -> Any:
        self._await(timeout)
        return super().result(0)

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._await(timeout)
        return super().exception(0)

    def finish(self, function: Callable[[], Any]) -> None:
        """Run `function` and keep its outcome."""
        if not self.set_running_or_notify_cancel():
            return
        try:
            self.set_result(function())
        except Exception as error:
            self.set_exception(error)
        except Killed:
            self.set_exception(CancelledError())
            raise
        finally:
            for task in self._waiting:
                self._scheduler.wake(task)

    def _await(self, timeout: float | None) -> None:
        end = None if timeout is None else self._scheduler.true_ms + timeout * 1000
        while not self.done():
            left = None if end is None else (end - self._scheduler.true_ms) / 1000
            if left is not None and left <= 0:
                raise FutureTimeout
            if self._scheduler.current is not None:
                self._waiting.append(self._scheduler.current)
            self._scheduler.wait(left)


class TaskExecutor(Executor):
    """Runs at most `max_workers` functions at a time, each as a task of the process that submits it."""

    def __init__(self, scheduler: Scheduler, max_workers: int) -> None:
        self._scheduler = scheduler
        self._idle = max_workers
        self._pending: deque[tuple[TaskFuture, Callable[[], Any]]] = deque()
        self._futures: list[TaskFuture] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> TaskFuture:
        future = TaskFuture(self._scheduler)
        self._pending.append((future, lambda: fn(*args, **kwargs)))
        self._futures = [one for one in self._futures if not one.done()] if len(self._futures) > 100 else self._futures
        self._futures.append(future)
        if self._idle:
            self._idle -= 1
            name = self._scheduler.current.name if self._scheduler.current else "executor"
            self._scheduler.spawn(f"{name}+", self._work)
        return future

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **_: Any) -> Iterator[Any]:
        futures = [self.submit(fn, *arguments) for arguments in zip(*iterables, strict=False)]
        return (future.result() for future in futures)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        if cancel_futures:
            for future, _ in self._pending:
                future.cancel()
        if wait:
            for future in self._futures:
                if not future.cancelled():
                    future.exception()

    def _work(self) -> None:
        try:
            while self._pending:
                future, function = self._pending.popleft()
                future.finish(function)
        finally:
            self._idle += 1


class TaskEvent:
    """threading.Event, as far as it is used: `wait` lets others run."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler, self._set = scheduler, False
        self._waiting: list[Task] = []

    def is_set(self) -> bool:
        return self._set

    def set(self) -> None:
        self._set = True
        for task in self._waiting:
            self._scheduler.wake(task)
        self._waiting.clear()

    def clear(self) -> None:
        self._set = False

    def wait(self, timeout: float | None = None) -> bool:
        end = None if timeout is None else self._scheduler.true_ms + timeout * 1000
        while not self._set:
            left = None if end is None else (end - self._scheduler.true_ms) / 1000
            if left is not None and left <= 0:
                break
            if self._scheduler.current is not None:
                self._waiting.append(self._scheduler.current)
            self._scheduler.wait(left)
        return self._set
