"""Long polling: what a reader gets, how long it waits, how many may wait."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from chalicelib.delivery.streaming import POLL_SECONDS, RECONNECT_LATER_MS, LongPoller, Update
from chalicelib.errors import JobExpired
from chalicelib.jobs.model import Job, JobStatus
from tests.support.builders import job
from tests.support.fakes import Clock, FakeCallCounter

WAIT, MAX_WAITERS = 10.0, 2


@dataclass
class Reader:
    """A long_poller, and a job that changes while it sleeps: `changes` are by when, in seconds."""

    clock: Clock = field(default_factory=Clock)
    counter: FakeCallCounter = field(default_factory=FakeCallCounter)
    changes: dict[float, Job] = field(default_factory=dict)
    wait: float = WAIT
    max_waiters: int = MAX_WAITERS
    slept: list[float] = field(default_factory=list)
    reads: int = 0
    name: str = ""  # empty: another reader each time
    came: int = 0

    def follow(self, current: Job, seen: int | None, read: Callable[[], Job] | None = None) -> Update | None:
        long_poller = LongPoller(self.counter, self.clock, self._sleep, self.wait, self.max_waiters)
        self.came += 1
        return long_poller.follow(
            current, seen, read=read or (lambda: self._read(current)), reader=self.name or str(self.came)
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    def _read(self, current: Job) -> Job:
        self.reads += 1
        past = [at for at in self.changes if at <= sum(self.slept)]
        return self.changes[max(past)] if past else current


@pytest.fixture
def reader() -> Reader:
    return Reader()


def version(number: int, **changes: Any) -> Job:
    return job(version=number, **changes)


@pytest.mark.parametrize("seen", [None, 0, 2, 99])
def test_a_reader_that_has_not_seen_this_version_is_answered_at_once(reader: Reader, seen: int | None) -> None:
    assert reader.follow(version(3), seen) == Update(version(3))
    assert (reader.slept, reader.reads) == ([], 0)


@pytest.mark.parametrize("status", [JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED])
def test_the_end_of_a_job_is_sent_once(reader: Reader, status: JobStatus) -> None:
    ended = version(3, status=status)
    assert reader.follow(ended, 2) == Update(ended)
    assert reader.follow(ended, 3) is None
    assert reader.slept == []


def test_a_change_is_sent_as_soon_as_it_is_seen(reader: Reader) -> None:
    reader.changes = {3.2: version(4)}
    assert reader.follow(version(3), 3) == Update(version(4))
    assert 3.2 <= sum(reader.slept) < 3.2 + POLL_SECONDS


def test_of_several_changes_the_last_is_sent(reader: Reader) -> None:
    reader.changes = {0.1: version(4), 0.2: version(5)}
    assert reader.follow(version(3), 3) == Update(version(5))


def test_without_a_change_the_wait_ends_in_time(reader: Reader) -> None:
    assert reader.follow(version(3), 3) == Update(None)
    assert WAIT <= sum(reader.slept) < WAIT + POLL_SECONDS


def test_a_slow_store_does_not_prolong_the_wait(reader: Reader) -> None:
    current = version(3)

    def read() -> Job:
        reader.clock.advance(4)
        return current

    before = reader.clock.now
    assert reader.follow(current, 3, read) == Update(None)
    assert reader.clock.now - before <= (WAIT + POLL_SECONDS + 4) * 1000


def test_a_job_that_expires_while_a_reader_waits_is_reported_as_expired(reader: Reader) -> None:
    def read() -> Job:
        raise JobExpired("job")

    with pytest.raises(JobExpired):
        reader.follow(version(3), 3, read)


def test_readers_beyond_the_limit_reconnect_later_and_do_not_wait(reader: Reader) -> None:
    for _ in range(MAX_WAITERS):
        reader.counter.add(f"waiting#{reader.clock.now // 10_000}", until=0)
    assert reader.follow(version(3), 3) == Update(None, RECONNECT_LATER_MS)
    assert (reader.slept, reader.reads) == ([], 0)


def test_exactly_max_waiters_wait_in_one_time_slot(reader: Reader) -> None:
    reader.clock.now -= reader.clock.now % 10_000
    reader.changes = {0.0: version(4)}
    answers = [reader.follow(version(3), 3) for _ in range(MAX_WAITERS + 2)]
    assert answers == [Update(version(4))] * MAX_WAITERS + [Update(None, RECONNECT_LATER_MS)] * 2


def test_one_reader_takes_at_most_a_quarter_of_the_waiting_slots(reader: Reader) -> None:
    reader.clock.now -= reader.clock.now % 10_000
    reader.max_waiters, reader.name = 8, "alice"
    reader.changes = {0.0: version(4)}
    answers = [reader.follow(version(3), 3) for _ in range(4)]
    assert answers == [Update(version(4))] * 2 + [Update(None, RECONNECT_LATER_MS)] * 2
    reader.name = "bob"
    assert reader.follow(version(3), 3) == Update(version(4))


def test_a_new_time_slot_starts_from_zero(reader: Reader) -> None:
    for _ in range(MAX_WAITERS + 1):
        reader.counter.add(f"waiting#{reader.clock.now // 10_000}", until=0)
    reader.clock.advance(WAIT)
    assert reader.follow(version(3), 3) == Update(None)
    assert reader.slept


def test_an_answer_without_waiting_is_not_counted(reader: Reader) -> None:
    reader.follow(version(3), None)
    reader.follow(version(3, status=JobStatus.READY), 3)
    assert reader.counter.counts == {}


@pytest.mark.parametrize(("wait", "max_waiters"), [(0.0, MAX_WAITERS), (0.0004, MAX_WAITERS), (WAIT, 0)])
def test_a_service_without_waiting_answers_at_once(reader: Reader, wait: float, max_waiters: int) -> None:
    reader.wait, reader.max_waiters = wait, max_waiters
    assert reader.follow(version(3), 3) == Update(None, RECONNECT_LATER_MS)
    assert (reader.slept, reader.counter.counts) == ([], {})


def test_no_reader_waits_while_waiters_cannot_be_counted(reader: Reader) -> None:
    reader.counter.down = True
    assert reader.follow(version(3), 3) == Update(None, RECONNECT_LATER_MS)
    assert reader.slept == []
