"""The WebSocket API of a stack whose callers bear tokens: who is let in, and who sees which job."""

from __future__ import annotations

import pytest
from websockets.exceptions import InvalidStatus

from tests.integration.deployment import Deployment, Document
from tests.integration.websocket_client import connected
from tests.support.oidc import Issuer

FILE = 66_000


@pytest.fixture(scope="module", autouse=True)
def one_file(members: Deployment) -> None:
    members.put(FILE, b"alice's")


@pytest.fixture(scope="module")
def job(members: Deployment) -> Document:
    """A job of alice's."""
    return members.run([FILE])


def bearer(issuer: Issuer, name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token(name, exp=2**33)}"}


def test_the_bearer_of_a_token_watches_her_own_jobs(members: Deployment, issuer: Issuer) -> None:
    with connected(members, headers=bearer(issuer, "alice")) as client:
        job_id = members.initiate([FILE])
        heard = client.subscribe(job_id)
        while heard["event"] == "progress":
            heard = client.hear()
    assert heard["event"] == "ready", heard


def test_a_job_of_another_principal_does_not_exist(members: Deployment, issuer: Issuer, job: Document) -> None:
    with connected(members, headers=bearer(issuer, "mallory")) as client:
        assert client.subscribe(job["jobId"])["error"] == "job_not_found"


def test_a_client_without_a_token_or_with_a_forged_one_is_refused(members: Deployment, issuer: Issuer) -> None:
    expired = {"Authorization": f"Bearer {issuer.token('alice', exp=1)}"}
    for headers in ({}, expired, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        with pytest.raises(InvalidStatus), connected(members, headers=headers):
            pass


def test_a_ticket_opens_its_job_and_no_other(members: Deployment, job: Document) -> None:
    ticket, other = members.brief(job["jobId"])["ticket"], members.run([FILE])
    with connected(members, query=f"?ticket={ticket}") as client:
        assert client.subscribe(job["jobId"])["event"] == "ready"
        assert client.subscribe(other["jobId"])["error"] == "job_not_found"
        assert client.subscribe(other["jobId"], ticket=other["ticket"])["event"] == "ready"


def test_a_client_with_a_forged_ticket_is_refused(members: Deployment, job: Document) -> None:
    for ticket in ("9999999999999.AAAA", job["ticket"] + "x", "x"):
        with pytest.raises(InvalidStatus), connected(members, query=f"?ticket={ticket}"):
            pass


def test_no_ticket_is_in_a_log(members: Deployment, job: Document) -> None:
    ticket = members.brief(job["jobId"])["ticket"]
    with connected(members, query=f"?ticket={ticket}") as client:
        client.subscribe(job["jobId"], ticket=ticket)
    assert ticket.partition(".")[2] not in members.stack.log
