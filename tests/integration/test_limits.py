"""How often one may call, on a stack that allows little: counted over every worker, whatever headers say."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus

import httpx
import pytest

from tests.integration.deployment import Deployment
from tests.integration.stack import RunningStack, running_stack
from tests.integration.test_http import problem

ALLOWED = 40
STREAMS = 15
HOUR_MS = 3_600_000  # no window ends within a test, but for one hour in a hundred thousand
UNKNOWN = "00000000-0000-4000-8000-00000000abcd"


@pytest.fixture(scope="module")
def sparing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Callers behind a proxy at 192.0.2.0/24, which the emulator's gateway takes from a header as it comes."""
    parameters = {
        "RateLimitMaxRequests": str(ALLOWED),
        "RateLimitStreamRequests": str(STREAMS),
        "RateLimitWindowMs": str(HOUR_MS),
        "StreamWaitSeconds": "0",
        "TrustedProxies": "127.0.0.1/32,192.0.2.0/24",
    }
    with running_stack(tmp_path_factory.mktemp("sparing"), parameters=parameters) as running:
        yield running


def asked(stack: RunningStack, path: str, *, caller: str, times: int, forged: bool = False) -> list[httpx.Response]:
    """Answers to requests of one caller from 16 threads; forged: each says that it comes from elsewhere."""

    def ask(number: int) -> httpx.Response:
        claimed = f"198.51.100.{number % 250}, " if forged else ""
        return client.get(stack.url + path, headers={"X-Forwarded-For": f"{claimed}{caller}, 192.0.2.7"})

    with httpx.Client(timeout=60) as client, ThreadPoolExecutor(16) as pool:
        return list(pool.map(ask, range(times)))


def test_exactly_as_many_as_allowed_are_answered_however_many_come_at_once(sparing: RunningStack) -> None:
    answers = asked(sparing, "/v1/limits", caller="203.0.113.1", times=2 * ALLOWED)
    assert Counter(answer.status_code for answer in answers) == {200: ALLOWED, 429: ALLOWED}
    left = sorted(int(answer.headers["ratelimit-remaining"]) for answer in answers if answer.status_code == 200)
    assert left == list(range(ALLOWED))
    refused = next(answer for answer in answers if answer.status_code == 429)
    problem(refused, 429, "too_many_requests")
    assert 0 < int(refused.headers["retry-after"]) <= HOUR_MS // 1000
    assert refused.headers["ratelimit-limit"] == str(ALLOWED)
    assert refused.headers["ratelimit-policy"] == f'"default";q={ALLOWED};w={HOUR_MS // 1000}'
    assert refused.headers["ratelimit"].startswith('"default";r=0;t=')


def test_a_header_that_the_client_writes_does_not_make_it_somebody_else(sparing: RunningStack) -> None:
    answers = asked(sparing, "/v1/limits", caller="203.0.113.2", times=ALLOWED + 10, forged=True)
    assert Counter(answer.status_code for answer in answers) == {200: ALLOWED, 429: 10}


def test_streams_are_counted_apart_and_health_is_always_told(sparing: RunningStack) -> None:
    caller = "203.0.113.3"
    streams = asked(sparing, f"/v1/download/stream/{UNKNOWN}", caller=caller, times=STREAMS + 5)
    assert Counter(answer.status_code for answer in streams) == {404: STREAMS, 429: 5}
    assert asked(sparing, "/v1/limits", caller=caller, times=1)[0].headers["ratelimit-remaining"] == str(ALLOWED - 1)
    assert {answer.status_code for answer in asked(sparing, "/health", caller=caller, times=5)} == {200}


def test_every_kind_of_answer_tells_what_is_left(sparing: RunningStack) -> None:
    headers = {"X-Forwarded-For": "203.0.113.4, 192.0.2.7"}
    for method, path in (("GET", "/"), ("GET", "/nowhere"), ("PUT", "/health"), ("OPTIONS", "/v1/download/check")):
        answer = httpx.request(method, sparing.url + path, headers=headers, timeout=60)
        assert {"ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "ratelimit", "ratelimit-policy"} <= set(
            answer.headers
        ), path


def test_two_hundred_clients_at_once_are_all_served(local: Deployment) -> None:
    """On a machine that is too slow for them all, the API says when to ask again, and counts no job twice."""

    def start(number: int) -> httpx.Response:
        body = {"file_ids": [64_000 + number]}
        headers = {"Idempotency-Key": f"two-hundred-{number}"}
        with httpx.Client(timeout=120, headers=headers) as client:
            for _ in range(20):
                answer = client.post(f"{local.stack.url}/v1/download/initiate", json=body)
                if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                    break
                time.sleep(int(answer.headers["retry-after"]))
            return answer

    with ThreadPoolExecutor(200) as pool:
        answers = list(pool.map(start, range(200)))
    assert Counter(answer.status_code for answer in answers) == {202: 200}
    assert len({answer.json()["jobId"] for answer in answers}) == 200
