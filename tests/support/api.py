"""The API as tests call it: its addresses, some callers, and the shape of a problem."""

from __future__ import annotations

import json
import re
from typing import Any

from chalice.test import HTTPResponse

from app import app
from chalicelib.api import operations
from tests.support.builders import World
from tests.support.services import Gateway

INITIATE = "/v1/download/initiate"
CHECK = "/v1/download/check"
UNKNOWN_JOB = "6f6b0f9e-0000-4000-8000-000000000009"
JSON = {"Content-Type": "application/json"}
REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

JWT = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://issuer.test/", "AUTH_AUDIENCE": "lorry"}
IAM = {"AUTH_MODE": "iam"}
USER = "arn:aws:iam::000000000000:user/alice"
ROLE = "arn:aws:sts::000000000000:assumed-role/exports/"

JOBS = "/v1/download/jobs"
PUBLIC_PATHS = (
    *("/", "/health", "/openapi", "/docs", "/docs/{asset}"),
    *("/dashboard", "/dashboard/{part}", "/dashboard/jobs/{page}"),
)
PUBLIC = {("GET", path) for path in PUBLIC_PATHS}
BY_TICKET = {
    "/v1/download/stream/{job_id}",
    "/v1/download/{job_id}",
    "/v1/download/{job_id}/files/{number}",
    "/v1/download/{job_id}/archives/{number}",
}
# Every operation there is, so that a new route cannot be forgotten here.
OPERATIONS = sorted(
    (method, operation.path)
    for operation in operations.OPERATIONS
    for method in ((operation.method, "HEAD") if operation.answers_head else (operation.method,))
)
OF_JOBS = [(method, path) for method, path in OPERATIONS if "{job_id}" in path]
BODIES = {INITIATE: {"file_ids": [70000]}, CHECK: {"file_id": 70000}, "/v1/download/start": {"file_id": 70000}}

NOBODY = Gateway(app)


def bearer(name: str) -> Gateway:
    return Gateway(app, {"Authorization": f"Bearer token-of-{name}"})


def signer(arn: str) -> Gateway:
    return Gateway(app, arn=arn)


ALICE, BOB = bearer("alice"), bearer("bob")


def post(http: Any, path: str, body: Any, headers: dict[str, str] | None = None) -> HTTPResponse:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer: HTTPResponse = http.post(path, headers=JSON if headers is None else headers, body=data)
    return answer


def assert_problem(answer: HTTPResponse, status: int, error: str, *, path: str) -> dict[str, Any]:
    """The answer is a problem of this kind, shaped as the contract has it. Its document."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json_body
    required = {"type", "title", "status", "detail", "instance", "error", "message", "requestId"}
    assert required <= problem.keys() <= required | {"errors"}
    assert (problem["status"], problem["error"], problem["type"]) == (status, error, f"urn:lorry:problem:{error}")
    assert problem["instance"] == path
    assert problem["message"] == problem["detail"]
    assert problem["title"] and problem["detail"]
    assert problem["requestId"] == answer.headers["X-Request-ID"]
    return problem


def pointers(problem: dict[str, Any]) -> list[str]:
    assert all(place.keys() == {"pointer", "detail"} and place["detail"] for place in problem["errors"])
    return [place["pointer"] for place in problem["errors"]]


def initiated(caller: Gateway) -> dict[str, Any]:
    answer = caller.post(INITIATE, {"file_ids": [70000]})
    assert answer.status_code == 202
    document: dict[str, Any] = answer.json_body
    return document


def ready(world: World, caller: Gateway) -> dict[str, Any]:
    world.store.put("downloads/70000.zip")
    document = initiated(caller)
    world.work_off()
    return document


def called(caller: Gateway, method: str, path: str, job_id: str = UNKNOWN_JOB, query: str = "") -> HTTPResponse:
    address = (
        path.replace("{job_id}", job_id)
        .replace("{number}", "0")
        .replace("{asset}", "start.js")
        .replace("{part}", "new")
    )
    return caller(method, address + query, BODIES.get(path, {} if method == "POST" else None))
