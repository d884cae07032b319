"""Requests that come twice with one Idempotency-Key, on the wire and at the same instant."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.integration.deployment import Deployment
from tests.integration.stack import wait_for
from tests.integration.test_http import problem

INITIATE = "/v1/download/initiate"


def test_many_at_one_instant_make_one_job(local: Deployment) -> None:
    key = str(uuid.uuid4())

    def send(_: int) -> httpx.Response:
        return local.call("POST", INITIATE, json={"file_ids": [63_000, 63_001]}, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(24)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    accepted = [answer.json() for answer in answers if answer.status_code == 202]
    assert len({answer["jobId"] for answer in accepted}) == 1
    for answer in answers:
        if answer.status_code == 409:
            problem(answer, 409, "request_in_progress")
            assert answer.headers["retry-after"] == "1"
    again = wait_for("answer", lambda: next((a for a in [send(0)] if a.status_code == 202), None), seconds=10)
    assert {**again.json(), "ticket": ""} == {**accepted[0], "ticket": ""}
    assert again.headers["idempotency-replayed"] == "true"


def test_a_key_does_not_serve_for_two_requests(local: Deployment) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    assert local.call("POST", INITIATE, json={"file_ids": [63_000]}, headers=headers).status_code == 202
    answer = local.call("POST", INITIATE, json={"file_ids": [63_001]}, headers=headers)
    problem(answer, 422, "idempotency_key_reused")


def test_a_refused_request_leaves_its_key_free(local: Deployment) -> None:
    headers = {"Idempotency-Key": str(uuid.uuid4())}
    assert local.call("POST", INITIATE, json={"file_ids": [1]}, headers=headers).status_code == 400
    assert local.call("POST", INITIATE, json={"file_ids": [63_000]}, headers=headers).status_code == 202


def test_a_retry_with_a_key_runs_once(local: Deployment) -> None:
    job_id = local.initiate([63_000])
    local.ended(job_id)
    answer = local.call("POST", f"/v1/download/{job_id}/retry", headers={"Idempotency-Key": "again"})
    problem(answer, 409, "nothing_to_retry")  # nothing that is missing can be retried, and the key stays free
