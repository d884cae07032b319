"""The service describes itself: index, health, documents, and limits that are what the validators enforce."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app import app
from tests.support.api import INITIATE, JOBS, initiated
from tests.support.builders import World
from tests.support.services import Gateway, WorldServices, in_use

NOBODY = Gateway(app)
OWN_KEYS = {"S3_ACCESS_KEY_ID": "AKID", "S3_SECRET_ACCESS_KEY": "secret"}


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


def test_head_tells_what_get_would_without_its_body(services: WorldServices) -> None:
    for path in ("/", "/health"):
        head, get = NOBODY("HEAD", path), NOBODY.get(path)
        assert (head.status_code, head.body) == (get.status_code, b"")
        assert head.headers["X-Content-Type-Options"] == "nosniff"
