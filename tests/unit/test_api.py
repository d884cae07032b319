"""The HTTP API: what each route answers when all is well, and what every answer carries."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib import container
from chalicelib.limits import MAX_PAGE_FILES
from tests.builders import ALICE, JOB_TTL, World
from tests.events import Event, recorded
from tests.support.services import STORE, WorldServices, in_use
from tests.unit.test_api_input import CHECK, INITIATE, REQUEST_ID, assert_problem, post

ORIGIN = "https://app.test"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.fixture
def services() -> Iterator[WorldServices]:
    with in_use(World(files_per_batch=2)) as services:
        yield services


@pytest.fixture
def world(services: WorldServices) -> World:
    world: World = services.world
    return world


@pytest.fixture
def http(services: WorldServices) -> Any:
    return Client(app).http


def initiated(http: Any, *numbers: int, **more: Any) -> dict[str, Any]:
    answer = post(http, INITIATE, {"file_ids": list(numbers), **more})
    assert answer.status_code == 202
    document: dict[str, Any] = answer.json_body
    return document


def ready(http: Any, world: World, *numbers: int, missing: tuple[int, ...] = (), **more: Any) -> str:
    """The id of a job that is ready."""
    for number in numbers:
        if number not in missing:
            world.store.put(f"downloads/{number}.zip")
    job_id: str = initiated(http, *numbers, **more)["jobId"]
    world.work_off()
    return job_id


def status(http: Any, job_id: str, query: str = "") -> dict[str, Any]:
    answer = http.get(f"/v1/download/status/{job_id}{query}")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json_body
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


# --- initiate ---------------------------------------------------------------------------


def test_a_job_is_answered_at_once_with_where_to_look(http: Any, world: World) -> None:
    answer = post(http, INITIATE, {"file_ids": [70000, 70001]})
    document = answer.json_body
    job_id = document["jobId"]
    assert answer.status_code == 202
    assert (document["status"], document["totalFileIds"], document["duplicates"]) == ("queued", 2, 0)
    assert answer.headers["Location"] == document["links"]["status"] == f"/v1/download/status/{job_id}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert world.job(job_id).total == 2


def test_repeated_ids_are_kept_once_in_the_order_of_their_first(http: Any, world: World) -> None:
    document = initiated(http, 70002, 70000, 70002, 70001, 70000)
    assert (document["totalFileIds"], document["duplicates"]) == (3, 2)
    assert [file["id"] for file in status(http, document["jobId"])["files"]] == [70002, 70000, 70001]


def test_a_job_is_answered_although_the_queue_is_down(http: Any, world: World) -> None:
    world.queue.down = True
    assert initiated(http, 70000)["status"] == "queued"


def test_keys_follow_the_template(http: Any, world: World) -> None:
    with in_use(world, S3_KEY_TEMPLATE="downloads/a/{file_id}.bin"):
        job_id = initiated(http, 70000)["jobId"]
        assert status(http, job_id)["files"][0]["key"] == "downloads/a/70000.bin"


def test_the_life_of_links_may_be_asked_for(http: Any, world: World) -> None:
    asked = ready(http, world, 70000, linkTtlSeconds=60)
    by_default = ready(http, world, 70000)
    assert "X-Amz-Expires=60&" in status(http, asked)["resultUrls"][0]
    assert "X-Amz-Expires=3600&" in status(http, by_default)["resultUrls"][0]


def test_the_request_id_and_trace_are_kept_in_the_audit_trail(http: Any, world: World) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-Request-ID": "mine-7",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    job_id = post(http, INITIATE, {"file_ids": [70000]}, headers).json_body["jobId"]
    (created,) = world.table.trail[job_id]
    assert (created.actor.request_id, created.actor.trace_id) == ("mine-7", TRACE)


# --- status -----------------------------------------------------------------------------


def test_a_queued_job_tells_that_nothing_is_done(http: Any) -> None:
    document = status(http, initiated(http, 70000, 70001)["jobId"])
    assert (document["status"], document["progress"], document["processed"], document["total"]) == ("queued", 0, 0, 2)
    assert (document["resultUrls"], document["error"], document["finishedAt"]) == (None, None, None)
    assert [file["state"] for file in document["files"]] == ["pending", "pending"]
    assert set(document["links"]) == {"status", "cancel"}


def test_a_job_under_way_tells_how_far_it_is(http: Any, world: World) -> None:
    job_id = initiated(http, 70000, 70001, 70002, 70003)["jobId"]
    world.handle(world.queue.messages.pop(0))
    world.handle(world.queue.messages.pop(0))
    document = status(http, job_id)
    assert (document["status"], document["stage"], document["progress"]) == ("processing", "checking", 50)
    assert document["counts"] == {"available": 0, "missing": 2, "failed": 0}


def test_only_a_job_that_has_not_ended_says_when_to_ask_again(http: Any, world: World) -> None:
    job_id = initiated(http, 70000)["jobId"]
    assert "Retry-After" in http.get(f"/v1/download/status/{job_id}").headers
    world.work_off()
    assert "Retry-After" not in http.get(f"/v1/download/status/{job_id}").headers


def test_a_ready_job_has_a_link_per_file_in_order_and_null_where_one_is_missing(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70003, 70001, 70002, missing=(70001,)))
    assert (document["status"], document["progress"], document["stage"]) == ("ready", 100, None)
    first, second, third = document["resultUrls"]
    assert first.startswith(f"{STORE}/files/downloads/70003.zip?")
    assert second is None
    assert third.startswith(f"{STORE}/files/downloads/70002.zip?")
    expected = {
        "index": 1,
        "id": 70001,
        "key": "downloads/70001.zip",
        "state": "missing",
        "size": None,
        "reason": "not_found",
    }
    assert document["files"][1].items() >= expected.items()
    assert document["bytes"] == {"total": 20, "done": 20}
    assert set(document["links"]) == {"status", "download"}


def test_links_are_minted_at_each_read_and_tell_when_they_die(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    first = status(http, job_id)
    world.clock.advance(100)
    second = status(http, job_id)
    assert first["resultUrls"] != second["resultUrls"]
    assert first["linksExpireAt"] == "2023-11-14T23:13:20.000Z"
    assert second["linksExpireAt"] == "2023-11-14T23:15:00.000Z"


def test_a_job_without_any_file_tells_why_it_failed(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70000, missing=(70000,)))
    assert (document["status"], document["resultUrls"]) == ("failed", None)
    assert document["error"] == {"code": "no_files_available", "message": "none of the requested files is available"}


def test_times_are_rfc_3339(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70000))
    assert document["createdAt"] == document["finishedAt"] == "2023-11-14T22:13:20.000Z"
    assert document["expiresAt"] == "2023-11-15T22:13:20.000Z"


def test_files_come_in_pages_that_lead_to_each_other(http: Any, world: World) -> None:
    numbers = range(70000, 70005)
    job_id = ready(http, world, *numbers, missing=(70003,))
    seen: list[int] = []
    urls: list[str | None] = []
    query = "?limit=2"
    while True:
        page = status(http, job_id, query)
        seen.extend(file["index"] for file in page["files"])
        urls.extend(page["resultUrls"])
        if page["nextCursor"] is None:
            break
        query = f"?limit=2&cursor={page['nextCursor']}"
    assert seen == [0, 1, 2, 3, 4]
    assert [url is None for url in urls] == [False, False, False, True, False]


def test_a_page_holds_a_thousand_files_unless_asked_for_less(http: Any) -> None:
    document = status(http, initiated(http, *range(70000, 71001))["jobId"])
    assert (len(document["files"]), document["nextCursor"]) == (MAX_PAGE_FILES, str(MAX_PAGE_FILES))


def test_a_job_id_may_be_written_in_capitals(http: Any) -> None:
    job_id = initiated(http, 70000)["jobId"]
    assert status(http, job_id.upper())["jobId"] == job_id


def test_an_expired_job_is_gone(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    world.clock.advance(JOB_TTL)
    for path in (f"/v1/download/status/{job_id}", f"/v1/download/{job_id}"):
        assert_problem(http.get(path), 410, "job_expired", path=path)


# --- cancel and download ----------------------------------------------------------------


def test_a_job_is_cancelled_and_cancelling_twice_is_fine(http: Any, world: World) -> None:
    job_id = initiated(http, 70000)["jobId"]
    first, second = http.delete(f"/v1/download/{job_id}"), http.delete(f"/v1/download/{job_id}")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json_body == second.json_body
    assert (first.json_body["jobId"], first.json_body["status"]) == (job_id, "cancelled")
    world.work_off()
    assert status(http, job_id)["status"] == "cancelled"


def test_an_ended_job_cannot_be_cancelled(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    path = f"/v1/download/{job_id}"
    assert_problem(http.delete(path), 409, "job_already_ended", path=path)
    assert status(http, job_id)["status"] == "ready"


def test_the_download_of_one_file_goes_straight_to_it(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000)}")
    assert (answer.status_code, answer.body) == (302, b"")
    assert answer.headers["Location"].startswith(f"{STORE}/files/downloads/70000.zip?")


def test_the_download_of_several_files_lists_their_links(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000, 70001)}")
    assert answer.status_code == 200
    assert all(url.startswith(STORE) for url in answer.json_body["resultUrls"])


@pytest.mark.parametrize("how", ["queued", "cancelled", "failed"])
def test_there_is_nothing_to_download_of_a_job_that_is_not_ready(http: Any, world: World, how: str) -> None:
    job_id = initiated(http, 70000)["jobId"]
    if how == "cancelled":
        http.delete(f"/v1/download/{job_id}")
    if how == "failed":
        world.work_off()
    path = f"/v1/download/{job_id}"
    answer = http.get(path)
    problem = assert_problem(answer, 409, "job_not_ready", path=path)
    assert how in problem["detail"]
    assert answer.headers.get("Retry-After") == ("1" if how == "queued" else None)


# --- list and check ---------------------------------------------------------------------


def test_a_caller_lists_its_own_jobs_newest_first_page_by_page(http: Any, world: World) -> None:
    world.start(70009)  # not among them: it is somebody else's
    ids = []
    for number in range(3):
        world.clock.advance(1)
        ids.append(initiated(http, 70000 + number)["jobId"])
    first = http.get("/v1/download/jobs?limit=2").json_body
    second = http.get(f"/v1/download/jobs?limit=2&cursor={first['nextCursor']}").json_body
    assert [job["jobId"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["nextCursor"] is None


def test_jobs_are_listed_by_status(http: Any, world: World) -> None:
    done = ready(http, world, 70000)
    waiting = initiated(http, 70001)["jobId"]
    for wanted, job_id in (("ready", done), ("queued", waiting)):
        listed = http.get(f"/v1/download/jobs?status={wanted}").json_body["jobs"]
        assert [job["jobId"] for job in listed] == [job_id]


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


def test_a_job_of_another_principal_is_not_listed(http: Any, world: World) -> None:
    assert world.start(70000).owner == ALICE.by
    assert http.get("/v1/download/jobs").json_body["jobs"] == []
