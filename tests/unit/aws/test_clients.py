"""How fast a worker asks the store: its share at first, less while the store refuses, and its share again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.aws.clients import BUSY_ATTEMPTS, SLOWEST_PACE, Pace, StoreHooks
from chalicelib.settings import SETTINGS
from chalicelib.system import MACHINE, System


@dataclass
class Machine:
    """A clock that moves while one sleeps."""

    seconds: float = 0.0
    slept: list[float] = field(default_factory=list)

    @property
    def system(self) -> System:
        return MACHINE._replace(monotonic=lambda: self.seconds, sleep=self.sleep, uniform=lambda low, high: high)

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.seconds += seconds


def taken(pace: Pace, machine: Machine, requests: int) -> float:
    """Seconds that so many requests wait, one after the other."""
    before = machine.seconds
    for _ in range(requests):
        pace.wait()
    return machine.seconds - before


def test_requests_are_spaced_and_saved_time_is_no_burst() -> None:
    machine = Machine()
    pace = Pace(10, machine.system)
    assert taken(pace, machine, 11) == pytest.approx(1.0)
    machine.seconds += 60
    assert taken(pace, machine, 11) == pytest.approx(1.0)


def test_a_slow_request_needs_no_pause_after_it() -> None:
    machine = Machine()
    pace = Pace(10, machine.system)
    for _ in range(5):
        pace.wait()
        machine.seconds += 0.5
    assert machine.slept == []


def test_each_refusal_is_the_same_step_down_to_a_floor() -> None:
    pace = Pace(100, MACHINE)
    rates = []
    for _ in range(60):
        rates.append(pace.rate)
        pace.heard(503)
    assert rates[:3] == pytest.approx([100, 98, 96])
    assert pace.rate == SLOWEST_PACE == 20


def test_each_answer_is_a_tenth_of_a_step_back_up_to_the_share() -> None:
    pace = Pace(100, MACHINE)
    pace.heard(503)
    pace.heard(200)
    assert pace.rate == pytest.approx(98.2)
    for _ in range(20):
        pace.heard(200)
    assert pace.rate == 100


def test_a_store_that_refuses_one_request_in_twelve_slows_no_worker_down_for_good() -> None:
    """8% SlowDown has nothing to do with the rate, so that asking less would not help."""
    pace = Pace(110, MACHINE)
    for number in range(5_000):
        pace.heard(503 if number % 12 == 0 else 200)
    assert pace.rate > 100


def test_a_share_below_the_floor_stays_what_it_is() -> None:
    pace = Pace(10, MACHINE)
    pace.heard(503)
    assert pace.rate == 10


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        ("HeadObject", "reads"),
        ("GetObject", "reads"),
        ("ListObjectsV2", "reads"),
        ("UploadPartCopy", "writes"),
        ("PutObject", "writes"),
        ("CompleteMultipartUpload", "writes"),
        ("DeleteObjects", "writes"),
    ],
)
def test_reads_and_writes_have_paces_of_their_own(operation: str, kind: str) -> None:
    hooks = StoreHooks(50, MACHINE)
    assert (hooks.reads.rate, hooks.writes.rate) == (110, 70)
    hooks.after(attempts=1, event_name=f"needs-retry.s3.{operation}", response=answer(503))
    assert (hooks.reads.rate < 110, hooks.writes.rate < 70) == (kind == "reads", kind == "writes")


def test_every_attempt_waits_for_its_turn() -> None:
    machine = Machine()
    hooks = StoreHooks(50, machine.system)
    for _ in range(111):
        hooks.before(event_name="before-send.s3.HeadObject", request=None)
    assert machine.seconds == pytest.approx(1.0)


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_store_is_asked_again_after_pauses_that_grow(status: int) -> None:
    hooks = StoreHooks(1, Machine().system)
    pauses = [
        hooks.after(attempts=attempt, event_name="needs-retry.s3.GetObject", response=answer(status))
        for attempt in range(1, BUSY_ATTEMPTS + 1)
    ]
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, None]


@pytest.mark.parametrize("response", [None, (None, {"ResponseMetadata": {"HTTPStatusCode": 500}}), (None, {})])
def test_whatever_else_happens_is_left_to_the_sdk(response: Any) -> None:
    hooks = StoreHooks(1, MACHINE)
    assert hooks.after(attempts=1, event_name="needs-retry.s3.GetObject", response=response) is None
    assert hooks.reads.rate == 5_500


@pytest.mark.parametrize(("setting", "limit"), [("check_concurrency", 5_500), ("assembly_concurrency", 3_500)])
def test_as_many_workers_as_may_be_set_stay_within_the_stores_rate_at_their_slowest(setting: str, limit: int) -> None:
    (most,) = (found.kind.le for found in SETTINGS if found.field == setting)  # type: ignore[attr-defined]
    assert most * SLOWEST_PACE <= limit


def answer(status: int) -> tuple[None, dict[str, Any]]:
    return None, {"ResponseMetadata": {"HTTPStatusCode": status}}
