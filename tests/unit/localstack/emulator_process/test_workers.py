"""How MiniStack's workers start and end, on stand-ins for its modules with the same names and rules."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from localstack.emulator_process import workers
from localstack.emulator_process.workers import Starts

SECONDS = 30.0  # that a test waits before it fails


class Worker:
    """As MiniStack's: it is spawned by its first invocation. `accidents` come first, one per start."""

    accidents: ClassVar[list[Exception]] = []

    def __init__(self, name: str) -> None:
        self.func_name, self.in_use, self.alive = name, False, False

    def _spawn(self) -> None:
        if Worker.accidents:
            raise Worker.accidents.pop(0)
        self.alive = True

    def invoke(self, event: Any) -> dict[str, Any]:
        if not self.alive:
            self._spawn()
        return {"status": "ok", "result": event}


class MiniStack:
    """The two modules that are changed: `runtime` and `service`."""

    def __init__(self) -> None:
        self.killed: list[Worker] = []

        class OwnWorker(Worker):  # whose methods may be replaced
            pass

        Worker.accidents = []
        self.runtime: Any = SimpleNamespace(
            Worker=OwnWorker,
            _workers={},
            _lock=threading.Lock(),
            _worker_key=lambda name, config, qualifier: f"{name}:{qualifier}",
            acquire_worker=self._acquire,
            release_worker=self._release,
            kill_workers=self._kill,
            ensure_spawned=lambda worker: None if worker.alive else worker._spawn(),
        )
        self.service: Any = SimpleNamespace(
            acquire_worker=self._acquire, release_worker=self._release, _poll_dynamodb_streams=lambda: False
        )

    def pool(self, name: str = "api") -> list[Worker]:
        found: list[Worker] = self.runtime._workers.get(f"{name}:$LATEST", [])
        return found

    def _acquire(
        self, name: str, config: Any, code: bytes, qualifier: str = "$LATEST", max_concurrency: int | None = None
    ) -> tuple[Worker, str]:
        pool = self.runtime._workers.setdefault(f"{name}:{qualifier}", [])
        for worker in pool:
            if not worker.in_use:
                worker.in_use = True
                return worker, "reused"
        made = self.runtime.Worker(name)
        made.in_use = True
        pool.append(made)
        return made, "spawn"

    def _release(self, worker: Worker | None) -> None:
        if worker is not None:
            worker.in_use = False

    def _kill(self, ended: list[Worker]) -> None:
        for worker in ended:
            worker.alive = False
        self.killed += ended

    def lease(self) -> Worker:
        worker: Worker = self.service.acquire_worker("api", {}, b"")[0]
        return worker

    def call(self, event: Any = None) -> dict[str, Any]:
        worker = self.lease()
        answer: dict[str, Any] = worker.invoke(event)
        self.service.release_worker(worker)
        return answer


@pytest.fixture
def ministack() -> MiniStack:
    made = MiniStack()
    workers.install(made.runtime, made.service, cores=2)
    return made


