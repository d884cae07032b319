"""When to try again, and how long to wait before it."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRIED_STATUSES = frozenset({429, 502, 503, 504})
"""Answers that may be better next time."""


@dataclass(frozen=True)
class RetryPolicy:
    """Exponential backoff with jitter, never earlier than the server's Retry-After, and bounded.

    All times are seconds. `tries` counts the first one too; waits are `first`, then doubled up to `longest`,
    each less a random quarter at most. A Retry-After longer than `patience` is not waited for.
    """

    tries: int = 4
    first: float = 0.5
    longest: float = 10.0
    patience: float = 60.0

    def wait_before(self, attempt: int, retry_after: float | None = None) -> float | None:
        """Seconds to wait after `attempt` (1 is the first) failed; None when it is time to give up."""
        if attempt >= self.tries or (retry_after or 0.0) > self.patience:
            return None
        backoff = min(self.longest, self.first * 2.0 ** min(attempt - 1, 32)) * random.uniform(0.75, 1.0)
        return max(backoff, retry_after or 0.0)


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
