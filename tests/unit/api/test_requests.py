"""Bad input: each gets a problem that names the offending place, and creates nothing."""

from __future__ import annotations

import contextlib
import json
import time
import timeit
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.api.requests import initiate_request
from chalicelib.errors import InvalidRequest
from chalicelib.limits import MAX_BODY_BYTES, MAX_FILES_PER_JOB
from tests.support.api import CHECK, INITIATE, UNKNOWN_JOB, assert_problem, pointers, post
from tests.support.builders import World
from tests.support.hostile_bodies import HOSTILE
from tests.support.services import in_use


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with in_use(world):
        yield world


@pytest.fixture
def http(world: World) -> Any:
    return Client(app).http


# --- bodies -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"file_ids":[70000],"file_ids":[70001]}', "/file_ids"),
        ('{"file_ids":[70000],"archive":{"layout":"flat","layout":"tree"}}', "/archive/layout"),
    ],
)
def test_a_name_that_is_in_an_object_twice_is_refused(http: Any, world: World, body: str, pointer: str) -> None:
    problem = assert_problem(post(http, INITIATE, body.encode()), 400, "invalid_request", path=INITIATE)
    assert pointers(problem) == [pointer]
    assert world.table.jobs == {}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_body_is_answered_in_time_linear_in_its_size(hostile: Callable[[int], str]) -> None:
    """Ten times the body may take thirty times as long; a search for a pattern would take a hundred times."""

    def seconds(size: int) -> float:
        body = hostile(size).encode()
        with pytest.raises(InvalidRequest):
            initiate_request(body)
        return min(timeit.repeat(lambda: _refused(body), number=1, repeat=5, timer=time.process_time))

    small, large = seconds(4_000), seconds(40_000)
    assert large < 30 * small + 0.05


def _refused(body: bytes) -> None:
    with contextlib.suppress(InvalidRequest):
        initiate_request(body)


BAD_IDS: list[Any] = [
    70000.0,
    70000.5,
    7e4,
    True,
    False,
    None,
    "70000",
    [70000],
    {},
    -70000,
    0,
    9_999,
    100_000_001,
    10**25,
]


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
def test_a_bad_file_id_is_named_by_its_place_in_the_list(http: Any, world: World, bad: Any) -> None:
    problem = assert_problem(post(http, INITIATE, {"file_ids": [70000, bad]}), 400, "invalid_request", path=INITIATE)
    assert pointers(problem) == ["/file_ids/1"]
    assert world.table.jobs == {}


@pytest.mark.parametrize("bad", BAD_IDS, ids=repr)
def test_a_bad_file_id_to_check_is_named(http: Any, bad: Any) -> None:
    problem = assert_problem(post(http, CHECK, {"file_id": bad}), 400, "invalid_request", path=CHECK)
    assert pointers(problem) == ["/file_id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/file_ids"),
        ({"file_ids": []}, "/file_ids"),
        ({"file_ids": None}, "/file_ids"),
        ({"file_ids": 70000}, "/file_ids"),
        ({"file_ids": "70000"}, "/file_ids"),
        ({"file_ids": {"0": 70000}}, "/file_ids"),
        ({"file_ids": [70000], "unknown": 1}, "/unknown"),
        ({"file_ids": [70000], "a/b~c": 1}, "/a~1b~0c"),
        ({"file_ids": [70000], "two\nlines": 1}, "/two\nlines"),
        ({"file_ids": [70000], "": 1}, "/"),
        ({"File_ids": [70000]}, "/File_ids"),
        ({"file_ids": [70000], "linkTtlSeconds": 59}, "/linkTtlSeconds"),
        ({"file_ids": [70000], "linkTtlSeconds": 3601}, "/linkTtlSeconds"),
        ({"file_ids": [70000], "linkTtlSeconds": "60"}, "/linkTtlSeconds"),
        ({"file_ids": [70000], "linkTtlSeconds": 60.5}, "/linkTtlSeconds"),
        ({"file_ids": [70000], "linkTtlSeconds": True}, "/linkTtlSeconds"),
        ([], ""),
        ([70000], ""),
        ("file_ids", ""),
        (70000, ""),
        (None, ""),
        (True, ""),
    ],
    ids=repr,
)
def test_a_body_of_the_wrong_shape_is_told_where(http: Any, world: World, body: Any, pointer: str) -> None:
    problem = assert_problem(post(http, INITIATE, body), 400, "invalid_request", path=INITIATE)
    assert pointers(problem) == [pointer]
    assert world.table.jobs == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"not JSON",
        b'{"file_ids":[70000]',
        b'{"file_ids":[70000]} trailing',
        b"{'file_ids':[70000]}",
        b'{"file_ids":[070000]}',
        b'{"file_ids":[NaN]}',
        b'{"file_ids":[70000],}',
        b"\xff\xfe",
        b'{"\xff":1}',
        b"\x00",
        b"[" * 100_000,
    ],
    ids=lambda body: repr(body[:24]),
)
def test_what_is_not_json_is_refused(http: Any, world: World, body: bytes) -> None:
    problem = assert_problem(post(http, INITIATE, body), 400, "invalid_request", path=INITIATE)
    assert pointers(problem) == [""]
    assert world.table.jobs == {}


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
@pytest.mark.parametrize("path", [INITIATE, CHECK])
def test_another_content_type_is_refused(http: Any, world: World, path: str, content_type: str) -> None:
    answer = post(http, path, {"file_ids": [70000]}, {"Content-Type": content_type} if content_type else {})
    assert_problem(answer, 415, "unsupported_media_type", path=path)
    assert world.table.jobs == {}


