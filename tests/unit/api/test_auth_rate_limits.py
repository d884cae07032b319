"""How often a caller may call, and what every answer says of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from chalice.test import HTTPResponse

from app import app
from tests.support.api import (
    ALICE,
    BOB,
    CHECK,
    INITIATE,
    JOBS,
    JWT,
    NOBODY,
    REQUEST_ID,
    UNKNOWN_JOB,
    assert_problem,
    called,
    initiated,
)
from tests.support.builders import World
from tests.support.services import Gateway, WorldServices, in_use

FEW = {"RATE_LIMIT_MAX_REQUESTS": "3", "RATE_LIMIT_STREAM_REQUESTS": "2"}
ELSEWHERE = Gateway(app, address="203.0.113.9")
LIMITS = "/v1/limits"


@pytest.fixture
def world() -> World:
    world = World(files_per_batch=2)
    world.clock.now -= world.clock.now % 60_000
    return world


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world, **FEW) as services:
        yield services


@pytest.fixture
def jwt(world: World) -> Iterator[WorldServices]:
    with in_use(world, **JWT, **FEW) as services:
        yield services


def statuses(caller: Gateway, path: str, times: int, **headers: str) -> list[int]:
    return [caller.get(path, **headers).status_code for _ in range(times)]


def test_past_the_limit_a_caller_is_asked_to_wait_until_the_window_ends(services: WorldServices, world: World) -> None:
    world.clock.advance(12)
    assert statuses(NOBODY, LIMITS, 3) == [200, 200, 200]
    answer = NOBODY.get(LIMITS)
    assert_problem(answer, 429, "too_many_requests", path=LIMITS)
    assert answer.headers["Retry-After"] == answer.headers["RateLimit-Reset"] == "48"
    world.clock.advance(int(answer.headers["Retry-After"]))
    assert statuses(NOBODY, LIMITS, 1) == [200]


def test_a_window_of_broken_seconds_is_told_alike_everywhere(world: World) -> None:
    with in_use(world, RATE_LIMIT_WINDOW_MS="1500", **FEW):
        statuses(NOBODY, LIMITS, 3)
        answer = NOBODY.get(LIMITS)
    assert answer.headers["RateLimit-Policy"] == '"default";q=3;w=2'
    assert "3 requests in 2 s" in answer.json_body["detail"]


def test_a_refused_request_does_nothing(services: WorldServices, world: World) -> None:
    for _ in range(5):
        NOBODY.post(INITIATE, {"file_ids": [70000]})
    assert len(world.table.jobs) == 3


def test_what_remains_is_told_in_both_families_of_headers(services: WorldServices) -> None:
    told = [NOBODY.get(LIMITS).headers for _ in range(4)]
    assert [headers["RateLimit-Remaining"] for headers in told] == ["2", "1", "0", "0"]
    assert [headers["RateLimit"] for headers in told] == [f'"default";r={n};t=60' for n in (2, 1, 0, 0)]
    assert {headers["RateLimit-Policy"] for headers in told} == {'"default";q=3;w=60'}
    assert {headers["RateLimit-Limit"] for headers in told} == {"3"}


def test_streams_are_counted_apart(services: WorldServices) -> None:
    job_id = initiated(NOBODY)["jobId"]
    stream = f"/v1/download/stream/{job_id}"
    assert statuses(NOBODY, stream, 3) == [200, 200, 429]
    assert NOBODY.get(stream).headers["RateLimit-Policy"] == '"streams";q=2;w=60'
    assert statuses(NOBODY, LIMITS, 3) == [200, 200, 429]


def test_a_crowd_of_readers_never_crowds_out_initiate(services: WorldServices) -> None:
    job_id = initiated(NOBODY)["jobId"]
    statuses(NOBODY, f"/v1/download/stream/{job_id}", 50)
    assert NOBODY.post(INITIATE, {"file_ids": [70000]}).status_code == 202


def test_principals_are_counted_apart_wherever_they_call_from(jwt: WorldServices) -> None:
    away = replace(ALICE, address="203.0.113.9")
    assert statuses(ALICE, JOBS, 2) + statuses(away, JOBS, 2) == [200, 200, 200, 429]
    assert statuses(BOB, JOBS, 1) == [200]


def test_guessing_credentials_is_limited_by_address_and_hurts_nobody_who_has_some(jwt: WorldServices) -> None:
    guesses = [Gateway(app, {"Authorization": f"Bearer guess-{n}"}).get(JOBS).status_code for n in range(5)]
    assert guesses == [401, 401, 401, 429, 429]
    assert statuses(ALICE, JOBS, 1) == [200]
    assert statuses(ELSEWHERE, JOBS, 1) == [401]


def test_guessing_tickets_is_limited_by_address(jwt: WorldServices) -> None:
    job_id = initiated(ALICE)["jobId"]
    guesses = [NOBODY.get(f"/v1/download/{job_id}?ticket={n}").status_code for n in range(5)]
    assert guesses == [401, 401, 401, 429, 429]


def test_guessing_ids_and_routes_is_limited_by_address(jwt: WorldServices) -> None:
    assert statuses(NOBODY, "/nothing", 4) == [404, 404, 404, 429]
    assert [ELSEWHERE("PUT", JOBS).status_code for _ in range(4)] == [405, 405, 405, 429]


def test_holders_of_a_ticket_are_counted_by_it(jwt: WorldServices) -> None:
    document = initiated(ALICE)
    stream = f"/v1/download/stream/{document['jobId']}?ticket={document['ticket']}"
    assert statuses(NOBODY, stream, 1) + statuses(ELSEWHERE, stream, 2) == [200, 200, 429]


def test_public_routes_are_limited_too_and_apart_from_the_rest(services: WorldServices) -> None:
    assert statuses(NOBODY, "/health", 4) == [200, 200, 200, 429]
    assert statuses(NOBODY, LIMITS, 1) == [200]


def test_a_preflight_does_not_use_up_what_the_request_needs(services: WorldServices) -> None:
    for _ in range(3):
        assert NOBODY("OPTIONS", LIMITS).status_code == 204
    assert statuses(NOBODY, LIMITS, 3) == [200, 200, 200]


# --- addresses --------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "Forwarded", "True-Client-IP"])
def test_a_forged_address_evades_nothing(services: WorldServices, header: str) -> None:
    given = [Gateway(app, {header: f"203.0.113.{n}"}).get(LIMITS).status_code for n in range(4)]
    assert given == [200, 200, 200, 429]


def test_behind_a_known_proxy_callers_are_told_apart_and_cannot_forge(world: World) -> None:
    with in_use(world, TRUSTED_PROXIES="192.0.2.0/24", **FEW):
        proxy = Gateway(app, address="192.0.2.1")
        for n in range(4):
            forged = f"10.0.0.{n}, 203.0.113.7, 192.0.2.1"
            assert proxy.get(LIMITS, X_Forwarded_For=forged).status_code == (200 if n < 3 else 429)
        assert statuses(proxy, LIMITS, 1, X_Forwarded_For="203.0.113.8") == [200]
        assert statuses(Gateway(app, address="203.0.113.7"), LIMITS, 1) == [429]


def test_a_configured_address_stands_for_what_the_gateway_reports(world: World) -> None:
    with in_use(world, SOURCE_ADDRESS="127.0.0.1", **FEW):
        given = [Gateway(app, address=f"203.0.113.{n}").get(LIMITS).status_code for n in range(4)]
    assert given == [200, 200, 200, 429]


# --- what every answer carries ----------------------------------------------------------


def every_kind(caller: Gateway, world: World) -> dict[int, HTTPResponse]:
    """An answer of each kind there is, by its status."""
    job_id = initiated(caller)["jobId"]
    etag = caller.get(f"/v1/download/status/{job_id}").headers["ETag"]
    world.store.put("downloads/70009.zip")
    done = caller.post(INITIATE, {"file_ids": [70009]}).json_body["jobId"]
    answers = [
        caller.get("/"),
        caller.get(LIMITS),
        caller.post(INITIATE, {"file_ids": [70000]}),
        caller("OPTIONS", INITIATE),
        caller.get(f"/v1/download/status/{job_id}", If_None_Match=etag),
        caller.post(INITIATE, {"file_ids": []}),
        caller.get(f"/v1/download/status/{UNKNOWN_JOB}"),
        caller("PUT", INITIATE),
        caller.get(f"/v1/download/{job_id}"),
        caller.post(INITIATE, {"file_ids": [70000]}, Content_Type="text/plain"),
        caller("POST", f"{CHECK}?sentry_test=true", {"file_id": 70000}),
    ]
    world.work_off()
    answers.append(caller.get(f"/v1/download/{done}"))
    world.store.down = True
    answers.append(caller.post(CHECK, {"file_id": 70000}))
    return {answer.status_code: answer for answer in answers}


@pytest.mark.parametrize("down", [False, True], ids=["counts shared", "counts away"])
def test_every_answer_carries_both_families_of_headers(world: World, down: bool) -> None:
    with in_use(world, SENTRY_TEST="true"):
        world.counter.down = down
        answers = every_kind(NOBODY, world)
    assert set(answers) == {200, 202, 204, 302, 304, 400, 404, 405, 409, 415, 500, 503}
    for answer in answers.values():
        headers = answer.headers
        limit, remaining, reset = (headers[f"RateLimit-{name}"] for name in ("Limit", "Remaining", "Reset"))
        assert limit == "2000" and 0 < int(remaining) < 2000 and 1 <= int(reset) <= 60
        policy = re.fullmatch(r'"(\w+)";q=2000;w=60', headers["RateLimit-Policy"])
        assert policy
        assert headers["RateLimit"] == f'"{policy[1]}";r={remaining};t={reset}'


def test_browsers_may_read_the_headers(services: WorldServices) -> None:
    exposed = NOBODY.get(LIMITS, Origin="https://app.test").headers["Access-Control-Expose-Headers"]
    for name in ("RateLimit", "RateLimit-Policy", "RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"):
        assert name in exposed.split(", ")


def test_a_refused_request_keeps_its_id_or_gets_one(services: WorldServices) -> None:
    statuses(NOBODY, LIMITS, 3)
    assert NOBODY.get(LIMITS, X_Request_ID="mine-7").headers["X-Request-ID"] == "mine-7"
    assert REQUEST_ID.fullmatch(NOBODY.get(LIMITS).headers["X-Request-ID"])


def test_a_preflight_allows_every_header_that_the_api_reads(jwt: WorldServices) -> None:
    answer = NOBODY("OPTIONS", INITIATE, Origin="https://app.test")
    assert answer.status_code == 204
    allowed = answer.headers["Access-Control-Allow-Headers"].split(", ")
    assert {
        "Authorization",
        "Content-Type",
        "X-Request-ID",
        "traceparent",
        "Idempotency-Key",
        "If-None-Match",
        "Last-Event-ID",
    } <= set(allowed)


# --- while the shared counts are away ---------------------------------------------------


def test_the_api_stays_up_and_goes_on_counting_while_counts_cannot_be_shared(
    services: WorldServices, world: World
) -> None:
    world.counter.down = True
    assert statuses(NOBODY, LIMITS, 4) == [200, 200, 200, 429]
    assert called(ELSEWHERE, "POST", INITIATE).status_code == 202


def test_public_routes_are_counted_in_all_containers_together(services: WorldServices, world: World) -> None:
    for path in ("/", "/health", "/docs/start.js"):
        NOBODY.get(path)
    NOBODY("OPTIONS", INITIATE)
    ((name, used),) = world.counter.counts.items()
    assert (name.partition("#")[0], used) == ("public", 4)
