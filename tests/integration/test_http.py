"""The API on the wire: what any HTTP client sees, whichever way it asks."""

from __future__ import annotations

import json
import time
import uuid

import pytest

from chalicelib.limits import FILE_ID_MAX, FILE_ID_MIN, MAX_BODY_BYTES, MAX_FILES_PER_JOB
from tests.integration.deployment import Deployment, Document
from tests.support.hostile_bodies import HOSTILE, hostile_body

INITIATE = "/v1/download/initiate"
CHECK = "/v1/download/check"
PRESENT, ABSENT = 61_000, 61_001
UNKNOWN = "00000000-0000-4000-8000-00000000abcd"


@pytest.fixture(scope="module", autouse=True)
def one_file(local: Deployment) -> None:
    local.put(PRESENT, b"twelve bytes")


def problem(answer, status: int, error: str) -> Document:
    """The body of an error answer, after a look at everything that all of them share."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: Document = answer.json()
    assert (body["status"], body["error"], body["type"]) == (status, error, f"urn:lorry:problem:{error}")
    assert body["title"] and body["detail"] == body["message"]
    assert body["requestId"] == answer.headers["x-request-id"]
    return body


def test_the_base_url_works_as_it_is_and_names_only_what_exists(local: Deployment) -> None:
    answer = local.call("GET", "/")
    assert answer.status_code == 200
    assert answer.json()["name"] == "lorry"
    links = answer.json()["links"]
    assert links.pop("websocket") == local.stack.outputs["WebSocketUrl"]
    for link in links.values():
        assert link.startswith(local.stack.url)
        assert local.http.get(link).status_code in (200, 405)  # 405: a route that wants another method


def test_health_is_told_check_by_check(local: Deployment) -> None:
    answer = local.call("GET", "/health")
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "checks": {"storage": "ok", "table": "ok", "queue": "ok"}}


def test_every_answer_carries_the_security_headers_and_a_request_id(local: Deployment) -> None:
    for path in ("/", "/health", "/nowhere", f"/v1/download/status/{UNKNOWN}"):
        headers = local.call("GET", path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["referrer-policy"] == "no-referrer"
        assert "max-age=" in headers["strict-transport-security"]
        assert "default-src" in headers["content-security-policy"]
        assert headers["access-control-allow-origin"] == "*"
        assert uuid.UUID(headers["x-request-id"])


def test_a_safe_request_id_of_the_caller_is_kept_and_another_replaced(local: Deployment) -> None:
    kept = local.call("GET", "/health", headers={"X-Request-ID": "order-4711.a"})
    assert kept.headers["x-request-id"] == "order-4711.a"
    replaced = local.call("GET", "/health", headers={"X-Request-ID": "<script>"})
    assert uuid.UUID(replaced.headers["x-request-id"])


def test_a_browser_may_ask_beforehand_what_it_may_send(local: Deployment) -> None:
    answer = local.call(
        "OPTIONS", INITIATE, headers={"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}
    )
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-methods"] == "OPTIONS, POST"
    assert "Content-Type" in answer.headers["access-control-allow-headers"]


def test_initiate_answers_202_with_where_to_look_next(local: Deployment) -> None:
    answer = local.call("POST", INITIATE, json={"file_ids": [PRESENT, ABSENT, PRESENT]})
    assert answer.status_code == 202
    body = answer.json()
    assert (body["status"], body["totalFileIds"], body["duplicates"]) == ("queued", 2, 1)
    assert (
        answer.headers["location"] == body["links"]["status"] == f"{local.stack.url}/v1/download/status/{body['jobId']}"
    )
    assert int(answer.headers["retry-after"]) >= 1
    job = local.ended(body["jobId"])
    assert (job["status"], job["progress"], job["processed"], job["total"]) == ("ready", 100, 2, 2)


def test_check_tells_whether_one_file_is_there(local: Deployment) -> None:
    there = local.call("POST", CHECK, json={"file_id": PRESENT})
    assert there.json() == {"file_id": PRESENT, "available": True, "s3Key": f"downloads/{PRESENT}.zip", "size": 12}
    absent = local.call("POST", CHECK, json={"file_id": ABSENT})
    assert absent.status_code == 200
    assert absent.json() == {"file_id": ABSENT, "available": False, "s3Key": None, "size": None}


def test_an_unknown_route_is_404_and_says_what_was_asked(local: Deployment) -> None:
    body = problem(local.call("GET", "/v2/download/nothing"), 404, "not_found")
    assert body["instance"] == "/v2/download/nothing"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", INITIATE, "OPTIONS, POST"),
        ("DELETE", "/health", "GET, HEAD, OPTIONS"),
        ("PUT", f"/v1/download/{UNKNOWN}", "DELETE, GET, HEAD, OPTIONS"),
        ("POST", "/", "GET, HEAD, OPTIONS"),
    ],
)
def test_a_method_that_is_not_possible_is_405_with_those_that_are(
    local: Deployment, method: str, path: str, allowed: str
) -> None:
    answer = local.call(method, path)
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data; boundary=x", ""])
def test_a_body_that_does_not_call_itself_json_is_415(local: Deployment, content_type: str) -> None:
    answer = local.call("POST", INITIATE, content=b'{"file_ids":[70000]}', headers={"Content-Type": content_type})
    problem(answer, 415, "unsupported_media_type")


def test_json_may_name_its_charset(local: Deployment) -> None:
    answer = local.call(
        "POST", CHECK, content=f'{{"file_id":{PRESENT}}}', headers={"Content-Type": "application/json; charset=utf-8"}
    )
    assert answer.status_code == 200


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 11_000_000], ids=["past our limit", "past the gateway's"])
def test_a_body_that_is_too_large_is_413(local: Deployment, size: int) -> None:
    body = b'{"file_ids":[' + b" " * (size - 15) + b"1]}"
    problem(
        local.call("POST", INITIATE, content=body, headers={"Content-Type": "application/json"}),
        413,
        "request_too_large",
    )


def test_too_many_files_are_413(local: Deployment) -> None:
    too_many = range(FILE_ID_MIN, FILE_ID_MIN + MAX_FILES_PER_JOB + 1)
    problem(local.call("POST", INITIATE, json={"file_ids": list(too_many)}), 413, "too_many_files")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("{", ""),
        ("", ""),
        ("[70000]", ""),
        ("{}", "/file_ids"),
        ('{"file_ids":[]}', "/file_ids"),
        ('{"file_ids":70000}', "/file_ids"),
        ('{"file_ids":[70000,"70001"]}', "/file_ids/1"),
        ('{"file_ids":[70000.5]}', "/file_ids/0"),
        ('{"file_ids":[true]}', "/file_ids/0"),
        ('{"file_ids":[null]}', "/file_ids/0"),
        ('{"file_ids":[-70000]}', "/file_ids/0"),
        (f'{{"file_ids":[{FILE_ID_MIN - 1}]}}', "/file_ids/0"),
        (f'{{"file_ids":[{FILE_ID_MAX + 1}]}}', "/file_ids/0"),
        ('{"file_ids":[1e99]}', "/file_ids/0"),
        ('{"file_ids":[70000],"colour":"red"}', "/colour"),
        ('{"file_ids":[70000],"keys":["downloads/a"]}', "/keys"),
        ('{"file_ids":[70000],"linkTtlSeconds":1}', "/linkTtlSeconds"),
        ('{"file_ids":[70000],"archive":"yes"}', "/archive"),
        ('{"file_ids":[70000],"archive":{"layout":"spiral"}}', "/archive/layout"),
        ('{"file_ids":[70000],"archive":{"filename":"../x.zip"}}', "/archive/filename"),
        ('{"keys":["elsewhere/a"]}', "/keys/0"),
        ('{"keys":["downloads/a\\u0000"]}', "/keys/0"),
    ],
)
def test_a_bad_request_names_the_offending_place_and_creates_nothing(
    local: Deployment, body: str, pointer: str
) -> None:
    before = newest_jobs(local)
    answer = local.call("POST", INITIATE, content=body, headers={"Content-Type": "application/json"})
    errors = problem(answer, 400, "invalid_request")["errors"]
    assert [error["pointer"] for error in errors] == [pointer]
    assert newest_jobs(local) == before


def newest_jobs(local: Deployment) -> list[str]:
    return [job["jobId"] for job in local.call("GET", "/v1/download/jobs").json()["jobs"]]


@pytest.mark.parametrize("body", ["null", '{"file_id":"61000"}', '{"file_id":61000,"x":1}', '{"file_ids":[61000]}'])
def test_a_bad_check_is_refused(local: Deployment, body: str) -> None:
    answer = local.call("POST", CHECK, content=body, headers={"Content-Type": "application/json"})
    problem(answer, 400, "invalid_request")


@pytest.mark.parametrize(
    "job_id", [UNKNOWN, UNKNOWN.upper(), UNKNOWN[:-1], "nonsense", "x" * 300], ids=lambda job_id: job_id[:40]
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/download/status/{}"),
        ("GET", "/v1/download/{}"),
        ("DELETE", "/v1/download/{}"),
        ("GET", "/v1/download/{}/files/0"),
        ("GET", "/v1/download/{}/archives/0"),
        ("POST", "/v1/download/{}/retry"),
    ],
)
def test_a_job_that_does_not_exist_is_404_on_every_route(
    local: Deployment, method: str, path: str, job_id: str
) -> None:
    problem(local.call(method, path.format(job_id)), 404, "job_not_found")


@pytest.mark.parametrize("query", ["cursor=-1", "cursor=x", "limit=0", "limit=1001", "limit=1.5"])
def test_a_page_that_cannot_be_is_400(local: Deployment, query: str) -> None:
    job_id = local.initiate([PRESENT])
    body = problem(local.call("GET", f"/v1/download/status/{job_id}?{query}"), 400, "invalid_request")
    assert body["errors"][0]["pointer"] == f"/{query.partition('=')[0]}"


def test_jobs_are_listed_newest_first_in_pages_and_by_status(local: Deployment) -> None:
    created = [local.initiate([PRESENT]) for _ in range(3)]
    for job_id in created:
        local.ended(job_id)
    first = local.call("GET", "/v1/download/jobs", params={"limit": 2, "status": "ready"}).json()
    assert [job["jobId"] for job in first["jobs"]] == created[:0:-1]
    more = {"limit": 1, "status": "ready", "cursor": first["nextCursor"]}
    assert [job["jobId"] for job in local.call("GET", "/v1/download/jobs", params=more).json()["jobs"]] == created[:1]
    problem(local.call("GET", "/v1/download/jobs?status=lost"), 400, "invalid_request")


def test_what_is_not_ready_cannot_be_downloaded(local: Deployment) -> None:
    job = local.run([ABSENT])
    assert (job["status"], job["error"]["code"]) == ("failed", "no_files_available")
    for path in ("", "/files/0", "/archives/0"):
        problem(local.call("GET", f"/v1/download/{job['jobId']}{path}"), 409, "job_not_ready")
    problem(local.call("POST", f"/v1/download/{job['jobId']}/retry"), 409, "nothing_to_retry")


def test_errors_are_json_however_strange_the_path(local: Deployment) -> None:
    for path in ("/%00", "/v1/download/status/%E2%98%83", "/v1/download/status/", "/a" * 500):
        answer = local.call("GET", path)
        assert answer.status_code == 404, path
        assert json.loads(answer.text)["status"] == 404


# --- hostile bodies -----------------------------------------------------------------------


@pytest.mark.parametrize("shape", HOSTILE)
def test_a_hostile_body_up_to_the_limit_is_refused_in_time_linear_in_its_size(local: Deployment, shape: str) -> None:
    """Ten times the body may take thirty times as long, and a second more; a square would take a hundred times."""

    def seconds(size: int) -> float:
        body = hostile_body(shape, size)
        assert 0.8 * size < len(body) <= MAX_BODY_BYTES
        started = time.monotonic()
        answer = local.call("POST", INITIATE, content=body, headers={"Content-Type": "application/json"})
        took = time.monotonic() - started
        problem(answer, 400, "invalid_request")
        return took

    small = min(seconds(480_000) for _ in range(2))
    large = min(seconds(4_800_000) for _ in range(2))
    assert large < 30 * small + 1
