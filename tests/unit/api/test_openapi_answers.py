"""Every documented status of every operation, brought about: the answers are as the document says."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client, HTTPResponse

from app import app
from chalicelib.api.operations import OPERATIONS
from chalicelib.limits import MAX_FILES_PER_JOB
from tests.support.api import ALICE, JWT
from tests.support.api_states import CHECK, FILE, FILES, INITIATE, JOBS, JSON, KEY, NOBODY, START, TOO_LARGE, Api
from tests.support.builders import JOB_TTL, World
from tests.support.openapi import OPERATIONS as DOCUMENTED
from tests.support.openapi import assert_documented, assert_valid
from tests.support.services import in_use


@pytest.fixture
def api() -> Iterator[Api]:
    slow = {"DOWNLOAD_DELAY_MIN_MS": "60000", "DOWNLOAD_DELAY_MAX_MS": "60000", "STREAM_WAIT_SECONDS": "0"}
    with in_use(World(), **slow) as services:
        yield Api(services, Client(app).http)


def retried_twice(api: Api) -> HTTPResponse:
    job_id = api.failed()
    api.post(f"{JOBS}/{job_id}/retry", headers=KEY)
    return api.post(f"{JOBS}/{job_id}/retry", headers=KEY)


def expired_key(api: Api) -> dict[str, str]:
    """A key whose job has expired."""
    api.post(INITIATE, FILES, KEY)
    api.world.work_off()
    api.world.clock.advance(JOB_TTL)
    return KEY


def unchanged(api: Api, page: str) -> HTTPResponse:
    return api.get(page, {"If-None-Match": api.get(page).headers["ETag"]})


def unhealthy(api: Api) -> HTTPResponse:
    api.services.fake_health.verdicts["queue"] = "error"
    return api.get("/health")


def known(api: Api) -> HTTPResponse:
    job_id = api.queued()
    return api.get(f"{JOBS}/status/{job_id}", {"If-None-Match": api.etag(job_id)})


def seen(api: Api) -> HTTPResponse:
    job_id = api.ready()
    return api.get(f"{JOBS}/stream/{job_id}", {"Last-Event-ID": str(api.world.job(job_id).version)})


def reused(api: Api) -> HTTPResponse:
    api.post(INITIATE, FILES, KEY)
    return api.post(INITIATE, b'{"file_ids":[70001]}', KEY)


def delayed(api: Api) -> HTTPResponse:
    with in_use(api.world, DOWNLOAD_DELAY_ENABLED="true", DOWNLOAD_DELAY_MIN_MS="60000", DOWNLOAD_DELAY_MAX_MS="60000"):
        return api.post(START, FILE)


def own_secret(api: Api) -> HTTPResponse:
    with in_use(api.world, **JWT):
        answer: HTTPResponse = ALICE.get("/v1/webhook-secret")
    return answer


def of_job(operation: str, path: str, method: str = "GET") -> dict[tuple[str, int], Callable[[Api], HTTPResponse]]:
    """What every route of a job answers alike."""
    return {
        (operation, 404): lambda api: api.call(method, path.format(NOBODY)),
        (operation, 410): lambda api: api.call(method, path.format(api.expired())),
    }


CASES: dict[tuple[str, int], Callable[[Api], HTTPResponse]] = {
    ("initiate", 202): lambda api: api.post(INITIATE, FILES, KEY),
    ("initiate", 400): lambda api: api.post(INITIATE, b"{}"),
    ("initiate", 410): lambda api: api.post(INITIATE, FILES, expired_key(api)),
    ("initiate", 413): lambda api: api.post(INITIATE, TOO_LARGE),
    ("initiate", 415): lambda api: api.call("POST", INITIATE),
    ("initiate", 422): reused,
    ("status", 200): lambda api: api.get(f"{JOBS}/status/{api.ready(70000, 70001)}"),
    ("status", 304): known,
    ("status", 400): lambda api: api.get(f"{JOBS}/status/{api.queued()}?limit=0"),
    **of_job("status", f"{JOBS}/status/{{}}"),
    ("stream", 200): lambda api: api.get(f"{JOBS}/stream/{api.queued()}"),
    ("stream", 204): seen,
    **of_job("stream", f"{JOBS}/stream/{{}}"),
    ("cancel", 202): lambda api: api.call("DELETE", f"{JOBS}/{api.queued()}"),
    ("cancel", 409): lambda api: api.call("DELETE", f"{JOBS}/{api.ready()}"),
    **of_job("cancel", f"{JOBS}/{{}}", "DELETE"),
    ("retry", 202): retried_twice,
    ("retry", 400): lambda api: api.post(f"{JOBS}/{NOBODY}/retry", headers={"Idempotency-Key": "two words"}),
    ("retry", 409): lambda api: api.post(f"{JOBS}/{api.ready()}/retry"),
    **of_job("retry", f"{JOBS}/{{}}/retry", "POST"),
    ("jobs", 200): lambda api: (api.ready(), api.get(f"{JOBS}/jobs"))[1],
    ("jobs", 400): lambda api: api.get(f"{JOBS}/jobs?status=lost"),
    ("events", 200): lambda api: api.get(f"{JOBS}/{api.ready()}/events"),
    ("cancel", 204): lambda api: api.call("DELETE", f"{JOBS}/{api.ready()}?purge=true"),
    ("cancel", 400): lambda api: api.call("DELETE", f"{JOBS}/{api.ready()}?purge=yes"),
    ("stream", 400): lambda api: api.get(f"/v1/download/stream/{api.ready()}?limit=1"),
    ("objects", 200): lambda api: api.get("/v1/objects"),
    ("objects", 400): lambda api: api.get("/v1/objects?limit=0"),
    ("manifest", 200): lambda api: api.get(f"{JOBS}/{api.ready()}/manifest"),
    ("manifest", 400): lambda api: api.get(f"{JOBS}/{api.ready()}/manifest?format=torrent"),
    ("manifest", 409): lambda api: api.get(f"{JOBS}/{api.queued()}/manifest"),
    **of_job("manifest", f"{JOBS}/{{}}/manifest"),
    ("events", 404): lambda api: api.get(f"{JOBS}/{NOBODY}/events"),
    ("events", 400): lambda api: api.get(f"{JOBS}/{api.ready()}/events?limit=0"),
    ("download", 200): lambda api: api.get(f"{JOBS}/{api.ready(70000, 70001)}"),
    ("download", 302): lambda api: api.get(f"{JOBS}/{api.ready()}"),
    ("download", 400): lambda api: api.get(f"{JOBS}/{api.ready()}?inline=2"),
    ("download", 409): lambda api: api.get(f"{JOBS}/{api.queued()}"),
    **of_job("download", f"{JOBS}/{{}}"),
    ("downloadFile", 302): lambda api: api.get(f"{JOBS}/{api.ready()}/files/0"),
    ("downloadFile", 400): lambda api: api.get(f"{JOBS}/{api.ready()}/files/0?inline=2"),
    ("downloadFile", 409): lambda api: api.get(f"{JOBS}/{api.queued()}/files/0"),
    **of_job("downloadFile", f"{JOBS}/{{}}/files/0"),
    ("downloadArchive", 302): lambda api: api.get(f"{JOBS}/{api.archived()}/archives/0"),
    ("downloadArchive", 400): lambda api: api.get(f"{JOBS}/{api.archived()}/archives/0?inline=2"),
    ("downloadArchive", 409): lambda api: api.get(f"{JOBS}/{api.queued()}/archives/0"),
    **of_job("downloadArchive", f"{JOBS}/{{}}/archives/0"),
    ("check", 200): lambda api: api.post(CHECK, FILE),
    ("check", 400): lambda api: api.post(f"{CHECK}?sentry_test=maybe", FILE),
    ("check", 413): lambda api: api.post(CHECK, TOO_LARGE),
    ("check", 415): lambda api: api.call("POST", CHECK, body=FILE),
    ("start", 200): lambda api: api.post(START, FILE),
    ("start", 400): lambda api: api.post(START, b"{}"),
    ("start", 413): lambda api: api.post(START, TOO_LARGE),
    ("start", 415): lambda api: api.call("POST", START, body=FILE),
    ("start", 504): delayed,
    ("webhookSecret", 200): own_secret,
    ("webhookSecret", 403): lambda api: api.get("/v1/webhook-secret"),
    ("limits", 200): lambda api: api.get("/v1/limits"),
    ("index", 200): lambda api: api.get("/"),
    ("health", 200): lambda api: api.get("/health"),
    ("health", 503): unhealthy,
    ("openapi", 200): lambda api: api.get("/openapi"),
    ("docs", 200): lambda api: api.get("/docs"),
    ("docsAsset", 200): lambda api: api.get("/docs/start.js"),
    ("docsAsset", 304): lambda api: unchanged(api, "/docs/start.js"),
    ("docsAsset", 404): lambda api: api.get("/docs/other.js"),
    ("dashboard", 200): lambda api: api.get("/dashboard"),
    ("dashboard", 304): lambda api: unchanged(api, "/dashboard"),
    ("dashboardPart", 200): lambda api: api.get("/dashboard/new"),
    ("dashboardPart", 304): lambda api: unchanged(api, "/dashboard/new"),
    ("dashboardPart", 404): lambda api: api.get("/dashboard/other.js"),
    ("dashboardJob", 200): lambda api: api.get(f"/dashboard/jobs/{NOBODY}"),
    ("dashboardJob", 304): lambda api: unchanged(api, f"/dashboard/jobs/{NOBODY}"),
}
# What any operation may meet is tried with each of them below; 403 and 504 are the gateway's.
EVERYWHERE = {401, 403, 429, 500, 503, 504}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0]} {case[1]}")
def test_an_answer_is_as_documented(api: Api, case: tuple[str, int]) -> None:
    operation, status = case
    answer = CASES[case](api)
    assert answer.status_code == status
    assert_documented(operation, answer)


def test_every_documented_status_is_tried() -> None:
    documented = {(name, int(status)) for name, operation in DOCUMENTED.items() for status in operation["responses"]}
    assert {case for case in documented if case[1] not in EVERYWHERE} == {
        case for case in CASES if case[1] not in EVERYWHERE
    }


# Problems that share their status with one above.
OTHER_PROBLEMS: dict[tuple[str, str], Callable[[Api], HTTPResponse]] = {
    ("initiate", "too_many_files"): lambda api: api.post(
        INITIATE, json.dumps({"file_ids": list(range(70_000, 70_001 + MAX_FILES_PER_JOB))}).encode()
    ),
    ("downloadFile", "no_such_result"): lambda api: api.get(f"{JOBS}/{api.ready()}/files/1"),
    ("downloadArchive", "no_such_result"): lambda api: api.get(f"{JOBS}/{api.archived()}/archives/1"),
    ("check", "storage_unavailable"): lambda api: with_store_down(api, CHECK),
    ("start", "storage_unavailable"): lambda api: with_store_down(api, START),
}


def with_store_down(api: Api, path: str) -> HTTPResponse:
    api.world.store.down = True
    return api.post(path, FILE)


@pytest.mark.parametrize("case", OTHER_PROBLEMS, ids=" ".join)
def test_a_problem_is_as_documented(api: Api, case: tuple[str, str]) -> None:
    operation, code = case
    answer = OTHER_PROBLEMS[case](api)
    assert answer.json_body["error"] == code
    assert_documented(operation, answer)


def test_a_job_with_an_archive_is_as_documented(api: Api) -> None:
    answer = api.get(f"{JOBS}/status/{api.archived()}")
    assert len(answer.json_body["archives"]) == 1
    assert_documented("status", answer)


def test_a_job_under_way_is_as_documented(api: Api) -> None:
    assert_documented("status", api.get(f"{JOBS}/status/{api.queued()}"))


def test_a_failed_job_is_as_documented(api: Api) -> None:
    assert_documented("status", api.get(f"{JOBS}/status/{api.failed()}"))


@pytest.mark.parametrize("job", [Api.queued, Api.ready, Api.failed])
def test_a_streamed_event_is_as_documented(api: Api, job: Callable[[Api], str]) -> None:
    text = api.get(f"{JOBS}/stream/{job(api)}").body.decode()
    event = dict(line.split(": ", 1) for line in text.strip().split("\n\n")[-1].splitlines())
    assert_valid("StreamedEvent", event)
    assert_valid("JobSummary", json.loads(event["data"]))


def test_a_browser_of_another_origin_gets_documented_headers(api: Api) -> None:
    with in_use(api.world, CORS_ORIGINS="https://app.test"):
        assert_documented("index", api.get("/", {"Origin": "https://app.test"}))
        assert_documented("index", api.get("/", {"Origin": "https://other.test"}))


# --- what any operation may meet --------------------------------------------------------


def called(api: Api, operation: Any) -> HTTPResponse:
    """A request that would be served if all were well."""
    values = {"{job_id}": NOBODY, "{number}": "0", "{asset}": "start.js", "{part}": "new"}
    path = operation.path
    for name, value in values.items():
        path = path.replace(name, value)
    body = FILES if operation.id == "initiate" else FILE
    return api.call(operation.method, path, JSON if operation.body else {}, body if operation.body else b"")


each_operation = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)


@each_operation
def test_a_caller_that_is_not_known_is_told_as_documented(api: Api, operation: Any) -> None:
    issuer = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://issuer.test", "AUTH_AUDIENCE": "lorry"}
    with in_use(api.world, **issuer):
        answer = called(api, operation)
    assert (answer.status_code == 401) is operation.access.credentials
    assert_documented(operation.id, answer)


@each_operation
def test_a_caller_that_calls_too_often_is_told_as_documented(api: Api, operation: Any) -> None:
    with in_use(api.world, RATE_LIMIT_MAX_REQUESTS="1", RATE_LIMIT_STREAM_REQUESTS="1"):
        called(api, operation)
        answer = called(api, operation)
    assert answer.status_code == 429
    assert_documented(operation.id, answer)


@each_operation
def test_an_outage_is_told_as_documented(api: Api, operation: Any) -> None:
    api.world.table.down = api.world.store.down = True
    answer = called(api, operation)
    assert answer.status_code in (200, 503) or operation.id == "webhookSecret"  # which asks neither
    assert_documented(operation.id, answer)


@each_operation
def test_a_crash_is_told_as_documented(api: Api, operation: Any) -> None:
    api.services.limiter.now = lambda: None  # type: ignore[assignment,return-value]
    answer = called(api, operation)
    assert answer.status_code == 500
    # Nobody could count, so there is nothing to tell of a rate.
    assert_documented(operation.id, answer, counted=False)
