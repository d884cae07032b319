"""Who gets in where: credentials, tickets, and what nobody but the owner may know of a job."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from app import app
from chalicelib.jobs.model import JobStatus
from tests.support.api import (
    ALICE,
    BOB,
    BY_TICKET,
    IAM,
    INITIATE,
    JOBS,
    JWT,
    NOBODY,
    OF_JOBS,
    OPERATIONS,
    PUBLIC,
    ROLE,
    UNKNOWN_JOB,
    USER,
    assert_problem,
    bearer,
    called,
    initiated,
    ready,
    signer,
)
from tests.support.builders import World
from tests.support.services import Gateway, WorldServices, in_use


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def jwt(world: World) -> Iterator[WorldServices]:
    with in_use(world, **JWT) as services:
        yield services


@pytest.fixture
def iam(world: World) -> Iterator[WorldServices]:
    with in_use(world, **IAM) as services:
        yield services


def test_the_table_of_operations_is_not_empty() -> None:
    assert {("POST", INITIATE), ("DELETE", "/v1/download/{job_id}"), ("GET", JOBS)} <= set(OPERATIONS)
    assert {path for _, path in OF_JOBS} >= BY_TICKET


# --- without credentials ----------------------------------------------------------------


@pytest.mark.parametrize("mode", [JWT, IAM], ids=["jwt", "iam"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_without_credentials_only_public_routes_open(
    world: World, mode: dict[str, str], method: str, path: str
) -> None:
    with in_use(world, **mode):
        answer = called(NOBODY, method, path)
    if (method.replace("HEAD", "GET"), path) in PUBLIC:
        assert answer.status_code < 400 or (path, answer.status_code) == ("/docs/{asset}", 404)
        return
    assert_problem(answer, 401, "unauthenticated", path=path_called(path))
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.headers["RateLimit-Limit"] == "2000" if "stream" not in path else "1000"
    assert (world.table.jobs, world.queue.messages) == ({}, [])


def path_called(path: str) -> str:
    return path.replace("{job_id}", UNKNOWN_JOB).replace("{number}", "0")


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_in_mode_none_nobody_is_asked_who_they_are(world: World, method: str, path: str) -> None:
    with in_use(world):
        assert called(NOBODY, method, path).status_code != 401


@pytest.mark.parametrize("mode", [{}, JWT, IAM], ids=["none", "jwt", "iam"])
def test_unknown_routes_and_methods_tell_so_before_credentials_are_asked_for(
    world: World, mode: dict[str, str]
) -> None:
    with in_use(world, **mode):
        assert_problem(NOBODY.get("/nothing"), 404, "not_found", path="/nothing")
        assert_problem(NOBODY("PUT", INITIATE), 405, "method_not_allowed", path=INITIATE)
        assert NOBODY("OPTIONS", INITIATE).status_code == 204


# --- bearer tokens ----------------------------------------------------------------------


def test_a_bearer_of_a_token_gets_in_and_owns_what_it_made(jwt: WorldServices, world: World) -> None:
    job_id = initiated(ALICE)["jobId"]
    assert world.job(job_id).owner == "user:alice"
    assert ALICE.get(f"/v1/download/status/{job_id}").json_body["jobId"] == job_id


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer forged", "token-of-alice", "Bearer token-of-a token-of-b"]
)
def test_bad_credentials_are_refused_with_a_challenge(jwt: WorldServices, header: str) -> None:
    answer = Gateway(app, {"Authorization": header}).get(JOBS)
    assert_problem(answer, 401, "unauthenticated", path=JOBS)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_user_by_the_name_of_a_stand_in_is_not_taken_for_it(jwt: WorldServices, world: World) -> None:
    with in_use(world):
        nobody_s = initiated(NOBODY)["jobId"]
    with in_use(world, **JWT):
        alice_s = initiated(ALICE)["jobId"]
        for name in ("anonymous", "ticket", "user:alice", "Alice"):
            for job_id in (nobody_s, alice_s):
                assert bearer(name).get(f"/v1/download/status/{job_id}").status_code in (401, 404)


def test_a_signature_means_nothing_where_tokens_are_asked_for(jwt: WorldServices) -> None:
    assert signer(USER).get(JOBS).status_code == 401


def test_an_issuer_out_of_reach_is_an_outage_not_a_refusal(jwt: WorldServices) -> None:
    jwt.verifier.down = True
    answer = ALICE.get(JOBS)
    assert_problem(answer, 503, "keys_unavailable", path=JOBS)
    assert "Retry-After" in answer.headers
    assert NOBODY.get("/").status_code == 200


# --- signatures -------------------------------------------------------------------------


def test_a_user_and_a_role_get_in_by_what_the_gateway_says_of_them(iam: WorldServices, world: World) -> None:
    owners = {arn: world.job(initiated(signer(arn))["jobId"]).owner for arn in (USER, ROLE + "a", ROLE + "b@c/d")}
    role = "arn:aws:iam::000000000000:role/exports"
    assert owners == {USER: USER, ROLE + "a": role, ROLE + "b@c/d": role}


def test_roles_of_other_names_accounts_and_partitions_are_others(iam: WorldServices) -> None:
    job_id = initiated(signer(ROLE + "a"))["jobId"]
    for arn in (
        ROLE.replace("exports", "imports") + "a",
        ROLE.replace("000000000000", "000000000001") + "a",
        ROLE.replace("arn:aws:", "arn:aws-cn:") + "a",
        "arn:aws:sts::000000000000:federated-user/exports",
        USER,
    ):
        assert signer(arn).get(f"/v1/download/status/{job_id}").status_code == 404
    assert signer(ROLE + "another").get(f"/v1/download/status/{job_id}").status_code == 200


def test_a_token_means_nothing_where_signatures_are_asked_for(iam: WorldServices) -> None:
    assert ALICE.get(JOBS).status_code == 401


# --- other people's jobs ----------------------------------------------------------------


@pytest.mark.parametrize("status", [None, JobStatus.READY])
@pytest.mark.parametrize(("method", "path"), OF_JOBS)
def test_for_anybody_else_a_job_does_not_exist(
    jwt: WorldServices, world: World, method: str, path: str, status: JobStatus | None
) -> None:
    job_id = (ready(world, ALICE) if status else initiated(ALICE))["jobId"]
    before = world.job(job_id), list(world.table.trail[job_id]), list(world.queue.messages)
    theirs, unknown = called(BOB, method, path, job_id), called(BOB, method, path)
    problem = assert_problem(theirs, 404, "job_not_found", path=path.replace("{job_id}", job_id).format(number=0))
    expected = json.dumps(unknown.json_body).replace(UNKNOWN_JOB, job_id)
    assert {**problem, "requestId": ""} == {**json.loads(expected), "requestId": ""}
    assert (world.job(job_id), list(world.table.trail[job_id]), list(world.queue.messages)) == before


def test_an_expired_job_of_somebody_else_does_not_exist_either(jwt: WorldServices, world: World) -> None:
    job_id = ready(world, ALICE)["jobId"]
    world.clock.advance(10**7)
    for method, path in OF_JOBS:
        assert called(BOB, method, path, job_id).status_code == 404
        assert called(ALICE, method, path, job_id).status_code == (200 if path.endswith("/events") else 410)


def test_nobody_lists_the_jobs_of_others(jwt: WorldServices) -> None:
    job_id = initiated(ALICE)["jobId"]
    assert BOB.get(JOBS).json_body == {"jobs": [], "nextCursor": None}
    assert [job["jobId"] for job in ALICE.get(JOBS).json_body["jobs"]] == [job_id]


def test_a_cursor_of_somebody_else_s_list_leads_to_no_jobs_of_theirs(jwt: WorldServices) -> None:
    for _ in range(3):
        initiated(ALICE)
    cursor = ALICE.get(f"{JOBS}?limit=1").json_body["nextCursor"]
    assert BOB.get(f"{JOBS}?cursor={cursor}").json_body["jobs"] == []
