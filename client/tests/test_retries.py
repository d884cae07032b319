"""When a request is retried, and how long the client waits before it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from lorry import RetryPolicy
from lorry.retries import Attempts, retry_after_of


def test_waits_grow_with_each_attempt_and_never_undercut_the_server() -> None:
    policy = RetryPolicy(tries=5, first=1.0, longest=4.0, patience=60.0)
    waits = [policy.wait_before(attempt) for attempt in (1, 2, 3, 4)]
    for wait, limit in zip(waits, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert wait is not None
        assert limit * 0.75 <= wait <= limit
    assert policy.wait_before(1, retry_after=30.0) == 30.0
    assert policy.wait_before(1, retry_after=61.0) is None
    assert policy.wait_before(5) is None


def test_patience_limits_failures_and_the_deadline_limits_everything() -> None:
    attempts = Attempts(RetryPolicy(patience=5.0, deadline=100.0))
    assert attempts.wait_after(6.0, deferred=True) == 6.0
    assert attempts.wait_after(101.0, deferred=True) is None
    assert attempts.wait_after(6.0, deferred=False) is None


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), ("", None), ("soon", None), ("-1", None)])
def test_a_retry_after_is_a_number_or_nothing(text: str, seconds: float | None) -> None:
    assert retry_after_of({"Retry-After": text}) == seconds


def test_a_retry_after_may_be_a_date() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    assert 3000 < (retry_after_of({"Retry-After": later}) or 0) <= 3600
    assert retry_after_of({"Retry-After": format_datetime(datetime(2020, 1, 1, tzinfo=UTC))}) == 0.0
