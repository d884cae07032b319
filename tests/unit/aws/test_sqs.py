"""How long a failed message waits, and how one is kept hidden while it is handled."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.aws.sqs import BEATS, Heartbeat, Retries
from chalicelib.limits import SQS_MAX_VISIBILITY_SECONDS
from tests.support.sqs import fake_retries

QUEUE = "arn:aws:sqs:us-east-1:000000000000:check"


@given(seed=st.integers(), attempt=st.integers(1, 10_000), base=st.floats(0, 60), cap=st.floats(0, 900))
def test_a_delay_doubles_with_jitter_up_to_its_cap(seed: int, attempt: int, base: float, cap: float) -> None:
    longest = min(cap, base * 2.0 ** min(attempt - 1, 30))
    delay = Retries(None, base, cap, Random(seed).uniform, "").delay(attempt=attempt)
    assert isinstance(delay, int)
    assert round(longest / 2) <= delay <= round(longest)
    assert delay <= SQS_MAX_VISIBILITY_SECONDS


def test_delays_of_equal_attempts_differ() -> None:
    """Workers that failed together do not come back together."""
    retries = Retries(None, 60, 900, Random(1).uniform, "")
    assert len({retries.delay(attempt=4) for _ in range(100)}) > 10


def test_a_heartbeat_hides_the_message_again_before_it_becomes_visible() -> None:
    retries, asked = fake_retries(), []

    def repeat(seconds, action):
        asked.append(seconds)
        action()
        action()
        return lambda: asked.append("stopped")

    with Heartbeat(retries, 24.0, repeat).hiding(QUEUE, "r0"):
        assert asked == [24.0 / BEATS]
    assert retries.client.hidden == [("r0", 24)] * 2
    assert asked[-1] == "stopped"
