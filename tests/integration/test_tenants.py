"""A stack whose callers bear tokens: forged ones, and a second tenant who tries to see the first one's job."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from tests.integration.deployment import PATIENCE, Deployment
from tests.integration.stack import wait_for
from tests.integration.test_http import problem
from tests.integration.test_webhooks import receiving
from tests.support.bad_tokens import FORGERIES
from tests.support.oidc import Issuer

FILE = 62_000
OPEN = ("/", "/health", "/openapi", "/docs")
OF_A_JOB = (
    ("GET", "/v1/download/status/{}"),
    ("GET", "/v1/download/stream/{}"),
    ("GET", "/v1/download/{}"),
    ("DELETE", "/v1/download/{}"),
    ("GET", "/v1/download/{}/files/0"),
    ("GET", "/v1/download/{}/archives/0"),
    ("GET", "/v1/download/{}/events"),
    ("POST", "/v1/download/{}/retry"),
)
BY_TICKET = ("/v1/download/stream/{}", "/v1/download/{}", "/v1/download/{}/files/0", "/v1/download/{}/archives/0")
KEYS_KNOWN_AFTER = 60.0  # seconds; a container that has just been asked for forged keys does not look again at once


@pytest.fixture
def mallory(members: Deployment, issuer: Issuer) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {issuer.token('mallory')}"}
    with httpx.Client(base_url=members.stack.url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def nobody(members: Deployment) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=members.stack.url, timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def job(members: Deployment) -> dict[str, Any]:
    """A job of alice's with an archive, ready."""
    members.put(FILE, b"alice's")
    found = members.run([FILE], archive=True)
    assert found["status"] == "ready"
    return found


def test_only_the_public_routes_are_open_to_nobody(nobody: httpx.Client, job: dict[str, Any]) -> None:
    for path in OPEN:
        assert nobody.get(path).status_code == 200, path
    problem(nobody.get("/v1/nowhere"), 404, "not_found")
    for method, path in (*OF_A_JOB, ("GET", "/v1/download/jobs"), ("GET", "/v1/limits")):
        answer = nobody.request(method, path.format(job["jobId"]))
        problem(answer, 401, "unauthenticated")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    problem(nobody.post("/v1/download/initiate", json={"file_ids": [FILE]}), 401, "unauthenticated")


def test_every_forged_token_is_refused(members: Deployment, nobody: httpx.Client, issuer: Issuer) -> None:
    taken = []
    for forgery in FORGERIES:
        answer = nobody.get("/v1/limits", headers={"Authorization": f"Bearer {forgery.make(issuer)}"})
        if answer.status_code != 401:
            taken.append((forgery.name, answer.status_code))
    assert not taken
    assert members.call("GET", "/v1/limits").status_code == 200


def test_another_tenants_job_does_not_exist_anywhere(mallory: httpx.Client, job: dict[str, Any]) -> None:
    for method, path in OF_A_JOB:
        problem(mallory.request(method, path.format(job["jobId"])), 404, "job_not_found")
    assert mallory.get("/v1/download/jobs").json() == {"jobs": [], "nextCursor": None}


def test_a_cursor_of_another_tenant_leads_to_ones_own_jobs_only(members: Deployment, mallory: httpx.Client) -> None:
    members.run([FILE])
    cursor = members.call("GET", "/v1/download/jobs?limit=1").json()["nextCursor"]
    answer = mallory.get("/v1/download/jobs", params={"cursor": cursor})
    assert answer.status_code in (200, 400)
    assert "jobs" not in answer.json() or answer.json()["jobs"] == []


def test_the_owner_reads_her_job_and_who_did_what(members: Deployment, issuer: Issuer, job: dict[str, Any]) -> None:
    listed = members.call("GET", "/v1/download/jobs").json()["jobs"]
    assert job["jobId"] in [found["jobId"] for found in listed]
    events = members.call("GET", f"/v1/download/{job['jobId']}/events").json()["events"]
    assert (events[0]["kind"], events[0]["by"]) == ("created", f"user:{issuer.url}#alice")
    assert {"ready", "links_issued"} <= {event["kind"] for event in events}


def test_webhooks_are_signed_for_the_caller_alone(
    members: Deployment, mallory: httpx.Client, nobody: httpx.Client
) -> None:
    members.put(FILE, b"alice's")
    with receiving() as receiver:
        members.run([FILE], callbackUrl=receiver.url)
        wait_for("webhook", lambda: bool(receiver.got), seconds=PATIENCE)
    headers, body = receiver.got[0]
    (hers,) = members.call("GET", "/v1/webhook-secret").json()["secrets"]
    assert Webhook(hers).verify(body, headers)["type"] == "job.ready"
    (other,) = mallory.get("/v1/webhook-secret").json()["secrets"]
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(body, headers)
    problem(nobody.get("/v1/webhook-secret"), 401, "unauthenticated")


def test_a_ticket_opens_its_job_to_a_browser_and_nothing_else(
    members: Deployment, nobody: httpx.Client, job: dict[str, Any]
) -> None:
    ticket = {"ticket": job["ticket"]}
    assert nobody.get(BY_TICKET[0].format(job["jobId"]), params=ticket).status_code == 200
    for path in BY_TICKET[1:]:
        assert nobody.get(path.format(job["jobId"]), params=ticket).status_code == 302, path
    other = members.run([FILE])["jobId"]
    for path in BY_TICKET:
        problem(nobody.get(path.format(other), params=ticket), 401, "unauthenticated")
    for method, path in OF_A_JOB:
        if method != "GET" or path not in BY_TICKET:
            problem(nobody.request(method, path.format(job["jobId"]), params=ticket), 401, "unauthenticated")


def test_no_ticket_is_ever_in_a_log(members: Deployment, nobody: httpx.Client, job: dict[str, Any]) -> None:
    nobody.get(f"/v1/download/stream/{job['jobId']}", params={"ticket": job["ticket"]})
    nobody.get(f"/v1/download/stream/{job['jobId']}", params={"ticket": job["ticket"] + "x"})
    assert job["jobId"] in members.stack.log
    assert job["ticket"].partition(".")[2] not in members.stack.log


@pytest.mark.slow
def test_keys_that_the_issuer_rotates_are_learnt(members: Deployment, issuer: Issuer) -> None:
    issuer.rotate()
    headers = {"Authorization": f"Bearer {issuer.token('alice')}"}

    def known() -> bool:
        return httpx.get(f"{members.stack.url}/v1/limits", headers=headers).status_code == 200

    wait_for("answer to a token of the new key", known, seconds=KEYS_KNOWN_AFTER, pause=0.5)
    assert members.call("GET", "/v1/limits").status_code == 200  # the old key is still published
