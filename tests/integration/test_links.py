"""Links on a running stack: good for one object, for as long as they say, signed by a role that can do nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from chalicelib.delivery.presign import Credentials, Presigner
from localstack.clients import ACCOUNT, REGION
from tests.integration.deployment import PATIENCE, Deployment, Document, key, noise, unzipped
from tests.integration.stack import wait_for

PRESENT, OTHER = 62_000, 62_001
BODY = noise(1000)
ACCOUNT_ITSELF = f"arn:aws:iam::{ACCOUNT}:root"  # anyone in the account who has the right, the API included
STRANGER = f"arn:aws:iam::{ACCOUNT}:user/stranger"


@pytest.fixture(scope="module", params=["local", "strict"])
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """Where everything is allowed to everybody, and where IAM is enforced."""
    found: Deployment = request.getfixturevalue(request.param)
    found.put_all({PRESENT: BODY, OTHER: b"other"})
    return found


@pytest.fixture(scope="module")
def job(deployment: Deployment) -> Document:
    found = deployment.run([PRESENT], archive=True)
    assert found["status"] == "ready", found
    return found


def links_of(job: Document) -> list[str]:
    return [job["resultUrls"][0], job["archives"][0]["url"]]


def parameters(link: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}


def test_the_links_of_a_job_download_its_file_and_its_archive(deployment: Deployment, job: Document) -> None:
    file, archive = links_of(job)
    assert deployment.fetch(file) == BODY
    assert unzipped(deployment.fetch(archive))[f"{PRESENT}.zip"] == BODY


def test_every_link_names_what_it_saves_and_every_address_answers_head(deployment: Deployment, job: Document) -> None:
    file, archive = job["files"][0]["address"], job["archives"][0]["address"]
    for address, name, size in (
        (file, f"{PRESENT}.zip", len(BODY)),
        (archive, job["archives"][0]["filename"], job["archives"][0]["size"]),
    ):
        path = address.removeprefix(deployment.stack.url)
        for query, kind in (("", "attachment"), ("?inline=1", "inline")):
            for method in ("GET", "HEAD"):
                answer = deployment.call(method, f"{path}{query}", follow_redirects=True)
                assert (answer.status_code, int(answer.headers["content-length"])) == (200, size), (method, address)
                assert answer.headers["etag"]
                if method == "GET":  # MiniStack leaves it out of HEAD
                    assert answer.headers["content-disposition"] == f'{kind}; filename="{name}"'


def test_links_are_signed_by_a_session_and_end_before_it(deployment: Deployment, job: Document) -> None:
    for link in links_of(job):
        assert parameters(link)["X-Amz-Credential"].startswith("ASIA")
        assert parameters(link)["X-Amz-Security-Token"]
        assert 2_990 <= int(parameters(link)["X-Amz-Expires"]) <= 3_595


def test_links_end_when_the_job_says(deployment: Deployment, job: Document) -> None:
    stated = datetime.fromisoformat(job["linksExpireAt"])
    for link in links_of(job):
        found = parameters(link)
        begin = datetime.strptime(found["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        assert abs(begin + timedelta(seconds=int(found["X-Amz-Expires"])) - stated) <= timedelta(seconds=1)


def test_a_short_link_lives_as_long_as_asked(deployment: Deployment) -> None:
    job = deployment.run([PRESENT], linkTtlSeconds=60)
    assert parameters(job["resultUrls"][0])["X-Amz-Expires"] == "60"


def test_a_link_is_good_for_its_object_and_for_reading_only(strict: Deployment) -> None:
    strict.put_all({PRESENT: BODY, OTHER: b"other"})
    link = strict.run([PRESENT])["resultUrls"][0]
    for method in ("PUT", "DELETE", "POST"):
        assert strict.http.request(method, link, content=b"changed").status_code == 403, method
    for method in ("GET", "HEAD"):
        assert strict.http.request(method, link.replace(key(PRESENT), key(OTHER))).status_code == 403, method
    longer = link.replace(f"X-Amz-Expires={parameters(link)['X-Amz-Expires']}", "X-Amz-Expires=604800")
    assert strict.http.get(longer).status_code == 403
    assert strict.fetch(link) == BODY


# --- what the role may do -----------------------------------------------------------


@contextmanager
def trusting(deployment: Deployment, principal: str) -> Iterator[str]:
    """The links' role meanwhile trusts a principal other than the API; its ARN."""
    iam = deployment.stack.clients("iam")
    role = next(found for found in iam.list_roles()["Roles"] if "-LinkRole-" in found["RoleName"])
    trust = role["AssumeRolePolicyDocument"]
    other = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"}
    changed = {**trust, "Statement": [other]}
    iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(changed))
    try:
        yield role["Arn"]
    finally:
        iam.update_assume_role_policy(RoleName=role["RoleName"], PolicyDocument=json.dumps(trust))


@pytest.fixture
def session(strict: Deployment) -> Credentials:
    """A session of the links' role, as if stolen from the API's memory."""
    with trusting(strict, ACCOUNT_ITSELF) as role:
        given: dict[str, Any] = strict.stack.clients("sts").assume_role(RoleArn=role, RoleSessionName="taken")
    taken = given["Credentials"]
    return Credentials(taken["AccessKeyId"], taken["SecretAccessKey"], taken["SessionToken"])


def test_a_session_of_the_links_role_reads_files_and_archives_and_nothing_else(
    strict: Deployment, session: Credentials
) -> None:
    strict.put(PRESENT, BODY)
    strict.s3.put_object(Bucket=strict.archives, Key="archives/there", Body=b"archive")
    strict.s3.put_object(Bucket=strict.archives, Key="staging/there", Body=b"private")
    strict.s3.create_bucket(Bucket="elsewhere")
    strict.s3.put_object(Bucket="elsewhere", Key="there", Body=b"private")

    def status(bucket: str, name: str) -> int:
        presigner = Presigner(session, bucket, strict.stack.outputs["Endpoint"], REGION, path_style=True)
        return strict.http.get(presigner.link(name, expires=60, at=datetime.now(UTC))).status_code

    assert status(strict.source, key(PRESENT)) == 200
    assert status(strict.archives, "archives/there") == 200
    assert status(strict.archives, "staging/there") == 403
    assert status("elsewhere", "there") == 403
    assert status(strict.archives, "") == 403  # a list of the bucket


def test_only_the_api_may_assume_the_links_role(strict: Deployment) -> None:
    sts = strict.stack.clients("sts")
    role = next(r["Arn"] for r in strict.stack.clients("iam").list_roles()["Roles"] if "-LinkRole-" in r["RoleName"])
    with pytest.raises(sts.exceptions.ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="taken")


def answered(deployment: Deployment, job_id: str) -> httpx.Response | None:
    """The API's own answer; None while the emulator has not noticed that a worker is dead."""
    answer = deployment.call("GET", f"/v1/download/status/{job_id}")
    return answer if "x-request-id" in answer.headers else None


def test_without_a_session_there_are_no_links_for_a_while(strict: Deployment) -> None:
    strict.put(PRESENT, BODY)
    job_id = strict.run([PRESENT])["jobId"]
    with trusting(strict, STRANGER):
        strict.stack.kill_workers("api")  # they have a session
        answer = wait_for("answer of a new worker", lambda: answered(strict, job_id), seconds=PATIENCE)
        assert (answer.status_code, answer.json()["error"]) == (503, "links_unavailable")
        assert "LinkRole" not in answer.text
        assert int(answer.headers["retry-after"]) > 0
    assert strict.fetch(strict.status(job_id)["resultUrls"][0]) == BODY