@pytest.mark.parametrize("content_type", ["application/json", "Application/JSON", "application/json; charset=utf-8"])
def test_json_is_recognised_however_it_is_written(http: Any, content_type: str) -> None:
    assert post(http, INITIATE, {"file_ids": [70000]}, {"content-type": content_type}).status_code == 202


def test_a_body_that_is_too_large_is_refused(http: Any, world: World) -> None:
    largest = json.dumps({"file_ids": [70000]}).encode().ljust(MAX_BODY_BYTES)
    assert post(http, INITIATE, largest).status_code == 202
    world.table.jobs.clear()
    problem = assert_problem(post(http, INITIATE, largest + b" "), 413, "request_too_large", path=INITIATE)
    assert f"{MAX_BODY_BYTES:,}" in problem["detail"]
    assert world.table.jobs == {}


def test_too_many_files_are_refused(http: Any, world: World) -> None:
    answer = post(http, INITIATE, {"file_ids": list(range(10_000, 10_001 + MAX_FILES_PER_JOB))})
    problem = assert_problem(answer, 413, "too_many_files", path=INITIATE)
    assert "100,001" in problem["detail"] and "100,000" in problem["detail"]
    assert world.table.jobs == {}


def test_the_largest_job_is_accepted(http: Any, world: World) -> None:
    answer = post(http, INITIATE, {"file_ids": list(range(10_000, 10_000 + MAX_FILES_PER_JOB))})
    assert (answer.status_code, answer.json_body["totalFileIds"]) == (202, MAX_FILES_PER_JOB)
    assert world.job(answer.json_body["jobId"]).batches == 500


def test_a_long_name_of_an_unknown_field_does_not_make_a_long_answer(http: Any) -> None:
    answer = post(http, INITIATE, {"file_ids": [70000], "x" * 3_000_000: 1})
    assert_problem(answer, 400, "invalid_request", path=INITIATE)
    assert len(answer.body) < 10_000


# --- addresses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cursor", "-1"),
        ("cursor", "1.5"),
        ("cursor", "abc"),
        ("cursor", ""),
        ("cursor", "100001"),
        ("cursor", "9" * 5_000),
        ("cursor", "%D9%A1"),  # an Arabic digit
        ("limit", "0"),
        ("limit", "1001"),
        ("limit", "ten"),
    ],
)
def test_a_bad_query_of_a_status_is_named(http: Any, name: str, value: str) -> None:
    path = f"/v1/download/status/{UNKNOWN_JOB}"
    problem = assert_problem(http.get(f"{path}?{name}={value}"), 400, "invalid_request", path=path)
    assert pointers(problem) == [f"/{name}"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [("limit=0", "/limit"), ("limit=101", "/limit"), ("status=done", "/status"), ("cursor=bm9uc2Vuc2U%3D", "/cursor")],
)
def test_a_bad_query_of_the_job_list_is_named(http: Any, query: str, pointer: str) -> None:
    problem = assert_problem(http.get(f"/v1/download/jobs?{query}"), 400, "invalid_request", path="/v1/download/jobs")
    assert pointers(problem) == [pointer]


