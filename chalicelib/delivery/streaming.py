"""Long polling: server-sent events through a gateway that passes on a response only when it is complete.

Such a stream ends at the first change, or after some seconds; the browser reconnects by itself and sends the last
event it has seen as Last-Event-ID. Event ids are the job's versions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import msgspec

from chalicelib.callers import CallCounter
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Job
from chalicelib.observability import logger

POLL_SECONDS = 0.5
RECONNECT_MS = 1_000
RECONNECT_LATER_MS = 5_000  # for readers who could not wait here


class Update(msgspec.Struct, frozen=True):
    """The answer to a reader: the job as it is now, None if it has not changed; and when to reconnect."""

    job: Job | None
    reconnect_ms: int = RECONNECT_MS


class LongPoller(msgspec.Struct, frozen=True):
    """Waits for changes. `wait` is the longest wait in seconds; at most `max_waiters` readers wait at once, over all
    containers together.

    `now()` is in epoch milliseconds, `sleep` takes seconds.
    """

    waiting: CallCounter
    now: Callable[[], int]
    sleep: Callable[[float], None]
    wait: float
    max_waiters: int

    def follow(self, job: Job, seen: int | None, *, read: Callable[[], Job], reader: str) -> Update | None:
        """Returns an update for a reader who has seen version `seen` (None: none); None if no more will come.

        No `reader` takes more than a quarter of the waiting slots.
        """
        if seen != job.version:
            return Update(job)
        if job.status.ended:
            return None
        if not self._may_wait(reader):
            return Update(None, RECONNECT_LATER_MS)
        return Update(self._change(job, read))

    def _change(self, job: Job, read: Callable[[], Job]) -> Job | None:
        """Polls until the job changes or the wait is over."""
        end = self.now() + int(self.wait * 1000)
        while self.now() < end:
            self.sleep(POLL_SECONDS)
            current = read()
            if current.version != job.version:
                return current
        return None

    def _may_wait(self, reader: str) -> bool:
        """Counts readers by the time slot they arrive in, so at most twice `max_waiters` wait at once."""
        length = int(self.wait * 1000)
        if not self.max_waiters or not length:
            return False
        slot = self.now() // length
        until = (slot + 1) * length // 1000 + 60
        own = f"waiting#{slot}#{hashlib.sha256(reader.encode()).hexdigest()[:32]}"
        try:
            if self.waiting.add(own, until=until) > max(1, self.max_waiters // 4):
                return False
            return self.waiting.add(f"waiting#{slot}", until=until) <= self.max_waiters
        except TableUnavailable as error:
            logger.warning("waiting readers not counted; answering at once", error=str(error))
            return False
