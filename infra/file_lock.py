"""A lock on a file that one process holds at a time, with a deadline. It ends with its holder."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Busy(Exception):
    """Another process holds the lock and did not release it in time."""


@contextmanager
def locked(path: Path, *, seconds: float) -> Iterator[None]:
    """Holds an exclusive lock on `path`. Raises Busy after waiting `seconds` for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with path.open("a") as file:
        while not _try(file.fileno()):
            if time.monotonic() > deadline:
                raise Busy(f"another process has been holding {path} for {seconds:.0f} s; wait for it or end it")
            time.sleep(0.1)
        yield


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
