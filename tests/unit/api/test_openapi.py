"""The OpenAPI document: it is valid, and it says of the app all there is and nothing else."""

from __future__ import annotations

import json
import re
from typing import Any

import jsonschema_rs
import pytest
from chalice.test import Client
from openapi_spec_validator import OpenAPIV31SpecValidator

from app import app
from chalicelib import errors
from chalicelib.api.openapi import document, possible
from chalicelib.api.operations import OPERATIONS
from chalicelib.api.problems import PROBLEMS
from tests.support.builders import World
from tests.support.openapi import DOCUMENT, settings
from tests.support.services import in_use

JOB_ID = "6f6b0f9e-0000-4000-8000-000000000009"
VALUES = {"part": "new", "page": "one", "job_id": JOB_ID, "number": "0", "asset": "start.js"}
CATCH_ALL = "/{proxy+}"


def concrete(path: str) -> str:
    """The path with a value for each parameter."""
    return re.sub(r"\{(\w+)\}", lambda found: VALUES[found[1]], path)


def routes() -> set[tuple[str, str]]:
    """The methods and paths that the app serves; HEAD and OPTIONS go without saying."""
    http = Client(app).http
    methods = [(method, path) for path, entries in app.routes.items() if path != CATCH_ALL for method in entries]
    with in_use(World()):
        return {
            (method, concrete(path))
            for method, path in methods
            if method not in ("HEAD", "OPTIONS") and http.request(method, concrete(path)).status_code != 405
        }


def test_the_document_is_valid() -> None:
    assert list(OpenAPIV31SpecValidator(DOCUMENT).iter_errors()) == []


def test_every_route_is_documented_and_every_documented_operation_is_a_route() -> None:
    assert {(operation.method, concrete(operation.path)) for operation in OPERATIONS} == routes()


def test_every_problem_is_documented() -> None:
    elsewhere = {errors.RouteNotFound, errors.MethodNotAllowed}  # of paths and methods that are no operations
    assert {kind for operation in OPERATIONS for kind in possible(operation)} | elsewhere == set(PROBLEMS)


def test_operations_have_names_of_their_own() -> None:
    names = [operation.id for operation in OPERATIONS]
    assert len(names) == len(set(names))


def test_the_document_of_a_deployment_has_its_address_and_its_limits() -> None:
    keys = {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}
    own = document(settings(S3_ALLOWED_PREFIX="exports/", **keys), "https://lorry.test/base")
    properties = own["components"]["schemas"]["InitiateRequest"]["properties"]
    assert own["servers"] == [{"url": "https://lorry.test/base"}]
    assert properties["linkTtlSeconds"]["maximum"] == 604_800
    assert re.fullmatch(properties["prefix"]["pattern"], "exports/2026/")
    assert not re.fullmatch(properties["prefix"]["pattern"], "downloads/")


KEYS = [
    ("downloads/a", True),
    ("downloads/", True),
    ("downloads/a/b.zip", True),
    ("downloads/a/", True),
    ("downloads/...", True),
    ("downloads/.a", True),
    ("downloads/..a/b", True),
    ("downloads/ü ☃", True),
    ("downloads", False),
    ("a", False),
    ("downloads//a", True),
    ("downloads/.", True),
    ("downloads/../a", True),
    ("downloads/a/..", True),
    ("downloads/a\u0007", True),
    ("downloads/a\u0085", True),
    ("downloads/a\n", True),
    ("downloads/a\u0000b", False),
    ("downloads/a\u0000", False),
]


@pytest.mark.parametrize(("key", "is_good"), KEYS)
def test_keys_are_described_as_they_are_checked(key: str, is_good: bool) -> None:
    pattern = DOCUMENT["components"]["schemas"]["InitiateRequest"]["properties"]["keys"]["items"]["pattern"]
    assert bool(re.fullmatch(pattern, key)) is is_good
    for named in ({"keys": ["downloads/other", key]}, {"prefix": key}):
        with in_use(World()):
            answer = Client(app).http.post(
                "/v1/download/initiate",
                headers={"Content-Type": "application/json"},
                body=json.dumps(named).encode(),
            )
        assert (answer.status_code == 202) is is_good
        if not is_good:
            (problem,) = answer.json_body["errors"]
            assert problem["pointer"] == ("/keys/1" if "keys" in named else "/prefix")


@pytest.mark.parametrize("prefix", ["my-files/", "a.b/", "a+b (c)/", "a\\b/"])
def test_a_prefix_is_meant_letter_by_letter(prefix: str) -> None:
    own = document(settings(S3_ALLOWED_PREFIX=prefix))
    schema = own["components"]["schemas"]["InitiateRequest"]["properties"]["prefix"]
    assert jsonschema_rs.is_valid(schema, f"{prefix}c")
    assert not jsonschema_rs.is_valid(schema, f"{re.sub('[^a-z/]', 'x', prefix)}c")


def called(operation: Any, http: Any, query: str = "") -> int:
    headers = {"Content-Type": "application/json"} if operation.body else {}
    status: int = http.request(operation.method, concrete(operation.path) + query, headers=headers).status_code
    return status


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.id)
def test_credentials_are_asked_for_where_the_document_says_so(operation: Any) -> None:
    issuer = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://issuer.test", "AUTH_AUDIENCE": "lorry"}
    with in_use(World(), **issuer) as services:
        http = Client(app).http
        assert (called(operation, http) == 401) is operation.access.credentials
        if operation.access.tickets:
            assert called(operation, http, f"?ticket={services.tickets.issue(JOB_ID)}") == 404
