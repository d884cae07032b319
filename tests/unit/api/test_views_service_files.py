"""Single files are checked, or waited for, without a job."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app import app
from tests.support.api import CHECK, INITIATE, assert_problem, post
from tests.support.builders import World
from tests.support.services import STORE, Gateway, WorldServices, in_use

NOBODY = Gateway(app)
START = "/v1/download/start"
SLOW = {"DOWNLOAD_DELAY_ENABLED": "true", "DOWNLOAD_DELAY_MIN_MS": "3000", "DOWNLOAD_DELAY_MAX_MS": "3000"}


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world) as services:
        yield services


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


def test_an_error_on_purpose_is_told_without_what_is_inside(world: World) -> None:
    with in_use(world, SENTRY_TEST="true"):
        answer = NOBODY.post(f"{CHECK}?sentry_test=true", {"file_id": 70000})
    problem = assert_problem(answer, 500, "internal_error", path=CHECK)
    for inner in ("sentry", "purpose", "RuntimeError", "Traceback", "chalicelib"):
        assert inner not in json.dumps(problem)


def test_no_caller_raises_an_error_where_the_operator_does_not_allow_it(services: WorldServices) -> None:
    problem = assert_problem(
        NOBODY.post(f"{CHECK}?sentry_test=true", {"file_id": 70000}), 400, "invalid_request", path=CHECK
    )
    assert "SentryTest" in json.dumps(problem)


@pytest.mark.parametrize(("given", "status"), [("false", 200), ("", 400), ("1", 400), ("TRUE", 400)])
def test_only_true_is_an_error_on_purpose(services: WorldServices, given: str, status: int) -> None:
    assert NOBODY.post(f"{CHECK}?sentry_test={given}", {"file_id": 70000}).status_code == status


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
