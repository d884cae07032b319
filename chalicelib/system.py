"""What services take from the machine they run on: time, chance, identifiers and threads. Each is an argument."""

from __future__ import annotations

import random
import secrets
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import NamedTuple

# Calls a function now and every so many seconds, until the function it returns is called.
Repeat = Callable[[float, Callable[[], None]], Callable[[], None]]


def epoch_milliseconds() -> int:
    """The time of this machine."""
    return time.time_ns() // 1_000_000


def row_token() -> str:
    """Distinguishes rows that would have one key otherwise."""
    return secrets.token_hex(4)


def random_id() -> str:
    """A UUID that nothing else has."""
    return str(uuid.uuid4())


def repeat_in_thread(seconds: float, action: Callable[[], None]) -> Callable[[], None]:
    """Calls `action` now and every `seconds`, in a thread; the returned function ends that and waits for it."""
    stopped = threading.Event()

    def run() -> None:
        while True:
            action()
            if stopped.wait(seconds):
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def stop() -> None:
        stopped.set()
        thread.join()

    return stop


class System(NamedTuple):
    """What services take from the machine.

    `now` is epoch milliseconds; `executor` takes the number of threads; `token` makes eight random hex digits, `new_id`
    a random UUID.
    """

    now: Callable[[], int] = epoch_milliseconds
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform
    executor: Callable[[int], Executor] = ThreadPoolExecutor
    repeat: Repeat = repeat_in_thread
    token: Callable[[], str] = row_token
    new_id: Callable[[], str] = random_id

    def seconds(self) -> float:
        """Epoch seconds."""
        return self.now() / 1000


MACHINE = System()
