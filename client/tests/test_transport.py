"""How requests are sent, repeated and refused, against a real HTTP server and scripted responses."""

from __future__ import annotations

import socket
import uuid

import httpx
import pytest
from support.fake_server import JOB_ID, FakeServer, Fault
from support.flows import Script, answer

from lorry import (
    FieldError,
    IdempotencyKeyReused,
    Lorry,
    LorryProblem,
    LorryUnreachable,
    RetryPolicy,
    UnexpectedAnswer,
)
from lorry.flows import Caller, Request

INITIATE = "/lorry/v1/download/initiate"
STATUS = "/lorry/v1/download/status"
RETRY = f"/lorry/v1/download/{JOB_ID}/retry"


def keys_sent(service: FakeServer, path: str) -> list[str]:
    return [seen.headers["Idempotency-Key"] for seen in service.requests(path, "POST")]


@pytest.mark.parametrize("status", [0, 429, 502, 503, 504])
def test_starting_is_repeated_under_the_same_key(lorry: Lorry, service: FakeServer, status: int) -> None:
    service.faults = [Fault(INITIATE, status, {"Retry-After": "0"}, times=2)]
    assert lorry.start(file_ids=[70000]).id == JOB_ID
    first, *others = keys_sent(service, "initiate")
    assert str(uuid.UUID(first)) == first
    assert others == [first, first]


@pytest.mark.parametrize("status", [0, 504])
def test_a_job_whose_answer_is_lost_is_created_once(lorry: Lorry, service: FakeServer, status: int) -> None:
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


def test_each_call_has_its_own_key(lorry: Lorry, service: FakeServer) -> None:
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


def test_a_key_of_a_different_request_is_refused_clearly_and_not_retried(lorry: Lorry, service: FakeServer) -> None:
    lorry.start(file_ids=[70000], idempotency_key="nightly-1")
    with pytest.raises(IdempotencyKeyReused, match=r"a different request.*; nothing was done") as raised:
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


def test_a_conflict_is_not_waited_for(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([])
    with pytest.raises(LorryProblem, match="nothing_to_retry") as raised:
        lorry.retry(JOB_ID)
    assert (raised.value.retryable, len(keys_sent(service, "retry"))) == (False, 1)


def test_an_internal_error_of_the_service_is_not_retried(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 500)]
    with pytest.raises(LorryProblem, match="500"):
        lorry.start(file_ids=[70000])
    assert len(keys_sent(service, "initiate")) == 1


def test_reading_is_retried_after_a_broken_connection(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 0, times=2)]
    assert lorry.status(JOB_ID).ready


def test_a_throttled_request_waits_as_long_as_the_service_says() -> None:
    script = Script([answer(429, Retry_After="7"), answer(200, {})])
    script.run(Caller("http://lorry", RetryPolicy()).send(Request("GET", "/")))
    assert script.pauses == [7.0]


def test_failures_are_retried_with_growing_waits() -> None:
    script = Script([answer(503), httpx.ConnectError("refused"), answer(502, Retry_After="5"), answer(200, {})])
    script.run(Caller("http://lorry", RetryPolicy(first=1.0)).send(Request("GET", "/")))
    first, second, third = script.pauses
    assert 0.75 <= first <= 1.0
    assert 1.5 <= second <= 2.0
    assert third == 5.0


def test_being_deferred_without_end_ends_at_the_deadline() -> None:
    caller = Caller("http://lorry", RetryPolicy(first=0.0, deadline=0.2))
    script = Script(answer(429, Retry_After="0") for _ in iter(int, 1))
    with pytest.raises(LorryProblem, match="429") as raised:
        script.run(caller.send(Request("GET", "/")))
    assert raised.value.retryable
    assert len(script.requests) > 4


def test_a_wait_that_would_end_after_the_deadline_is_not_begun() -> None:
    script = Script([answer(429, Retry_After="30")])
    with pytest.raises(LorryProblem, match="429"):
        script.run(Caller("http://lorry", RetryPolicy(deadline=1.0)).send(Request("GET", "/")))
    assert script.pauses == []


