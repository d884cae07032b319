"""Fixed windows that every container shares, and each container's own counts while it cannot reach them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from chalicelib.callers import PAUSE_MS, LocalCounter, Policy, RateLimiter
from tests.support.fakes import Clock, FakeCallCounter

MINUTE = Policy("default", limit=3, window=60_000)
START = 1_700_000_040_000  # a minute begins


@dataclass
class Container:
    """A limiter and what it stands on."""

    limiter: RateLimiter
    counter: FakeCallCounter
    clock: Clock

    def allowed(self, times: int, *, caller: str = "alice", policy: Policy = MINUTE) -> list[bool]:
        return [self.limiter.count(caller, policy).allowed for _ in range(times)]


@pytest.fixture
def here() -> Container:
    counter, clock = FakeCallCounter(), Clock(START)
    return Container(RateLimiter(counter, clock), counter, clock)


def test_exactly_the_limit_is_allowed_in_a_window(here: Container) -> None:
    assert here.allowed(5) == [True, True, True, False, False]


def test_what_remains_counts_down_to_zero_and_stays_there(here: Container) -> None:
    assert [here.limiter.count("alice", MINUTE).remaining for _ in range(5)] == [2, 1, 0, 0, 0]


def test_the_next_window_begins_anew_and_not_a_millisecond_before(here: Container) -> None:
    here.allowed(4)
    here.clock.now = START + 59_999
    assert here.allowed(1) == [False]
    here.clock.now = START + 60_000
    assert here.allowed(4) == [True, True, True, False]


def test_a_refused_request_does_not_prolong_the_wait(here: Container) -> None:
    here.allowed(100)
    here.clock.advance(60)
    assert here.allowed(1) == [True]


@pytest.mark.parametrize(
    ("passed", "reset"), [(0, 60), (1, 60), (999, 60), (1_000, 59), (58_999, 2), (59_000, 1), (59_999, 1)]
)
def test_the_reset_is_rounded_up_so_that_nobody_comes_too_early(here: Container, passed: int, reset: int) -> None:
    here.clock.now = START + passed
    verdict = here.limiter.count("alice", MINUTE)
    assert verdict.reset == reset
    here.clock.advance(verdict.reset)
    assert here.limiter.count("alice", MINUTE).used == 1


@given(now=st.integers(0, 2**45), window=st.integers(1_000, 3_600_000))
def test_waiting_for_the_reset_always_leads_to_a_new_window(now: int, window: int) -> None:
    clock, policy = Clock(now), Policy("default", 1, window)
    limiter = RateLimiter(FakeCallCounter(), clock)
    verdict = limiter.count("alice", policy)
    assert 1 <= verdict.reset <= -(-window // 1000)
    clock.advance(verdict.reset)
    assert limiter.count("alice", policy).allowed


def test_callers_are_counted_apart(here: Container) -> None:
    here.allowed(4)
    assert here.allowed(1, caller="bob") == [True]


def test_policies_are_counted_apart(here: Container) -> None:
    here.allowed(4)
    assert here.allowed(4, policy=replace(MINUTE, name="streams")) == [True, True, True, False]


@pytest.mark.parametrize("twisted", ["alice#28333334", "ALICE", "alice ", "", "default#alice", "a" * 10_000])
def test_no_name_of_a_caller_leads_to_the_counts_of_another(here: Container, twisted: str) -> None:
    here.allowed(4)
    assert here.allowed(1, caller=twisted) == [True]


def test_no_name_of_a_counter_tells_who_called(here: Container) -> None:
    here.limiter.count("user:alice@example.test", MINUTE)
    assert "alice" not in str(here.counter.counts)


@given(
    order=st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["alice", "bob"])), min_size=1, max_size=60),
    limit=st.integers(1, 10),
)
def test_containers_together_allow_exactly_the_limit_however_their_calls_interleave(
    order: list[tuple[int, str]], limit: int
) -> None:
    counter, clock = FakeCallCounter(), Clock(START)
    containers = [RateLimiter(counter, clock) for _ in range(4)]
    policy = replace(MINUTE, limit=limit)
    allowed = [caller for n, caller in order if containers[n].count(caller, policy).allowed]
    for caller in ("alice", "bob"):
        asked = sum(1 for _, name in order if name == caller)
        assert allowed.count(caller) == min(asked, limit)


# --- while the shared counts are away ---------------------------------------------------


def test_a_container_counts_for_itself_while_the_shared_counts_are_away(here: Container) -> None:
    here.counter.down = True
    assert here.allowed(5) == [True, True, True, False, False]


def test_the_shared_counts_are_left_alone_for_a_while_after_a_failure(here: Container) -> None:
    here.counter.down = True
    here.allowed(1)
    here.counter.down = False
    here.clock.advance((PAUSE_MS - 1) / 1000)
    here.allowed(1)
    assert here.counter.counts == {}
    here.clock.now += 1
    here.allowed(1)
    assert list(here.counter.counts.values()) == [1]


def test_each_failure_begins_a_new_pause(here: Container) -> None:
    asked = here.counter.counts
    here.counter.down = True
    for _ in range(3):
        here.allowed(2)
        here.clock.advance(PAUSE_MS / 1000)
    here.counter.down = False
    here.allowed(1)
    assert sum(asked.values()) == 1


def test_what_the_shared_counts_knew_holds_again_once_they_are_back(here: Container) -> None:
    here.allowed(3)
    here.counter.down = True
    assert here.allowed(1) == [True]
    here.counter.down = False
    here.clock.advance(PAUSE_MS / 1000)
    assert here.allowed(1) == [False]


# --- a container's own counts -----------------------------------------------------------


def test_own_counts_forget_windows_that_are_long_over() -> None:
    own = LocalCounter()
    for minute in range(600):
        for caller in range(5):
            own.add(f"{caller}#{minute}", until=minute * 60)
    assert len(own.counts) <= 5 * 61
    assert own.add("0#599", until=599 * 60) == 2


def test_own_counts_never_forget_a_window_that_goes_on() -> None:
    own = LocalCounter()
    own.add("an hour", until=3_600)
    own.add("a minute", until=60)
    own.add("the next", until=120)
    assert own.add("an hour", until=3_600) == 2


def test_a_new_caller_in_a_known_window_costs_no_tidying() -> None:
    """Else many addresses would make each request of a container slower than the one before."""
    own = LocalCounter()
    own.add("alice", until=60)
    kept = own.counts
    own.add("bob", until=60)
    assert own.counts is kept
