"""What surrounds every view: headers, ids, addresses, and events as API Gateway sends them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app import app
from chalicelib import container
from tests.events import Event, recorded
from tests.support.api import INITIATE, REQUEST_ID
from tests.support.builders import World
from tests.support.services import WorldServices, in_use
from tests.unit.api.jobs import ready

ORIGIN = "https://app.test"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


# --- what every answer carries ----------------------------------------------------------


def answers(http: Any, headers: dict[str, str]) -> list[HTTPResponse]:
    """A success, a redirect's neighbour, a preflight, a problem of input, of route, of method."""
    return [
        http.get("/", headers=headers),
        http.post(INITIATE, headers={"Content-Type": "application/json", **headers}, body=b'{"file_ids":[70000]}'),
        http.options(INITIATE, headers=headers),
        http.post(INITIATE, headers=headers, body=b"nonsense"),
        http.get("/nothing", headers=headers),
        http.put(INITIATE, headers=headers),
    ]


def test_every_answer_protects_its_reader(http: Any) -> None:
    for answer in answers(http, {}):
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] in ("DENY", "SAMEORIGIN")
        assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
        assert "default-src" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("given", ["a", "x" * 128, "0f9e-_.:/+=@Z"])
def test_every_answer_repeats_a_safe_request_id(http: Any, given: str) -> None:
    assert [answer.headers["X-Request-ID"] for answer in answers(http, {"x-request-id": given})] == [given] * 6


@pytest.mark.parametrize("given", ["", "x" * 129, "two words", "line\nbreak", "<script>", "é"])
def test_every_answer_replaces_an_unsafe_request_id(http: Any, given: str) -> None:
    ids = [answer.headers["X-Request-ID"] for answer in answers(http, {"X-Request-ID": given})]
    assert all(REQUEST_ID.fullmatch(text) for text in ids)
    assert len(set(ids)) == len(ids)


def test_any_origin_may_call_by_default(http: Any) -> None:
    for answer in answers(http, {"Origin": ORIGIN}):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_only_the_configured_origins_may_call_where_some_are_configured(http: Any, world: World) -> None:
    with in_use(world, CORS_ORIGINS=f"https://other.test,{ORIGIN}"):
        for answer in answers(http, {"Origin": ORIGIN}):
            assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (ORIGIN, "Origin")
        for origin in ("https://evil.test", f"{ORIGIN}.evil.test", "null", ""):
            for answer in answers(http, {"Origin": origin}):
                assert "Access-Control-Allow-Origin" not in answer.headers
                assert answer.headers["Vary"] == "Origin"


def test_a_preflight_tells_methods_and_headers(http: Any) -> None:
    answer = http.options(INITIATE, headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"})
    assert (answer.status_code, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    for name in ("Content-Type", "Authorization", "X-Request-ID"):
        assert name in answer.headers["Access-Control-Allow-Headers"]


# --- recorded events of API Gateway -----------------------------------------------------


def gateway(path: str, route: str, job_id: str = "", **changes: Any) -> Event:
    """The recorded event, turned to another address of the stage "api"."""
    event = recorded("api_get_status")
    event["requestContext"].update(resourcePath=route, path=f"/api{path}")
    event.update(resource=route, path=path, pathParameters={"job_id": job_id} if job_id else None, **changes)
    return event


def test_links_keep_the_stage_that_the_request_came_through(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    event = gateway(f"/v1/download/status/{job_id}", "/v1/download/status/{job_id}", job_id)
    answer = app(event, None)
    links = json.loads(answer["body"])["links"]
    assert (answer["statusCode"], links["status"]) == (200, f"/api/v1/download/status/{job_id}")


def test_a_configured_address_is_used_for_links(world: World) -> None:
    with in_use(world, PUBLIC_URL="https://lorry.test/base"):
        answer = app(gateway("/", "/"), None)
    assert json.loads(answer["body"])["links"]["health"] == "https://lorry.test/base/health"


def test_an_address_that_only_the_greedy_route_matches_is_told_as_it_was_called(services: WorldServices) -> None:
    event = gateway("/v2/some/where", "/{proxy+}")
    event["pathParameters"] = {"proxy": "v2/some/where"}
    answer = app(event, None)
    problem = json.loads(answer["body"])
    assert (answer["statusCode"], problem["instance"]) == (404, "/v2/some/where")
    assert "/v2/some/where" in problem["detail"]


def test_a_body_that_the_gateway_encoded_is_decoded(world: World) -> None:
    event = gateway(INITIATE, INITIATE, body="eyJmaWxlX2lkcyI6WzcwMDAwXX0=", isBase64Encoded=True)
    event["requestContext"]["httpMethod"] = "POST"
    event["headers"]["Content-Type"] = "application/json"
    answer = app(event, None)
    assert answer["statusCode"] == 202
    assert world.job(json.loads(answer["body"])["jobId"]).total == 1


def test_a_container_with_wrong_settings_answers_500_and_leaks_nothing() -> None:
    container.use(None)
    answer = app(gateway("/", "/"), None)
    assert answer["statusCode"] == 500
    assert "TABLE_NAME" not in answer["body"]
