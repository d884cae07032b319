"""Requests that come twice with one Idempotency-Key, on the wire and at the same instant."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.integration.deployment import Deployment
from tests.integration.test_http import problem

INITIATE = "/v1/download/initiate"


def test_many_at_one_instant_make_one_job(local: Deployment) -> None:
    key = str(uuid.uuid4())

    def send(_: int) -> httpx.Response:
        return local.call("POST", INITIATE, json={"file_ids": [63_000, 63_001]}, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(24)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["jobId"] for answer in answers}) == 1
    assert [answer.headers.get("idempotency-replayed") for answer in answers].count("true") == 23
    again = send(0)
    assert {**again.json(), "ticket": ""} == {**answers[0].json(), "ticket": ""}
    assert again.headers["idempotency-replayed"] == "true"
    job = local.ended(again.json()["jobId"])
    assert [file["id"] for file in job["files"]] == [63_000, 63_001]


def test_of_two_bodies_under_one_key_at_one_instant_one_becomes_the_job(local: Deployment) -> None:
    key = str(uuid.uuid4())

    def send(n: int) -> httpx.Response:
        body = {"file_ids": [63_000 + n % 2, 63_002]}
        return local.call("POST", INITIATE, json=body, headers={"Idempotency-Key": key})

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(send, range(24)))
    assert {answer.status_code for answer in answers} == {202, 422}
    (taken,) = {n % 2 for n, answer in enumerate(answers) if answer.status_code == 202}
    job = local.ended(next(answer.json()["jobId"] for answer in answers if answer.status_code == 202))
    assert [file["id"] for file in job["files"]] == [63_000 + taken, 63_002]


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