JOB_ROUTES = [("GET", "/v1/download/status/"), ("GET", "/v1/download/"), ("DELETE", "/v1/download/")]


@pytest.mark.parametrize(("method", "route"), JOB_ROUTES)
@pytest.mark.parametrize(
    "job_id",
    [
        UNKNOWN_JOB,
        "7",
        "nonsense",
        "..",
        "%2e%2e",
        "null",
        "6f6b0f9e-0000-4000-8000-00000000000",
        "6f6b0f9e-0000-4000-8000-0000000000011",
        "6f6b0f9e-0000-4000-8000-00000000000g",
        "{6f6b0f9e00004000800000000000000001}",
        "6f6b0f9e_0000_4000_8000_000000000001",
        "x" * 5_000,
    ],
    ids=lambda text: text[:40],
)
def test_an_unknown_or_malformed_job_id_is_not_found(http: Any, method: str, route: str, job_id: str) -> None:
    problem = assert_problem(http.request(method, route + job_id), 404, "job_not_found", path=route + job_id)
    assert len(problem["detail"]) < 200


@pytest.mark.parametrize(("method", "route"), JOB_ROUTES)
def test_somebody_elses_job_is_not_found(http: Any, world: World, method: str, route: str) -> None:
    path = route + world.start(70000).job_id
    assert_problem(http.request(method, path), 404, "job_not_found", path=path)


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_an_unknown_route_is_not_found_whatever_the_method(http: Any, method: str) -> None:
    assert_problem(http.request(method, "/nothing"), 404, "not_found", path="/nothing")


ALLOWED = {
    "/": {"GET", "HEAD"},
    "/health": {"GET", "HEAD"},
    INITIATE: {"POST"},
    CHECK: {"POST"},
    f"/v1/download/status/{UNKNOWN_JOB}": {"GET"},
    "/v1/download/jobs": {"GET"},
    f"/v1/download/{UNKNOWN_JOB}": {"GET", "HEAD", "DELETE"},
}


METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.mark.parametrize(
    ("path", "method"), [(path, method) for path in ALLOWED for method in METHODS if method not in ALLOWED[path]]
)
def test_a_method_that_is_not_possible_is_told_with_those_that_are(
    http: Any, world: World, path: str, method: str
) -> None:
    answer = http.request(method, path)
    assert_problem(answer, 405, "method_not_allowed", path=path)
    assert set(answer.headers["Allow"].split(", ")) == ALLOWED[path] | {"OPTIONS"}
    assert world.table.jobs == {}


# --- what all problems share ------------------------------------------------------------


def test_a_problem_repeats_the_request_id_of_its_caller(http: Any) -> None:
    answer = http.get("/nothing", headers={"X-Request-ID": "mine-1"})
    assert assert_problem(answer, 404, "not_found", path="/nothing")["requestId"] == "mine-1"


@pytest.mark.parametrize(("broken", "error"), [("table", "table_unavailable"), ("store", "storage_unavailable")])
def test_an_outage_is_told_with_a_time_to_come_back_and_without_its_cause(
    http: Any, world: World, broken: str, error: str
) -> None:
    world.table.down, world.store.down = broken == "table", broken == "store"
    path, body = (INITIATE, {"file_ids": [70000]}) if broken == "table" else (CHECK, {"file_id": 70000})
    answer = post(http, path, body)
    problem = assert_problem(answer, 503, error, path=path)
    assert int(answer.headers["Retry-After"]) > 0
    assert "it is down" not in json.dumps(problem)


def test_a_crash_leaks_nothing(http: Any, world: World) -> None:
    world.store.objects = None  # type: ignore[assignment]
    problem = assert_problem(post(http, CHECK, {"file_id": 70000}), 500, "internal_error", path=CHECK)
    assert "NoneType" not in json.dumps(problem)
    assert "requestId" in problem["detail"]