def test_being_deferred_uses_up_no_attempt(lorry: Lorry, service: FakeServer) -> None:
    service.page_limit = 2
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 70004)])
    service.listed = [{"jobId": "job-1", "status": "ready"}]
    for path in (STATUS, "/lorry/v1/download/jobs"):
        service.faults = [Fault(path, 429, {"Retry-After": "0"}, times=20)]
        assert [len(page.files) for page in lorry.pages(JOB_ID)] == [2, 2]
        assert [job.id for job in lorry.jobs()] == ["job-1"]


def test_a_retry_after_beyond_patience_is_raised_at_once(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 503, {"Retry-After": "3600"}, b"<html>busy</html>")]
    with pytest.raises(LorryProblem, match="503 http_503") as raised:
        lorry.status(JOB_ID)
    assert raised.value.retry_after == 3600


def test_attempts_are_bounded(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 503, times=99)]
    with pytest.raises(LorryProblem):
        lorry.start(file_ids=[70000])
    service.faults = [Fault(INITIATE, 0, times=99)]
    with pytest.raises(LorryUnreachable) as raised:
        lorry.start(file_ids=[70000])
    assert (raised.value.attempts, raised.value.code, raised.value.retryable) == (4, "unreachable", True)
    assert len(keys_sent(service, "initiate")) == 8


def test_a_service_that_does_not_listen_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with Lorry(url, retries=RetryPolicy(tries=2, first=0.01)) as lorry, pytest.raises(LorryUnreachable) as raised:
        lorry.start(file_ids=[70000])
    assert raised.value.attempts == 2


def test_a_loopback_service_is_reached_without_the_configured_proxy(
    service: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Lorry(service.url, retries=RetryPolicy(tries=1)) as lorry:
        assert lorry.start(file_ids=[70000]).id == JOB_ID


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[]", b"{}"])
def test_the_answer_of_another_server_is_named_as_such(lorry: Lorry, service: FakeServer, body: bytes) -> None:
    service.faults = [Fault(STATUS, 200, body=body)]
    with pytest.raises(UnexpectedAnswer, match="use the ApiUrl"):
        lorry.status(JOB_ID)


@pytest.mark.parametrize("status", [400, 404, 405, 501])
def test_a_wrong_address_is_named_as_such(lorry: Lorry, service: FakeServer, status: int) -> None:
    service.faults = [Fault(INITIATE, status, body=b"<html>")]
    with pytest.raises(UnexpectedAnswer) as raised:
        lorry.start(file_ids=[70000])
    assert str(raised.value) == (
        f"{service.url} is not a Lorry service ({status} at /v1/download/initiate); "
        "use the ApiUrl of the stack, with its path (such as /lorry)"
    )


def test_an_address_that_redirects_names_the_other_address(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(INITIATE, 301, {"Location": "https://example.org/lorry?key=secret"})]
    with pytest.raises(UnexpectedAnswer, match=r"a redirect to https://example.org/lorry\)") as raised:
        lorry.start(file_ids=[70000])
    assert "secret" not in str(raised.value)


def test_reading_once_gives_up_after_the_usual_attempts(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 0, times=99)]
    with pytest.raises(LorryUnreachable, match="tried 4 times"):
        lorry.status(JOB_ID)
    with pytest.raises(LorryUnreachable, match="tried 12 times"):
        lorry.wait(JOB_ID)


def test_a_refusal_without_json_still_has_a_code(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 403, body=b"<html>")]
    with pytest.raises(LorryProblem, match="403 http_403: Forbidden"):
        lorry.status(JOB_ID)


def test_a_refusal_has_status_code_places_and_request_id(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem) as raised:
        lorry.start(file_ids=[1])
    error = raised.value
    assert (error.status, error.code, error.request_id) == (400, "invalid_request", "req-1")
    assert error.errors == (FieldError("/file_ids/0", "must be 10000 or more"),)
    assert "/file_ids/0: must be 10000 or more" in str(error)


def test_an_unknown_job_is_a_problem_of_404(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem, match="404 job_not_found"):
        lorry.status("../../other")
