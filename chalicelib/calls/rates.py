"""How often a caller may call: fixed windows, counted where every container sees them.

A window is counted by one atomic addition, so that no two containers can both take the last request. Where the counts
cannot be reached, each container counts for itself: the limit is then looser, and the API stays up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from chalicelib.calls.ports import CallCounter
from chalicelib.errors import TableUnavailable
from chalicelib.observability import count, logger

PAUSE_MS = 10_000  # after a failure the shared counts are left alone for so long, or every call would wait for them


@dataclass(frozen=True, slots=True)
class Policy:
    """`limit` requests in `window` milliseconds. Policies count apart from each other."""

    name: str
    limit: int
    window: int
    shared: bool = True  # False: each container counts for itself, as is enough where no work is done


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted: `used` requests of this window, which ends in `reset` seconds."""

    policy: Policy
    used: int
    reset: int

    @property
    def allowed(self) -> bool:
        return self.used <= self.policy.limit

    @property
    def remaining(self) -> int:
        return max(0, self.policy.limit - self.used)


@dataclass(slots=True)
class LocalCounter:
    """CallCounter of one container."""

    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    latest: int = 0

    def add(self, name: str, *, until: int) -> int:
        if until > self.latest:
            self._forget(until)
        used = self.counts.get(name, (0, 0))[0] + 1
        self.counts[name] = (used, until)
        return used

    def _forget(self, until: int) -> None:
        """A new window has begun: what ended an hour and more before it is not needed any more."""
        self.latest = until
        self.counts = {name: (used, end) for name, (used, end) in self.counts.items() if end > until - 3_600}


@dataclass(slots=True)
class RateLimiter:
    """`now()` is in epoch milliseconds."""

    shared: CallCounter
    now: Callable[[], int]
    own: LocalCounter = field(default_factory=LocalCounter)
    away_until: int = 0

    def count(self, caller: str, policy: Policy) -> Verdict:
        """Count a request of `caller`. Never raises."""
        now = self.now()
        number = now // policy.window
        end = (number + 1) * policy.window
        name = f"{policy.name}#{hashlib.sha256(caller.encode()).hexdigest()[:32]}#{number}"
        used = self._add(name, until=end // 1000 + 60, shared=policy.shared)
        return Verdict(policy, used, -(-(end - now) // 1000))

    def _add(self, name: str, *, until: int, shared: bool) -> int:
        if shared and self.now() >= self.away_until:
            try:
                return self.shared.add(name, until=until)
            except TableUnavailable as error:
                self.away_until = self.now() + PAUSE_MS
                count("RateLimiterUnavailable")
                logger.warning("calls are counted by this container alone", error=str(error))
        return self.own.add(name, until=until)
