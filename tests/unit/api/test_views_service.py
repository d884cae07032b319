"""Limits are what the validators enforce; single files are checked, or waited for, without a job."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app import app
from tests.support.api import CHECK, INITIATE, JOBS, assert_problem, initiated, post
from tests.support.builders import World
from tests.support.services import STORE, Gateway, WorldServices, in_use

NOBODY = Gateway(app)
START = "/v1/download/start"
OWN_KEYS = {"S3_ACCESS_KEY_ID": "AKID", "S3_SECRET_ACCESS_KEY": "secret"}
SLOW = {"DOWNLOAD_DELAY_ENABLED": "true", "DOWNLOAD_DELAY_MIN_MS": "3000", "DOWNLOAD_DELAY_MAX_MS": "3000"}


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world) as services:
        yield services


def limits() -> dict[str, Any]:
    document: dict[str, Any] = NOBODY.get("/v1/limits").json_body
    return document


# --- index and health -------------------------------------------------------------------


def test_the_index_links_only_to_what_exists(http: Any) -> None:
    answer = http.get("/")
    assert (answer.status_code, answer.json_body["name"]) == (200, "lorry")
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.json_body["version"])
    for link in answer.json_body["links"].values():
        assert http.get(link).status_code in (200, 405)


def test_a_healthy_service_says_so(http: Any) -> None:
    answer = http.get("/health")
    assert answer.status_code == 200
    assert answer.json_body == {"status": "healthy", "checks": {"storage": "ok", "table": "ok", "queue": "ok"}}


def test_an_unhealthy_service_names_what_failed(http: Any, services: WorldServices) -> None:
    services.fake_health.verdicts["queue"] = "error"
    answer = http.get("/health")
    assert answer.status_code == 503
    assert answer.json_body == {"status": "unhealthy", "checks": {"storage": "ok", "table": "ok", "queue": "error"}}


# --- limits -----------------------------------------------------------------------------


def start_job(**body: Any) -> int:
    return NOBODY.post(INITIATE, {"file_ids": [70000], **body}).status_code


def of_keys(*keys: str) -> int:
    return NOBODY.post(INITIATE, {"keys": list(keys)}).status_code


def padded(size: int) -> int:
    body = json.dumps({"file_ids": [70000]}).encode()
    return NOBODY.post(INITIATE, body + b" " * (size - len(body))).status_code


def page(path: str, limit: int) -> int:
    job_id = initiated(NOBODY)["jobId"]
    return NOBODY.get(f"{path.replace('JOB', job_id)}?limit={limit}").status_code


def url_of(length: int) -> str:
    return "https://hooks.example.com/".ljust(length, "a")


# What is limited: the figure, the answer at the limit and one over it, given the number that is tried.
ENFORCED: dict[str, tuple[Callable[[dict[str, Any]], int], int, int, Callable[[int], int]]] = {
    "files of a job": (
        lambda told: told["files"]["perJob"],
        202,
        413,
        lambda n: NOBODY.post(INITIATE, {"file_ids": list(range(10_000, 10_000 + n))}).status_code,
    ),
    "the largest id": (lambda told: told["files"]["idMax"], 202, 400, lambda n: start_job(file_ids=[n])),
    "bytes of a body": (lambda told: told["body"]["maxBytes"], 202, 413, padded),
    "bytes of a key": (
        lambda told: told["keys"]["maxBytes"],
        202,
        400,
        lambda n: of_keys("downloads/".ljust(n, "k")),
    ),
    "bytes of a key beyond ASCII": (
        lambda told: told["keys"]["maxBytes"],
        202,
        400,
        lambda n: of_keys("downloads/" + "é" * 500 + "k" * (n - 1_010)),
    ),
    "files of a page": (lambda told: told["pages"]["files"], 200, 400, lambda n: page("/v1/download/status/JOB", n)),
    "jobs of a page": (lambda told: told["pages"]["jobs"], 200, 400, lambda n: page(JOBS, n)),
    "events of a page": (lambda told: told["pages"]["events"], 200, 400, lambda n: page("/v1/download/JOB/events", n)),
    "the life of a link": (
        lambda told: told["links"]["ttlMaxSeconds"],
        202,
        400,
        lambda n: start_job(linkTtlSeconds=n),
    ),
    "a callback URL": (
        lambda told: told["callbackUrl"]["maxCharacters"],
        202,
        400,
        lambda n: start_job(callbackUrl=url_of(n)),
    ),
    "an idempotency key": (
        lambda told: told["idempotencyKey"]["maxCharacters"],
        202,
        400,
        lambda n: NOBODY.post(INITIATE, {"file_ids": [70000]}, Idempotency_Key="k" * n).status_code,
    ),
}


@pytest.mark.parametrize(("figure", "at_limit", "over", "attempt"), ENFORCED.values(), ids=ENFORCED.keys())
def test_what_is_told_as_a_limit_is_accepted_and_one_more_is_not(
    services: WorldServices,
    figure: Callable[[dict[str, Any]], int],
    at_limit: int,
    over: int,
    attempt: Callable[[int], int],
) -> None:
    limit = figure(limits())
    assert (attempt(limit), attempt(limit + 1)) == (at_limit, over)


def test_what_is_told_as_the_least_is_accepted_and_one_less_is_not(services: WorldServices) -> None:
    told = limits()
    least = told["files"]["idMin"]
    assert (start_job(file_ids=[least]), start_job(file_ids=[least - 1])) == (202, 400)
    least = told["links"]["ttlMinSeconds"]
    assert (start_job(linkTtlSeconds=least), start_job(linkTtlSeconds=least - 1)) == (202, 400)


def test_where_links_are_signed_with_lasting_keys_they_may_live_for_days(world: World) -> None:
    with in_use(world, **OWN_KEYS):
        longest = limits()["links"]["ttlMaxSeconds"]
        assert longest == 604_800
        assert (start_job(linkTtlSeconds=longest), start_job(linkTtlSeconds=longest + 1)) == (202, 400)


def test_keys_outside_the_told_prefix_are_refused(world: World) -> None:
    with in_use(world, S3_ALLOWED_PREFIX="media/2026"):
        prefix = limits()["keys"]["allowedPrefix"]
        assert prefix == "media/2026/"
        assert (of_keys(prefix + "a"), of_keys("media/2026-a"), of_keys("downloads/a")) == (202, 400, 400)


def test_the_told_rates_are_those_that_are_counted(world: World) -> None:
    world.clock.now -= world.clock.now % 2_000
    few = {"RATE_LIMIT_MAX_REQUESTS": "4", "RATE_LIMIT_STREAM_REQUESTS": "2", "RATE_LIMIT_WINDOW_MS": "2000"}
    with in_use(world, **few):
        rate = limits()["rate"]
        assert rate == {"requests": 4, "windowSeconds": 2, "streamRequests": 2}
        job_id = initiated(NOBODY)["jobId"]
        assert [NOBODY.get(JOBS).status_code for _ in range(3)] == [200, 200, 429]
        streams = [NOBODY.get(f"/v1/download/stream/{job_id}").status_code for _ in range(3)]
        assert streams == [200, 200, 429]
        world.clock.advance(rate["windowSeconds"])
        assert NOBODY.get(JOBS).status_code == 200


def test_told_lives_are_those_that_are_kept(world: World) -> None:
    with in_use(world, ARCHIVE_MAX_BYTES="10485760"):
        told = limits()
        initiated(NOBODY)
    assert told["jobs"]["ttlSeconds"] == world.service.job_ttl
    assert told["idempotencyKey"]["ttlSeconds"] == world.service.job_ttl
    assert told["archive"]["maxBytes"] == 10_485_760


# --- start ------------------------------------------------------------------------------


def start(file_id: int = 70000) -> HTTPResponse:
    return NOBODY.post(START, {"file_id": file_id})


def test_a_file_that_is_there_is_answered_with_a_link(services: WorldServices, world: World) -> None:
    world.store.put("downloads/70000.zip", size=12_345)
    answer = start()
    document = answer.json_body
    assert answer.status_code == 200
    assert document.pop("downloadUrl").startswith(f"{STORE}/files/downloads/70000.zip?")
    assert document.pop("processingTimeMs") >= 0
    assert document.pop("message")
    assert document == {"file_id": 70000, "status": "completed", "size": 12_345}


def test_a_file_that_is_not_there_has_failed(services: WorldServices) -> None:
    document = start().json_body
    assert (document["status"], document["downloadUrl"], document["size"]) == ("failed", None, None)
    assert "70000" in document["message"]


def test_start_says_that_it_is_deprecated_and_by_what(services: WorldServices) -> None:
    answer = start()
    assert answer.headers["Deprecation"].startswith("@") and answer.headers["Deprecation"][1:].isdecimal()
    assert answer.headers["Link"] == f'<{INITIATE}>; rel="successor-version"'


def test_a_store_that_does_not_answer_is_not_a_file_that_failed(services: WorldServices, world: World) -> None:
    world.store.down = True
    assert_problem(start(), 503, "storage_unavailable", path=START)
    world.store.down, world.store.bucket_exists = False, False
    assert_problem(start(), 503, "storage_unavailable", path=START)


def test_start_does_not_wait_unless_it_is_told_to(services: WorldServices, world: World) -> None:
    before = world.clock.now
    start()
    assert world.clock.now == before


def test_the_wait_is_as_long_as_it_was_set(world: World) -> None:
    with in_use(world, **SLOW):
        before = world.clock.now
        assert start().status_code == 200
    assert world.clock.now - before == 3_000


@pytest.mark.parametrize(("timeout", "status"), [("3001", 200), ("3000", 504), ("100", 504)])
def test_a_wait_past_the_time_limit_is_cut_off_at_it(world: World, timeout: str, status: int) -> None:
    with in_use(world, REQUEST_TIMEOUT_MS=timeout, **SLOW):
        before = world.clock.now
        answer = start()
    assert answer.status_code == status
    assert world.clock.now - before == min(3_000, int(timeout))
    if status == 504:
        assert_problem(answer, 504, "timeout", path=START)
        assert "Retry-After" in answer.headers


def test_a_wrong_body_is_refused_before_any_wait(world: World) -> None:
    with in_use(world, **SLOW):
        before = world.clock.now
        assert_problem(start(1), 400, "invalid_request", path=START)
    assert world.clock.now == before


# --- check ------------------------------------------------------------------------------


def test_an_error_on_purpose_is_told_without_what_is_inside(services: WorldServices) -> None:
    answer = NOBODY.post(f"{CHECK}?sentry_test=true", {"file_id": 70000})
    problem = assert_problem(answer, 500, "internal_error", path=CHECK)
    for inner in ("sentry", "purpose", "RuntimeError", "Traceback", "chalicelib"):
        assert inner not in json.dumps(problem)


@pytest.mark.parametrize(("given", "status"), [("false", 200), ("", 400), ("1", 400), ("TRUE", 400)])
def test_only_true_is_an_error_on_purpose(services: WorldServices, given: str, status: int) -> None:
    assert NOBODY.post(f"{CHECK}?sentry_test={given}", {"file_id": 70000}).status_code == status


def test_head_tells_what_get_would_without_its_body(services: WorldServices) -> None:
    for path in ("/", "/health"):
        head, get = NOBODY("HEAD", path), NOBODY.get(path)
        assert (head.status_code, head.body) == (get.status_code, b"")
        assert head.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_that_is_there_is_told_with_its_key_and_size(http: Any, world: World) -> None:
    world.store.put("downloads/70000.zip", size=12_345)
    answer = post(http, CHECK, {"file_id": 70000})
    expected = {"file_id": 70000, "available": True, "s3Key": "downloads/70000.zip", "size": 12_345}
    assert (answer.status_code, answer.json_body) == (200, expected)


def test_a_file_that_is_not_there_is_told_so(http: Any) -> None:
    answer = post(http, CHECK, {"file_id": 70000})
    assert answer.status_code == 200
    assert answer.json_body == {"file_id": 70000, "available": False, "s3Key": None, "size": None}


def test_an_absent_bucket_is_not_an_absent_file(http: Any, world: World) -> None:
    world.store.bucket_exists = False
    assert_problem(post(http, CHECK, {"file_id": 70000}), 503, "storage_unavailable", path=CHECK)


def test_a_file_that_cannot_be_read_is_not_available_and_says_why(services: WorldServices, world: World) -> None:
    world.store.put("downloads/70000.zip")
    world.store.refused = {"downloads/70000.zip": "customer_key"}
    answer = post(NOBODY, CHECK, {"file_id": 70000})
    assert answer.json_body == {
        "file_id": 70000,
        "available": False,
        "s3Key": None,
        "size": None,
        "reason": "customer_key (AccessDenied: Access Denied)",
    }
    started = post(NOBODY, START, {"file_id": 70000}).json_body
    assert (started["status"], started["downloadUrl"]) == ("failed", None)
    assert "customer_key" in started["message"]
