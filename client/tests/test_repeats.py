"""Requests that are sent again, against a real HTTP server: when, how often, and that nothing is made twice."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator

import pytest
from fake_server import JOB_ID, FakeServer, Fault

from lorry import IdempotencyKeyReused, Lorry, LorryProblem, LorryUnreachable, RetryPolicy
from lorry.retries import Attempts

INITIATE = "/lorry/v1/download/initiate"
STATUS = "/lorry/v1/download/status"
RETRY = f"/lorry/v1/download/{JOB_ID}/retry"
IN_PROGRESS = b'{"error": "request_in_progress", "detail": "the first request is still being served"}'


def keys_sent(service: FakeServer, path: str) -> list[str]:
    return [seen.headers["Idempotency-Key"] for seen in service.requests(path, "POST")]


@pytest.fixture
def hurried(service: FakeServer) -> Iterator[Lorry]:
    """A client that gives up after a second."""
    with Lorry(service.url, retries=RetryPolicy(first=0.01, longest=0.05, deadline=1.0)) as client:
        yield client


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_starting_is_repeated_under_the_same_key(lorry: Lorry, service: FakeServer, status: int) -> None:
    service.faults = [Fault(INITIATE, status, {"Retry-After": "0"}, times=2)]
    assert lorry.start(file_ids=[70000]).id == JOB_ID
    first, *others = keys_sent(service, "initiate")
    assert str(uuid.UUID(first)) == first
    assert others == [first, first]


@pytest.mark.parametrize("status", [0, 504])
def test_a_job_whose_answer_is_lost_is_made_once(lorry: Lorry, service: FakeServer, status: int) -> None:
    service.faults = [Fault(INITIATE, status, served=True)]
    assert lorry.start(file_ids=[70000]).id == JOB_ID
    assert (service.made, len(keys_sent(service, "initiate"))) == (1, 2)


def test_a_failed_job_is_retried_once_even_if_the_answer_is_lost(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="failed")
    service.faults = [Fault(RETRY, 0, served=True)]
    assert lorry.retry(JOB_ID).status == "processing"
    with pytest.raises(LorryProblem, match="409 nothing_to_retry"):
        lorry.retry(JOB_ID)
    first, second, third = keys_sent(service, "retry")
    assert (service.made, first == second, second == third) == (1, True, False)


def test_each_call_has_a_key_of_its_own(lorry: Lorry, service: FakeServer) -> None:
    lorry.start(file_ids=[70000])
    lorry.start(file_ids=[70000])
    assert (service.made, len(set(keys_sent(service, "initiate")))) == (2, 2)


def test_the_caller_s_own_key_leads_to_one_job(lorry: Lorry, service: FakeServer) -> None:
    for _ in range(2):
        assert lorry.start(file_ids=[70000], idempotency_key="nightly-1").id == JOB_ID
    service.make_job([], status="failed")
    lorry.retry(JOB_ID, idempotency_key="again-1")
    assert keys_sent(service, "initiate") == ["nightly-1", "nightly-1"]
    assert (service.made, keys_sent(service, "retry")) == (2, ["again-1"])


def test_a_key_of_another_request_is_told_clearly_and_not_tried_again(lorry: Lorry, service: FakeServer) -> None:
    lorry.start(file_ids=[70000], idempotency_key="nightly-1")
    with pytest.raises(IdempotencyKeyReused, match=r"another request before.*; nothing was done") as raised:
        lorry.start(file_ids=[70001], idempotency_key="nightly-1")
    error = raised.value
    assert (error.status, error.code, error.retryable) == (422, "idempotency_key_reused", False)
    assert len(keys_sent(service, "initiate")) == 2


@pytest.mark.parametrize("key", ["", "two words", "ü", "a\nb", "x" * 256])
def test_a_key_that_the_service_would_refuse_is_refused_at_once(lorry: Lorry, service: FakeServer, key: str) -> None:
    with pytest.raises(ValueError, match="1 to 255 visible ASCII"):
        lorry.start(file_ids=[70000], idempotency_key=key)
    with pytest.raises(ValueError, match="1 to 255 visible ASCII"):
        lorry.retry(JOB_ID, idempotency_key=key)
    assert service.seen == []


def test_a_request_that_is_still_being_served_is_waited_for(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 409, {"Retry-After": "0"}, IN_PROGRESS, times=12)]
    assert lorry.start(file_ids=[70000]).id == JOB_ID
    assert len(set(keys_sent(service, "initiate"))) == 1


def test_other_conflicts_are_not_waited_for(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([])
    with pytest.raises(LorryProblem, match="nothing_to_retry") as raised:
        lorry.retry(JOB_ID)
    assert (raised.value.retryable, len(keys_sent(service, "retry"))) == (False, 1)


def test_an_error_inside_the_service_is_not_tried_again(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 500)]
    with pytest.raises(LorryProblem, match="500"):
        lorry.start(file_ids=[70000])
    assert len(keys_sent(service, "initiate")) == 1


def test_reading_is_tried_again_after_a_broken_connection(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 0, times=2)]
    assert lorry.status(JOB_ID).ready


def test_a_throttled_request_waits_as_long_as_it_is_told(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 429, {"Retry-After": "1"})]
    lorry.status(JOB_ID)
    first, second = service.requests("status")
    assert second.at - first.at >= 1.0


def test_being_put_off_costs_no_try(lorry: Lorry, service: FakeServer) -> None:
    service.page_limit = 2
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 70004)])
    service.listed = [{"jobId": "job-1", "status": "ready"}]
    for path in (STATUS, "/lorry/v1/download/jobs"):
        service.faults = [Fault(path, 429, {"Retry-After": "0"}, times=20)]
        assert [len(page.files) for page in lorry.pages(JOB_ID)] == [2, 2]
        assert [job.id for job in lorry.jobs()] == ["job-1"]


def test_being_put_off_without_end_ends_at_the_deadline(hurried: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 429, {"Retry-After": "0"}, times=9999)]
    started = time.monotonic()
    with pytest.raises(LorryProblem, match="429") as raised:
        hurried.start(file_ids=[70000])
    assert raised.value.retryable
    assert time.monotonic() - started < 5
    assert len(keys_sent(service, "initiate")) > 4


def test_a_wait_that_would_end_after_the_deadline_is_not_begun(hurried: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 429, {"Retry-After": "30"})]
    started = time.monotonic()
    with pytest.raises(LorryProblem, match="429"):
        hurried.start(file_ids=[70000])
    assert time.monotonic() - started < 5


def test_patience_is_for_failures_and_the_deadline_for_all() -> None:
    attempts = Attempts(RetryPolicy(patience=5.0, deadline=100.0))
    assert attempts.wait_after(6.0, put_off=True) == 6.0
    assert attempts.wait_after(101.0, put_off=True) is None
    assert attempts.wait_after(6.0, put_off=False) is None


def test_a_retry_after_beyond_patience_is_raised_at_once(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 503, {"Retry-After": "3600"}, b"<html>busy</html>")]
    with pytest.raises(LorryProblem, match="503 http_503") as raised:
        lorry.status(JOB_ID)
    assert raised.value.retry_after == 3600


def test_tries_are_bounded(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 503, times=99)]
    with pytest.raises(LorryProblem):
        lorry.start(file_ids=[70000])
    service.faults = [Fault(INITIATE, 0, times=99)]
    with pytest.raises(LorryUnreachable) as raised:
        lorry.start(file_ids=[70000])
    assert (raised.value.attempts, raised.value.code, raised.value.retryable) == (4, "unreachable", True)
    assert len(keys_sent(service, "initiate")) == 8


def test_waits_grow_from_try_to_try_and_never_undercut_the_server() -> None:
    policy = RetryPolicy(tries=5, first=1.0, longest=4.0, patience=60.0)
    waits = [policy.wait_before(attempt) for attempt in (1, 2, 3, 4)]
    for wait, limit in zip(waits, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert wait is not None
        assert limit * 0.75 <= wait <= limit
    assert policy.wait_before(1, retry_after=30.0) == 30.0
    assert policy.wait_before(1, retry_after=61.0) is None
    assert policy.wait_before(5) is None
