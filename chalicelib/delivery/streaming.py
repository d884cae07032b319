"""Following a job through a gateway that hands on a response only when it is whole.

Such a stream ends at the first change, or after a few seconds; the browser comes again by itself and says with
Last-Event-ID what it has seen. Event ids are the job's versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.calls.ports import CallCounter
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Job
from chalicelib.observability import logger

LOOK_EVERY_SECONDS = 0.5
COME_AGAIN_MS = 1_000
COME_AGAIN_LATER_MS = 5_000  # to readers who could not wait here


@dataclass(frozen=True, slots=True)
class News:
    """What a reader is told: the job as it is now, or None if nothing is new; and when to come again."""

    job: Job | None
    come_again_ms: int = COME_AGAIN_MS


@dataclass(frozen=True, slots=True)
class LongPoller:
    """`wait` is the longest wait in seconds, `places` how many may wait at once, in all containers together.

    `now()` is in epoch milliseconds, `sleep` takes seconds.
    """

    waiting: CallCounter
    now: Callable[[], int]
    sleep: Callable[[float], None]
    wait: float
    places: int

    def follow(self, job: Job, seen: int | None, read: Callable[[], Job], *, reader: str) -> News | None:
        """News for a reader who has `seen` this version of the job (None: nothing); None when no more will come.

        No `reader` gets more than a quarter of the places.
        """
        if seen != job.version:
            return News(job)
        if job.status.ended:
            return None
        if not self._has_place(reader):
            return News(None, COME_AGAIN_LATER_MS)
        return News(self._change(job, read))

    def _change(self, job: Job, read: Callable[[], Job]) -> Job | None:
        end = self.now() + int(self.wait * 1000)
        while self.now() < end:
            self.sleep(LOOK_EVERY_SECONDS)
            current = read()
            if current.version != job.version:
                return current
        return None

    def _has_place(self, reader: str) -> bool:
        """Readers are counted by the time they come in, so at most twice as many as there are places wait at once."""
        length = int(self.wait * 1000)
        if not self.places or not length:
            return False
        number = self.now() // length
        until = (number + 1) * length // 1000 + 60
        own = f"waiting#{number}#{hashlib.sha256(reader.encode()).hexdigest()[:32]}"
        try:
            if self.waiting.add(own, until=until) > max(1, self.places // 4):
                return False
            return self.waiting.add(f"waiting#{number}", until=until) <= self.places
        except TableUnavailable as error:
            logger.warning("a stream is answered without waiting", error=str(error))
            return False
