"""A stack whose callers sign with IAM credentials. The emulator knows them by their key and verifies no signature."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.integration.conftest import ENFORCED
from tests.integration.stack import RunningStack, running_stack
from tests.integration.test_http import problem

INVOKE = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": "*"}


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    parameters = {"AuthMode": "iam", "AllowAnonymous": "false", "StreamWaitSeconds": "0"}
    with running_stack(tmp_path_factory.mktemp("signed"), parameters=parameters, environment=ENFORCED) as running:
        yield running


class Signer:
    """An IAM user who may call the API."""

    def __init__(self, stack: RunningStack, name: str) -> None:
        iam = stack.clients("iam")
        iam.create_user(UserName=name)
        policy = json.dumps({"Version": "2012-10-17", "Statement": [INVOKE]})
        iam.put_user_policy(UserName=name, PolicyName="invoke", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self._stack, self._credentials = stack, Credentials(key["AccessKeyId"], key["SecretAccessKey"])

    def call(self, method: str, path: str, body: object = None) -> httpx.Response:
        url, data = self._stack.url + path, b"" if body is None else json.dumps(body).encode()
        request = AWSRequest(method=method, url=url, data=data, headers={"Content-Type": "application/json"})
        SigV4Auth(self._credentials, "execute-api", "us-east-1").add_auth(request)
        return httpx.request(method, url, content=data, headers=dict(request.headers), timeout=60)


def test_a_signer_owns_her_jobs_and_nobody_elses(signed: RunningStack) -> None:
    alice, bob = Signer(signed, "alice"), Signer(signed, "bob")
    job_id = alice.call("POST", "/v1/download/initiate", {"file_ids": [66_000]}).json()["jobId"]
    events = alice.call("GET", f"/v1/download/{job_id}/events").json()["events"]
    assert events[0]["by"].endswith(":user/alice")
    problem(bob.call("GET", f"/v1/download/status/{job_id}"), 404, "job_not_found")
    assert bob.call("GET", "/v1/download/jobs").json()["jobs"] == []


def test_who_does_not_sign_is_told_to(signed: RunningStack) -> None:
    answer = httpx.get(f"{signed.url}/v1/limits")
    assert (answer.status_code, answer.json()["error"]) == (401, "unauthenticated")
    assert "SigV4" in answer.json()["detail"]
    assert httpx.get(f"{signed.url}/health").status_code == 200
    problem(httpx.get(f"{signed.url}/v1/nowhere"), 404, "not_found")


def test_a_browser_follows_a_job_with_a_ticket(signed: RunningStack) -> None:
    started = Signer(signed, "carol").call("POST", "/v1/download/initiate", {"file_ids": [66_001]}).json()
    stream = f"{signed.url}/v1/download/stream/{started['jobId']}"
    assert httpx.get(stream, params={"ticket": started["ticket"]}).status_code == 200
    problem(httpx.get(stream), 401, "unauthenticated")