def in_thread(call: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    return thread


def test_the_first_invocation_starts_a_worker_which_the_next_one_uses(ministack: MiniStack) -> None:
    assert ministack.call(1)["result"] == 1
    assert ministack.call(2)["result"] == 2
    assert len(ministack.pool()) == 1


def test_an_invocation_takes_the_worker_that_becomes_free_and_starts_none(ministack: MiniStack) -> None:
    first = ministack.lease()
    got: list[Worker] = []
    waiting = in_thread(lambda: got.append(ministack.lease()))
    ministack.service.release_worker(first)
    waiting.join(SECONDS)
    assert got == [first]


def test_where_all_workers_are_busy_for_long_one_more_is_started(ministack: MiniStack) -> None:
    first, second = ministack.lease(), ministack.lease()
    assert first is not second
    assert second.alive
    assert ministack.pool() == [first, second]


def test_no_more_than_some_start_at_a_time() -> None:
    go_on, begun, lock, looks = threading.Event(), [], threading.Lock(), Counter[str]()
    pool = [SimpleNamespace(in_use=True)]
    leases: list[Any] = []

    def take() -> Any:
        for worker in pool:
            if not worker.in_use:
                worker.in_use = True
                return worker, "reused"
        pool.append(SimpleNamespace(in_use=True))
        return pool[-1], "spawn"

    def start(worker: Any) -> None:
        with lock:
            begun.append(worker)
        go_on.wait(SECONDS)
        worker.in_use = False

    def clock() -> float:
        looks[threading.current_thread().name] += 1
        return time.monotonic()

    starts = Starts(1, patience=0.01, clock=clock)
    threads = [in_thread(lambda: leases.append(starts.lease(lambda: pool, take, start))) for _ in range(5)]
    while min(looks[thread.name] for thread in threads) < 10:  # each has looked whether it may start one
        time.sleep(0.01)
    assert len(begun) == 1
    go_on.set()
    for thread in threads:
        thread.join(SECONDS)
    assert len(leases) == 5


def test_a_start_that_stands_still_keeps_no_other_from_starting() -> None:
    now = 0.0
    starts = Starts(1, patience=0.01, clock=lambda: now)
    pool, never = [SimpleNamespace(in_use=True)], threading.Event()

    def take() -> Any:
        pool.append(SimpleNamespace(in_use=True))
        return pool[-1], "spawn"

    started: list[Any] = []

    def start(worker: Any) -> None:
        started.append(worker)
        if len(started) == 1:
            never.wait(SECONDS)
        worker.in_use = False

    def free() -> Any:
        return next((worker for worker in pool if not worker.in_use), None)

    def lease() -> Any:
        return starts.lease(lambda: pool, lambda: (free(), "reused") if free() else take(), start)

    waiting = in_thread(lease)
    while not started:
        now += 1.0
    now += workers.STUCK_SECONDS + 1
    for _ in range(100):
        waiting.join(0.1)
        now += 1.0
        if not waiting.is_alive():
            break
    assert len(started) == 2
    never.set()


def test_a_worker_that_ends_while_it_starts_is_replaced_and_no_other_is_ended(ministack: MiniStack) -> None:
    other = ministack.lease()
    Worker.accidents = [RuntimeError("Worker process exited immediately")]
    assert ministack.call("answered")["result"] == "answered"
    assert other not in ministack.killed


def test_one_that_ends_again_fails_its_invocation_alone(ministack: MiniStack) -> None:
    Worker.accidents = [BrokenPipeError("gone"), RuntimeError("Worker process exited immediately")]
    answer = ministack.call()
    assert (answer["status"], answer["error"]) == ("error", "Worker process exited immediately")
    assert ministack.call("answered")["result"] == "answered"


def test_a_function_that_cannot_be_imported_is_not_started_again(ministack: MiniStack) -> None:
    Worker.accidents = [RuntimeError("Worker init failed: no module named app")] * 2
    assert "no module named app" in ministack.call()["error"]
    assert len(Worker.accidents) == 1


def test_a_further_worker_that_does_not_start_leaves_the_pool(ministack: MiniStack) -> None:
    first = ministack.lease()
    Worker.accidents = [RuntimeError("Worker init failed: no memory")]
    got: list[Worker] = []
    waiting = in_thread(lambda: got.append(ministack.lease()))
    while Worker.accidents:
        waiting.join(0.01)
    ministack.service.release_worker(first)
    waiting.join(SECONDS)
    assert len(got) == 1
    deadline = time.monotonic() + SECONDS  # it leaves by itself, perhaps after the first is leased again
    while not all(worker.alive or worker is first for worker in ministack.pool()):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_stream_is_followed_in_a_thread_of_its_own() -> None:
    ministack, followed = MiniStack(), threading.Event()

    def poll() -> bool:
        if followed.is_set():
            return False
        followed.set()
        raise ValueError("no table yet")

    ministack.service._poll_dynamodb_streams = poll
    workers.install(ministack.runtime, ministack.service, cores=2)
    assert followed.wait(SECONDS)
    assert ministack.service._poll_dynamodb_streams() is False
