"""A named request is served once, however often it is sent and wherever its server dies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from chalicelib.calls.idempotency import SERVING_MS, Idempotency, KeyedRequest, Served
from chalicelib.calls.ports import Claim
from chalicelib.errors import IdempotencyKeyReused, NothingToRetry, RequestInProgress, TableUnavailable
from tests.fake_calls import FakeClaimStore
from tests.fakes import Clock, Crash

TTL = 3_600
REQUEST = KeyedRequest("alice", "initiate", "key-1", b'{"file_ids":[70000]}')


@dataclass
class Server:
    """Serves requests and remembers which jobs came of them. `fail` is raised instead of, or after, serving."""

    claims: FakeClaimStore = field(default_factory=FakeClaimStore)
    clock: Clock = field(default_factory=Clock)
    jobs: list[str] = field(default_factory=list)
    told: list[bool] = field(default_factory=list)
    before: BaseException | None = None
    after: BaseException | None = None
    meanwhile: Callable[[], object] = lambda: None

    def send(self, request: KeyedRequest = REQUEST) -> Served:
        return Idempotency(self.claims, self.clock, TTL).once(request, self._serve)

    def _serve(self, job_id: str, again: bool) -> str:
        self.told.append(again)
        if self.before:
            raise self.before
        self.jobs.append(job_id)
        self.meanwhile()
        if self.after:
            raise self.after
        return f'{{"jobId":"{job_id}"}}'

    def wait(self) -> None:
        """Until a request that is being served counts as abandoned."""
        self.clock.advance(SERVING_MS / 1000)


@pytest.fixture
def server() -> Server:
    return Server()


def test_the_first_request_is_served(server: Server) -> None:
    assert server.send() == Served(f'{{"jobId":"{server.jobs[0]}"}}', replayed=False)
    assert server.told == [False]


def test_every_later_request_gets_the_same_answer_and_is_told_so(server: Server) -> None:
    first = server.send()
    for _ in range(3):
        server.clock.advance(60)
        assert server.send() == Served(first.answer, replayed=True)
    assert len(server.jobs) == 1


def test_the_same_key_with_other_content_is_refused(server: Server) -> None:
    server.send()
    with pytest.raises(IdempotencyKeyReused):
        server.send(replace(REQUEST, content=b'{"file_ids":[70001]}'))
    assert len(server.jobs) == 1
    assert server.send().replayed


def test_other_content_is_refused_also_while_the_first_is_being_served_or_was_abandoned(server: Server) -> None:
    other = replace(REQUEST, content=b"other")
    server.after = Crash()
    with pytest.raises(Crash):
        server.send()
    for _ in range(2):
        with pytest.raises(IdempotencyKeyReused):
            server.send(other)
        server.wait()


def test_a_request_that_is_being_served_is_not_served_beside_it(server: Server) -> None:
    refused: list[type[BaseException]] = []

    def come_second() -> None:
        with pytest.raises(RequestInProgress) as caught:
            server.send()
        refused.append(caught.type)

    server.meanwhile = come_second
    first = server.send()
    server.meanwhile = lambda: None
    assert (len(server.jobs), refused) == (1, [RequestInProgress])
    assert server.send() == Served(first.answer, replayed=True)


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_request_whose_server_died_is_taken_over_and_makes_one_job(server: Server, where: str) -> None:
    setattr(server, where, Crash())
    with pytest.raises(Crash):
        server.send()
    setattr(server, where, None)
    server.clock.advance((SERVING_MS - 1) / 1000)
    with pytest.raises(RequestInProgress):
        server.send()
    server.clock.now += 1
    served = server.send()
    assert len(set(server.jobs)) == 1
    assert server.jobs[0] in served.answer
    assert server.told == [False, True]
    assert server.send() == Served(served.answer, replayed=True)


def test_a_server_that_died_before_its_answer_was_stored_makes_no_second_job(server: Server) -> None:
    class DiesAtAnswer(FakeClaimStore):
        dies = True

        def answer(self, claim: Claim, answer: str) -> None:
            if self.dies:
                raise Crash
            super().answer(claim, answer)

    server.claims = claims = DiesAtAnswer()
    with pytest.raises(Crash):
        server.send()
    claims.dies = False
    server.wait()
    server.send()
    assert len(server.jobs) == 2 and len(set(server.jobs)) == 1


def test_servers_that_die_one_after_the_other_make_one_job(server: Server) -> None:
    server.after = Crash()
    for _ in range(4):
        with pytest.raises(Crash):
            server.send()
        server.wait()
    server.after = None
    server.send()
    assert len(set(server.jobs)) == 1


def test_an_abandoned_request_is_taken_over_by_one_only(server: Server) -> None:
    server.before = Crash()
    with pytest.raises(Crash):
        server.send()
    server.before = None
    server.wait()

    def come_second() -> None:
        with pytest.raises(RequestInProgress):
            server.send()

    server.meanwhile = come_second
    server.send()
    assert len(server.jobs) == 1


def test_of_two_that_find_it_abandoned_at_the_same_instant_one_takes_it_over(server: Server) -> None:
    class Beaten(FakeClaimStore):
        """Somebody else is always first."""

        def take_over(self, claim: Claim, *, now: int) -> bool:
            assert super().take_over(claim, now=now)
            return super().take_over(claim, now=now + 1)

    server.claims = Beaten()
    server.before = Crash()
    with pytest.raises(Crash):
        server.send()
    server.before = None
    server.wait()
    with pytest.raises(RequestInProgress):
        server.send()
    assert server.jobs == []


def test_what_was_served_but_not_stored_is_answered_and_served_again_under_the_same_id(server: Server) -> None:
    def outage() -> None:
        server.claims.down = True

    server.meanwhile = outage
    first = server.send()
    server.claims.down, server.meanwhile = False, lambda: None
    server.wait()
    second = server.send()
    assert first.answer == second.answer
    assert len(set(server.jobs)) == 1


def test_a_claim_that_was_stored_though_the_answer_got_lost_is_known_as_one_s_own(server: Server) -> None:
    """Clients of AWS send again by themselves; the second time, they find what they stored the first time."""

    class SentTwice(FakeClaimStore):
        def claim(self, wanted: Claim) -> Claim:
            super().claim(wanted)
            return replace(super().claim(wanted))

    server.claims = SentTwice()
    assert not server.send().replayed
    assert (len(server.jobs), server.told) == (1, [False])


def test_nothing_is_served_while_claims_cannot_be_stored(server: Server) -> None:
    server.claims.down = True
    with pytest.raises(TableUnavailable):
        server.send()
    assert server.jobs == []


# --- requests that fail -----------------------------------------------------------------


@pytest.mark.parametrize("where", ["before", "after"])
def test_a_request_that_failed_may_be_sent_again_at_once_and_makes_one_job(server: Server, where: str) -> None:
    setattr(server, where, TableUnavailable("it is down"))
    with pytest.raises(TableUnavailable):
        server.send()
    setattr(server, where, None)
    served = server.send()
    assert len(set(server.jobs)) == 1
    assert server.jobs[-1] in served.answer


def test_an_answer_that_nobody_was_given_is_not_a_replay(server: Server) -> None:
    server.before = TableUnavailable("it is down")
    with pytest.raises(TableUnavailable):
        server.send()
    server.before = None
    assert not server.send().replayed
    assert server.send().replayed


def test_a_request_that_was_refused_is_refused_each_time(server: Server) -> None:
    """It left nothing behind, so whoever serves it next must not believe that it did."""
    server.before = NothingToRetry("job", status="ready")
    for _ in range(3):
        with pytest.raises(NothingToRetry):
            server.send()
    assert server.told == [False, False, False]


def test_a_failure_whose_outcome_is_not_known_is_told_to_who_serves_next(server: Server) -> None:
    server.after = TableUnavailable("the write may have taken effect")
    with pytest.raises(TableUnavailable):
        server.send()
    server.after = None
    server.send()
    assert server.told == [False, True]


def test_a_failure_that_cannot_be_noted_is_still_the_one_that_is_told(server: Server) -> None:
    def outage() -> None:
        server.claims.down = True

    server.meanwhile, server.after = outage, RuntimeError("the cause")
    with pytest.raises(RuntimeError, match="the cause"):
        server.send()


# --- how long and for whom --------------------------------------------------------------


def test_a_key_is_forgotten_by_the_clock_alone(server: Server) -> None:
    server.send()
    server.clock.now += TTL * 1000 - 1
    assert server.send().replayed
    server.clock.now += 1
    assert not server.send(replace(REQUEST, content=b"other")).replayed
    assert len(set(server.jobs)) == 2


OTHERS = {
    "principal": replace(REQUEST, principal="bob"),
    "route": replace(REQUEST, route="retry"),
    "key": replace(REQUEST, key="key-2"),
    "parts that only look alike": KeyedRequest("alic", "einitiate", "key-1", REQUEST.content),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_keys_of_other_principals_and_routes_never_meet(server: Server, other: KeyedRequest) -> None:
    server.send()
    assert not server.send(other).replayed
    assert len(set(server.jobs)) == 2


def test_a_stored_name_tells_neither_principal_nor_key() -> None:
    assert "alice" not in REQUEST.name and "key-1" not in REQUEST.name
