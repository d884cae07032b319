"""When to retry, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Responses that may be different next time."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter, never earlier than the server's Retry-After, and bounded. Times are seconds.

    `tries` includes the first attempt; waits are `first`, then doubled up to `longest`, each shortened by a random
    quarter at most. A Retry-After above `patience` is not waited for unless the server only defers the caller (429).
    No wait ends later than `deadline` after the first attempt.
    """

    tries: int = 4
    first: float = 0.5
    longest: float = 10.0
    patience: float = 60.0
    deadline: float = 300.0

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Seconds to wait after `attempt` (the first is 1) failed; None when it was the last."""
        if attempt >= self.tries or (retry_after or 0.0) > self.patience:
            return None
        return self.backoff(attempt, retry_after)

    def backoff(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after `attempt`, regardless of how many attempts are left."""
        usual = min(self.longest, self.first * 2.0 ** min(attempt - 1, 32)) * random.uniform(0.75, 1.0)
        return max(usual, retry_after or 0.0)

    def times(self, factor: int) -> RetryPolicy:
        """The same policy with `factor` times the attempts and the time."""
        return replace(self, tries=self.tries * factor, deadline=self.deadline * factor)


class Attempts:
    """The attempts of one request: `number` is the current one, from 1."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.number = 1
        self._policy = policy
        self._failed = 0
        self._end = time.monotonic() + policy.deadline

    def wait_after(self, retry_after: float | None, *, deferred: bool) -> float | None:
        """Seconds to wait before the next attempt; None when there is none left.

        `deferred`: the server did not fail but said when to come back, which uses up time but no attempt.
        """
        self._failed += not deferred
        too_long = not deferred and (retry_after or 0.0) > self._policy.patience
        if too_long or self._failed >= self._policy.tries:
            return None
        wait = self._policy.backoff(self.number, retry_after)
        self.number += 1
        return None if time.monotonic() + wait > self._end else wait


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The Retry-After of a response in seconds, given as a number or a date; None when absent or malformed."""
    text = headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
