"""What every CallCounter and ClaimStore does, on the fakes and on DynamoDB (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Lock
from typing import Any, TypeVar

import boto3
import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.traffic_table import DynamoCallCounter, DynamoClaimStore
from chalicelib.callers import CallCounter
from chalicelib.calls.idempotency import Idempotency, KeyedRequest
from chalicelib.calls.ports import Claim, ClaimStore
from chalicelib.errors import TableUnavailable
from tests.aws import emulated_aws
from tests.fake_calls import FakeCallCounter, FakeClaimStore
from tests.fakes import Clock
from tests.support.tables import create_table

NOW = 1_700_000_000_000
CLAIM = Claim("name", "fingerprint", "job-1", NOW, NOW + 3_600_000)
THREADS = 8
T = TypeVar("T")


class OneAtATime:
    """A client each of whose calls is atomic, as DynamoDB's are and moto's are not."""

    def __init__(self, client: Any) -> None:
        self.exceptions = client.exceptions
        self._client, self._lock = client, Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            with self._lock:
                return getattr(self._client, name)(**arguments)

        return call


@pytest.fixture(params=["fake", "dynamodb"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """None for the fakes."""
    if request.param == "fake":
        yield None
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield OneAtATime(client)


@pytest.fixture
def counter(client: Any) -> CallCounter:
    return DynamoCallCounter(Table(client, "jobs")) if client else FakeCallCounter()


@pytest.fixture
def claims(client: Any) -> ClaimStore:
    return DynamoClaimStore(Table(client, "jobs")) if client else FakeClaimStore()


def at_once(task: Callable[[int], T], times: int) -> list[T]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(task, range(times)))


# --- counts -----------------------------------------------------------------------------


def test_each_addition_tells_how_many_there_are(counter: CallCounter) -> None:
    assert [counter.add("alice", until=60) for _ in range(4)] == [1, 2, 3, 4]


def test_names_are_counted_apart(counter: CallCounter) -> None:
    counter.add("alice", until=60)
    assert [counter.add(name, until=60) for name in ("Alice", "alice#", "alicE", "alice")] == [1, 1, 1, 2]


def test_additions_of_many_at_once_are_each_told_another_number(counter: CallCounter) -> None:
    assert sorted(at_once(lambda _: counter.add("alice", until=60), 100)) == list(range(1, 101))


def test_a_count_is_kept_for_as_long_as_its_window() -> None:
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        DynamoCallCounter(Table(client, "jobs")).add("alice", until=1_700_000_060)
        DynamoClaimStore(Table(client, "jobs")).claim(replace(CLAIM, expires_at=NOW + 1))
        kept = {item["sk"]["S"]: item["ttl"]["N"] for item in client.scan(TableName="jobs")["Items"]}
    assert kept == {"CALLS": "1700000060", "ONCE": "1700000001"}


def test_a_table_that_is_not_there_is_an_outage() -> None:
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        store = DynamoClaimStore(Table(client, "jobs"))
        with pytest.raises(TableUnavailable):
            DynamoCallCounter(Table(client, "jobs")).add("alice", until=60)
        for write in (store.claim, store.release, store.forget):
            with pytest.raises(TableUnavailable):
                write(CLAIM)
        with pytest.raises(TableUnavailable):
            store.take_over(CLAIM, now=NOW)
        with pytest.raises(TableUnavailable):
            store.answer(CLAIM, "{}")


# --- claims -----------------------------------------------------------------------------


def test_the_first_claim_is_one_s_own_and_the_second_sees_it(claims: ClaimStore) -> None:
    assert claims.claim(CLAIM) == CLAIM
    second = replace(CLAIM, fingerprint="other", job_id="job-2", claimed_at=NOW + 1)
    assert claims.claim(second) == CLAIM


def test_claims_of_other_names_do_not_meet(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    other = replace(CLAIM, name="other", job_id="job-2")
    assert claims.claim(other) == other


def test_of_many_claims_at_once_one_wins_and_all_see_it(claims: ClaimStore) -> None:
    found = at_once(lambda n: claims.claim(replace(CLAIM, job_id=f"job-{n}")), 40)
    assert len({claim.job_id for claim in found}) == 1


def test_an_expired_claim_is_replaced_and_a_living_one_is_not(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    claims.answer(CLAIM, "{}")
    later = replace(CLAIM, job_id="job-2", claimed_at=CLAIM.expires_at - 1, expires_at=CLAIM.expires_at + 9)
    assert claims.claim(later) == replace(CLAIM, answer="{}")
    later = replace(later, claimed_at=CLAIM.expires_at)
    assert claims.claim(later) == later


def test_an_answer_is_kept_letter_by_letter(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    answer = '{"a":"ü\\n \\"x\\"  ","n":1.50}' + " " * 10_000
    claims.answer(CLAIM, answer)
    assert claims.claim(replace(CLAIM, job_id="job-2")) == replace(CLAIM, answer=answer)


def test_an_unanswered_claim_is_taken_over_once(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    assert claims.take_over(CLAIM, now=NOW + 30_000)
    assert not claims.take_over(CLAIM, now=NOW + 30_001)
    assert claims.claim(replace(CLAIM, job_id="job-2")) == replace(CLAIM, claimed_at=NOW + 30_000)


def test_of_many_that_take_over_at_once_one_wins(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    assert at_once(lambda n: claims.take_over(CLAIM, now=NOW + 30_000 + n), 40).count(True) == 1


def test_an_answered_claim_is_not_taken_over(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    claims.answer(CLAIM, "{}")
    assert not claims.take_over(CLAIM, now=NOW + 30_000)


def test_a_claim_that_is_gone_is_not_taken_over(claims: ClaimStore) -> None:
    assert not claims.take_over(CLAIM, now=NOW + 30_000)


def test_a_released_claim_keeps_its_job_and_may_be_taken_over_at_once(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    claims.release(CLAIM)
    found = claims.claim(replace(CLAIM, job_id="job-2", claimed_at=NOW + 1))
    assert found == replace(CLAIM, claimed_at=0)
    assert claims.take_over(found, now=NOW + 1)


def test_a_forgotten_claim_leaves_room_for_another(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    claims.forget(CLAIM)
    other = replace(CLAIM, fingerprint="other", job_id="job-2")
    assert claims.claim(other) == other


def test_forgetting_or_releasing_takes_nothing_from_an_answer_or_from_somebody_else(claims: ClaimStore) -> None:
    claims.claim(CLAIM)
    stale = replace(CLAIM, job_id="job-0")
    for write in (claims.forget, claims.release):
        write(stale)
    claims.answer(stale, "stale")
    claims.answer(CLAIM, "{}")
    for write in (claims.forget, claims.release):
        write(CLAIM)
    assert claims.claim(replace(CLAIM, job_id="job-2")) == replace(CLAIM, answer="{}")


def test_a_request_that_is_sent_by_many_at_once_makes_one_job(claims: ClaimStore) -> None:
    jobs: list[str] = []

    def serve(job_id: str, again: bool) -> str:
        jobs.append(job_id)
        return job_id

    def send(_: int) -> str:
        try:
            return Idempotency(claims, Clock(), 3_600).once(KeyedRequest("alice", "initiate", "k", b"{}"), serve).answer
        except Exception as error:
            return type(error).__name__

    answers = set(at_once(send, 40))
    assert len(jobs) == 1
    assert answers - {"RequestInProgress"} == set(jobs)
