"""Changes of how MiniStack runs functions: its workers start one after the other, and one that dies ends alone.

MiniStack starts a process for each invocation that finds none free. Lambda has a region's machines for that; on a
laptop, twenty requests at once start twenty processes, and all of them wait for all of them. Here an invocation takes
the first worker that becomes free; when it has waited for a while, one more is started beside those that work.

If a worker ends while it starts, MiniStack ends all workers of that function, whose invocations then fail in the same
way: under load the function never comes back. Here that worker alone is ended, and its start is repeated once.

MiniStack calls the table's stream function in the thread that polls all queues, and so stops all of them for as long.
Here the stream has a thread of its own.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

logger = logging.getLogger("workers")

PATIENCE = 0.5  # seconds that an invocation waits for a free worker before one more is started
STUCK_SECONDS = 15.0  # a start that takes longer, of a worker that was stopped, counts no more
STREAM_PAUSE = 0.05  # seconds between looks at a stream that has nothing new

Lease = tuple[Any, str]  # a worker or None, and "reused", "spawn" or "func_cap"


class Starts:
    """Leases workers to invocations. An invocation starts the first worker of a function itself; when it has waited for
    `patience` seconds, one more is started beside it, `at_once` at a time, and it takes the first that becomes free."""

    def __init__(
        self, at_once: int, *, patience: float = PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._at_once, self._patience, self._clock = at_once, patience, clock
        self._changed = threading.Condition()
        self._begun: dict[int, float] = {}  # by id of the starting worker

    def lease(self, pool: Callable[[], list[Any]], take: Callable[[], Lease], start: Callable[[Any], None]) -> Lease:
        """Waits until a worker of the pool is free, or there is none, and returns what `take` returns.

        `start` starts a worker that `take` has returned, or raises.
        """
        begun = self._clock()
        with self._changed:
            while (workers := pool()) and not any(not worker.in_use for worker in workers):
                self._changed.wait(self._patience)
                if self._clock() - begun > self._patience and self._may_start():
                    worker, how = take()
                    if how != "spawn":
                        return worker, how
                    self._begun[id(worker)] = self._clock()
                    threading.Thread(target=self._start, args=(worker, start), name="start", daemon=True).start()
            return take()

    def changed(self) -> None:
        """A worker has become free, or has gone."""
        with self._changed:
            self._changed.notify_all()

    def _start(self, worker: Any, start: Callable[[Any], None]) -> None:
        try:
            start(worker)
        finally:
            with self._changed:
                self._begun.pop(id(worker), None)
                self._changed.notify_all()

    def _may_start(self) -> bool:
        starting = [begun for begun in self._begun.values() if self._clock() - begun < STUCK_SECONDS]
        return len(starting) < self._at_once


def install(runtime: Any, service: Any, *, cores: int) -> None:
    """Changes MiniStack's modules `core.lambda_runtime` and `services.lambda_svc`."""
    _limit_starts(runtime, service, Starts(max(1, cores // 2)))
    _end_failing_workers_alone(runtime)
    _follow_streams_apart(service)


def _limit_starts(runtime: Any, service: Any, starts: Starts) -> None:
    acquire, release = runtime.acquire_worker, runtime.release_worker

    def acquire_worker(
        name: str, config: Any, code: bytes, qualifier: str = "$LATEST", max_concurrency: int | None = None
    ) -> Lease:
        key = runtime._worker_key(name, config, qualifier)

        def take() -> Lease:
            lease: Lease = acquire(name, config, code, qualifier=qualifier, max_concurrency=max_concurrency)
            return lease

        def start(worker: Any) -> None:
            try:
                runtime.ensure_spawned(worker)
            except Exception as error:
                logger.warning("a worker of %s did not start: %s", name, error)
                runtime.kill_workers([worker])
                with runtime._lock:
                    runtime._workers[key] = [other for other in runtime._workers.get(key, ()) if other is not worker]
            release(worker)

        return starts.lease(lambda: list(runtime._workers.get(key, ())), take, start)

    def release_worker(worker: Any) -> None:
        release(worker)
        starts.changed()

    service.acquire_worker, service.release_worker = acquire_worker, release_worker


def _end_failing_workers_alone(runtime: Any) -> None:
    spawn, invoke = runtime.Worker._spawn, runtime.Worker.invoke

    def spawn_worker(worker: Any) -> None:
        try:
            spawn(worker)
        except (OSError, RuntimeError) as error:
            if "init failed" in str(error):  # the function's own fault, which would happen again
                raise
            logger.warning("a worker of %s ended while it started; starting another", worker.func_name)
            runtime.kill_workers([worker])
            spawn(worker)

    def invoke_worker(worker: Any, *positional: Any, **named: Any) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = invoke(worker, *positional, **named)
        except Exception as error:  # what leaves this function ends all workers
            logger.warning("a worker of %s did not start: %s", worker.func_name, error)
            runtime.kill_workers([worker])
            return {"status": "error", "error": str(error), "cold_start": True, "log": ""}
        return answer

    runtime.Worker._spawn, runtime.Worker.invoke = spawn_worker, invoke_worker


def _follow_streams_apart(service: Any) -> None:
    poll = service._poll_dynamodb_streams

    def follow() -> None:
        while True:
            try:
                processed = poll()
            except Exception:  # as MiniStack's own loop: it ends with the process only
                logger.exception("cannot poll streams")
                processed = False
            if not processed:
                time.sleep(STREAM_PAUSE)

    service._poll_dynamodb_streams = lambda: False
    threading.Thread(target=follow, name="streams", daemon=True).start()
