"""When to try again, and how long to wait before it."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Answers that may be better next time."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter, never earlier than the server's Retry-After, and bounded.

    All times are seconds. `tries` counts the first one too; waits are `first`, then doubled up to `longest`,
    each less a random quarter at most. A Retry-After longer than `patience` is not waited for, unless the server only
    puts the caller off (429); no wait ends later than `deadline` after the first try.
    """

    tries: int = 4
    first: float = 0.5
    longest: float = 10.0
    patience: float = 60.0
    deadline: float = 300.0

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Seconds to wait after `attempt` (1 is the first) failed; None when it is time to give up."""
        if attempt >= self.tries or (retry_after or 0.0) > self.patience:
            return None
        return self.backoff(attempt, retry_after)

    def backoff(self, attempt: int, retry_after: float | None = None) -> float:
        """Seconds to wait after `attempt`, whether or not it is time to give up."""
        usual = min(self.longest, self.first * 2.0 ** min(attempt - 1, 32)) * random.uniform(0.75, 1.0)
        return max(usual, retry_after or 0.0)

    def times(self, factor: int) -> RetryPolicy:
        """The same with so many times the tries and the time."""
        return replace(self, tries=self.tries * factor, deadline=self.deadline * factor)


class Attempts:
    """The tries of one request: `number` is the one under way, from 1."""

    def __init__(self, policy: RetryPolicy) -> None:
        self.number = 1
        self._policy = policy
        self._failed = 0
        self._end = time.monotonic() + policy.deadline

    def wait_after(self, retry_after: float | None, *, put_off: bool) -> float | None:
        """Seconds to wait before the next try; None when it is time to give up.

        `put_off`: the server did not fail but said when to come again, which costs no try, only time.
        """
        self._failed += not put_off
        too_long = not put_off and (retry_after or 0.0) > self._policy.patience
        if too_long or self._failed >= self._policy.tries:
            return None
        wait = self._policy.backoff(self.number, retry_after)
        self.number += 1
        return None if time.monotonic() + wait > self._end else wait


def retry_after_of(headers: Mapping[str, str]) -> float | None:
    """The Retry-After of an answer in seconds, whether it was a number or a date; None when absent or garbled."""
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
