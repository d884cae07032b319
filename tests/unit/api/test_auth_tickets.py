"""Tickets over HTTP: what they open, for which job, and that nobody else gets to read them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from tests.support.api import (
    ALICE,
    BY_TICKET,
    IAM,
    JWT,
    NOBODY,
    OF_JOBS,
    UNKNOWN_JOB,
    USER,
    assert_problem,
    called,
    initiated,
    ready,
)
from tests.support.builders import World
from tests.support.services import Gateway, WorldServices, in_use

CALLERS = {"jwt": (JWT, ALICE), "iam": (IAM, Gateway(app, arn=USER))}


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture(params=list(CALLERS))
def owner(request: pytest.FixtureRequest, world: World) -> Iterator[Gateway]:
    environment, owner = CALLERS[request.param]
    with in_use(world, **environment):
        yield owner


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world, **JWT) as services:
        yield services


def test_initiate_and_status_hand_out_a_ticket(owner: Gateway) -> None:
    document = initiated(owner)
    again = owner.get(f"/v1/download/status/{document['jobId']}").json_body
    assert document["ticket"] and again["ticket"]


@pytest.mark.parametrize(("method", "path"), OF_JOBS)
def test_a_ticket_opens_what_a_browser_calls_by_itself_and_nothing_else(
    owner: Gateway, world: World, method: str, path: str
) -> None:
    document = ready(world, owner)
    before = world.job(document["jobId"])
    answer = called(NOBODY, method, path, document["jobId"], f"?ticket={document['ticket']}")
    if (method == "GET" and path in BY_TICKET) or (method == "HEAD" and path in BY_TICKET and "stream" not in path):
        expected = 404 if "archives" in path else 200 if "stream" in path else 302  # the job has no archive
        assert answer.status_code == expected
    else:
        assert_problem(answer, 401, "unauthenticated", path=path.replace("{job_id}", document["jobId"]))
    assert world.job(document["jobId"]) == before


@pytest.mark.parametrize("path", sorted(BY_TICKET))
def test_a_ticket_for_another_job_opens_nothing(owner: Gateway, world: World, path: str) -> None:
    mine, other = ready(world, owner)["jobId"], ready(world, owner)["ticket"]
    answer = called(NOBODY, "GET", path, mine, f"?ticket={other}")
    assert_problem(answer, 401, "unauthenticated", path=path.replace("{job_id}", mine).format(number=0))


def test_a_ticket_ends(owner: Gateway, world: World) -> None:
    document = initiated(owner)
    path = f"/v1/download/stream/{document['jobId']}"
    world.clock.advance(449)
    assert NOBODY.get(f"{path}?ticket={document['ticket']}").status_code == 200
    world.clock.advance(451)
    assert_problem(NOBODY.get(f"{path}?ticket={document['ticket']}"), 401, "unauthenticated", path=path)


@pytest.mark.parametrize(
    "ticket", ["", "made-up", "1.2", "9" * 5_000, "%C3%A9", "%ED%A0%80", "%00", "999999999999999.x"]
)
def test_a_ticket_that_somebody_made_up_opens_nothing(services: WorldServices, world: World, ticket: str) -> None:
    path = f"/v1/download/{ready(world, ALICE)['jobId']}"
    assert_problem(NOBODY.get(f"{path}?ticket={ticket}"), 401, "unauthenticated", path=path)


def test_good_credentials_need_no_good_ticket(services: WorldServices, world: World) -> None:
    path = f"/v1/download/{ready(world, ALICE)['jobId']}"
    assert ALICE.get(f"{path}?ticket=made-up").status_code == 302


def test_a_ticket_is_ignored_where_nobody_needs_one(world: World) -> None:
    with in_use(world):
        path = f"/v1/download/{ready(world, NOBODY)['jobId']}"
        assert NOBODY.get(f"{path}?ticket=made-up").status_code == 302


def test_a_ticket_of_a_job_that_is_gone_tells_so(services: WorldServices, world: World) -> None:
    ticket = services.tickets.issue(UNKNOWN_JOB)
    path = f"/v1/download/{UNKNOWN_JOB}"
    assert_problem(NOBODY.get(f"{path}?ticket={ticket}"), 404, "job_not_found", path=path)


def test_what_a_ticket_holder_read_stands_in_the_audit_trail_as_theirs(services: WorldServices, world: World) -> None:
    document = ready(world, ALICE)
    NOBODY.get(f"/v1/download/{document['jobId']}?ticket={document['ticket']}")
    assert world.table.trail[document["jobId"]][-1].actor.by == "ticket"


def test_tickets_of_all_jobs_are_counted_as_their_owner(services: WorldServices, world: World) -> None:
    for _ in range(3):
        document = ready(world, ALICE)
        before = int(ALICE.get("/v1/limits").headers["RateLimit-Remaining"])
        answer = NOBODY.get(f"/v1/download/{document['jobId']}?ticket={document['ticket']}")
        assert (answer.status_code, int(answer.headers["RateLimit-Remaining"])) == (302, before - 1)


def test_tickets_are_counted_by_job_while_its_owner_cannot_be_found_out(services: WorldServices, world: World) -> None:
    document = ready(world, ALICE)
    services.owners.owner_of(document["jobId"])
    world.table.down = True
    assert services.owners.owner_of(document["jobId"]) == "user:alice"  # remembered
    assert services.owners.owner_of(UNKNOWN_JOB) == ""
    NOBODY.get(f"/v1/download/{UNKNOWN_JOB}?ticket={services.tickets.issue(UNKNOWN_JOB)}")
    world.table.down = False
    assert NOBODY.get(f"/v1/download/{document['jobId']}?ticket={document['ticket']}").status_code == 302


def test_a_ticket_cannot_be_counted_apart_from_itself_by_writing_the_job_id_differently(
    services: WorldServices, world: World
) -> None:
    document = ready(world, ALICE)
    before = len(world.counter.counts)
    for spelling in spellings(document["jobId"]):
        NOBODY.get(f"/v1/download/{spelling}?ticket={document['ticket']}")
    assert len(world.counter.counts) <= before + 2  # the ticket's, and those that are refused: the address's


def spellings(job_id: str) -> list[str]:
    plain = job_id.replace("-", "")
    return [
        job_id,
        job_id.upper(),
        f"----{plain}",
        f"{plain}----",
        f"-{plain}---",
        f"{{--{plain}}}",
        f"--{plain[:9]}--{plain[9:]}",
    ]


# --- nobody else reads them -------------------------------------------------------------


@pytest.fixture
def failing_on_purpose(world: World) -> Iterator[None]:
    with in_use(world, SENTRY_TEST="true", **JWT):
        yield


@pytest.mark.usefixtures("failing_on_purpose")
def test_no_line_of_the_log_holds_a_ticket_a_token_or_a_query(
    world: World, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    document = ready(world, ALICE)
    ticket, job_id = document["ticket"], document["jobId"]
    query = f"?ticket={ticket}&sentry_test=true&hidden=in-query"
    for method, path in (*OF_JOBS, ("POST", "/v1/download/check"), ("GET", "/nothing"), ("PUT", "/v1/download/check")):
        for caller in (NOBODY, ALICE):
            called(caller, method, path, job_id, query)
    called(ALICE, "POST", "/v1/download/check", job_id, "?sentry_test=true")
    world.table.down = world.counter.down = True
    called(NOBODY, "GET", "/v1/download/{job_id}", job_id, query)
    logged = capsys.readouterr().out + "".join(record.getMessage() + str(record.__dict__) for record in caplog.records)
    assert f"/v1/download/{job_id}" in logged and "raised on purpose" in logged
    signature = ticket.partition(".")[2]
    for secret in (signature, ticket, "token-of-alice", "hidden", "in-query", "ticket="):
        assert secret not in logged


def test_no_answer_repeats_a_ticket_that_it_was_shown(services: WorldServices, world: World) -> None:
    document = ready(world, ALICE)
    for path in sorted(BY_TICKET):
        for job_id in (document["jobId"], UNKNOWN_JOB):
            answer = called(NOBODY, "GET", path, job_id, f"?ticket={document['ticket']}")
            assert document["ticket"] not in answer.body.decode() + str(answer.headers)


def links_of(document: dict[str, Any]) -> str:
    return str(document["links"]) + str([file["address"] for file in document["files"]])


def test_no_link_carries_a_ticket(services: WorldServices, world: World) -> None:
    job_id = ready(world, ALICE)["jobId"]
    assert "ticket" not in links_of(ALICE.get(f"/v1/download/status/{job_id}").json_body)
