"""Messages that cannot be handled: their job fails with a reason, or they are parked; nothing else is disturbed.

On a stack that enforces IAM, so what the roles allow is part of every test here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from chalicelib.messages import AnyMessage, BuildChunk, CheckBatch, DispatchJob, PlanArchive, encode
from tests.integration.crash_scenes import job_whose_request_cannot_be_read
from tests.integration.deployment import PATIENCE, Deployment, counts, noise, unzipped
from tests.integration.stack import wait_for

MiB = 1024 * 1024
PRESENT, ABSENT = 64_000, 64_999
NO_JOB = "00000000-0000-4000-8000-00000000dead"
WORK = ("dispatch", "check", "assembly")


@pytest.fixture(scope="module", autouse=True)
def one_file(strict: Deployment) -> None:
    strict.put(PRESENT, b"present")


@contextmanager
def without_right(strict: Deployment, role: str, action: str) -> Iterator[None]:
    """Takes the statements with one action from a role, and gives them back."""
    iam = strict.stack.clients("iam")
    name = next(found["RoleName"] for found in iam.list_roles()["Roles"] if f"-{role}-" in found["RoleName"])
    (policy,) = iam.list_role_policies(RoleName=name)["PolicyNames"]
    whole = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
    kept = [statement for statement in whole["Statement"] if action not in statement["Action"]]
    assert len(kept) < len(whole["Statement"])

    def put(document: dict[str, Any]) -> None:
        iam.put_role_policy(RoleName=name, PolicyName=policy, PolicyDocument=json.dumps(document))

    put({**whole, "Statement": kept})
    try:
        yield
    finally:
        put(whole)


def test_the_roles_are_enough_for_a_job_with_several_archives(strict: Deployment) -> None:
    contents = {64_100 + n: noise(size) for n, size in enumerate((6 * MiB, 3 * MiB, 100, 7 * MiB))}
    strict.put_all(contents)
    job = strict.run([*contents, ABSENT], archive={"filename": "parcel.zip"})
    assert (job["status"], counts(job), job["error"]) == ("ready", (4, 1, 0), None)
    assert [archive["filename"] for archive in job["archives"]] == ["parcel-1-of-2.zip", "parcel-2-of-2.zip"]
    found: dict[str, bytes] = {}
    for archive in job["archives"]:
        data = strict.fetch(archive["address"])
        assert len(data) == archive["size"] <= 10 * MiB
        assert strict.fetch(archive["url"]) == data
        *files, manifest = unzipped(data).items()
        assert json.loads(manifest[1])["archives"] == 2
        found.update(files)
    assert found == {f"{file_id}.zip": data for file_id, data in contents.items()}
    listed = strict.call("GET", f"/v1/download/{job['jobId']}")
    assert (listed.status_code, len(listed.json()["archives"])) == (200, 2)
    strict.tidied(job["jobId"])


def test_without_the_right_to_list_the_source_an_absent_file_is_forbidden_and_never_missing(
    strict: Deployment,
) -> None:
    with without_right(strict, "CheckRole", "s3:ListBucket"):
        job = strict.run([PRESENT, ABSENT])
    assert (job["status"], job["error"]["code"]) == ("failed", "storage_forbidden")
    assert "s3:ListBucket" in job["error"]["message"]
    assert job["counts"]["missing"] == 0
    assert strict.run([PRESENT, ABSENT])["counts"]["missing"] == 1  # with the right, it is


def test_what_failed_for_want_of_a_right_can_be_retried_once_it_is_given(strict: Deployment) -> None:
    with without_right(strict, "CheckRole", "s3:ListBucket"):
        job = strict.run([PRESENT, ABSENT])
    answer = strict.call("POST", f"/v1/download/{job['jobId']}/retry")
    assert answer.status_code == 202, answer.text
    again = strict.ended(job["jobId"])
    assert (again["status"], counts(again), again["error"]) == ("ready", (1, 1, 0), None)


def test_a_message_that_always_fails_ends_its_job_with_a_reason(strict: Deployment) -> None:
    job_id = job_whose_request_cannot_be_read(strict, range(64_200, 64_500)).job_id
    strict.stack.send("check", encode(CheckBatch(job_id, 1)))
    wait_for("end of the job", lambda: job_row(strict, job_id)["status"] == {"S": "failed"}, seconds=PATIENCE)
    error = job_row(strict, job_id)["error"]["M"]
    assert error["code"] == {"S": "internal_error"}
    assert "checking batch 1 was given up after repeated attempts" in error["message"]["S"]


def job_row(strict: Deployment, job_id: str) -> dict[str, Any]:
    """The API cannot show its status, which includes its files."""
    (row,) = [row for row in strict.stack.items(job_id) if row["sk"] == {"S": "JOB"}]
    return row


def test_an_assembly_that_gave_up_fails_its_job_and_can_be_retried(strict: Deployment) -> None:
    contents = {64_600 + n: noise(9 * MiB, n) for n in range(3)}
    strict.put_all(contents)
    job_id = strict.stopped_half_way(contents)
    try:
        for staged in strict.left_behind(job_id):  # what its workers are to do next
            strict.s3.delete_object(Bucket=strict.archives, Key=staged)
    finally:
        strict.go_on()
    job = strict.ended(job_id)
    assert job["status"] == "failed"
    assert "building archive" in job["error"]["message"] and f"staging/{job_id}" in job["error"]["message"]
    strict.tidied(job_id)
    answer = strict.call("POST", f"/v1/download/{job_id}/retry")
    assert (answer.status_code, answer.json()["status"]) == (202, "processing")
    again = strict.ended(job_id)
    assert (again["status"], counts(again), again["error"]) == ("ready", (3, 0, 0), None)
    found = {n: data for archive in again["archives"] for n, data in unzipped(strict.fetch(archive["url"])).items()}
    del found["MANIFEST.json"]
    assert found == {f"{file_id}.zip": data for file_id, data in contents.items()}


def test_garbage_on_a_queue_is_set_aside_at_once_and_disturbs_nothing_else(strict: Deployment) -> None:
    garbage = ["not json", "[]", '{"kind":"CheckBatch.v1"}', '{"kind":"DispatchJob.v99","job_id":"x"}', "\u2603"]
    before, _ = strict.stack.depth("unreadable")
    for queue in WORK:
        for body in garbage:
            strict.stack.send(queue, body)
    job = strict.run([PRESENT, ABSENT], archive=True)
    assert (job["status"], counts(job)) == ("ready", (1, 1, 0))
    expected = before + len(WORK) * len(garbage)
    wait_for(
        "all garbage in the queue of unreadable messages",
        lambda: strict.stack.depth("unreadable")[0] == expected,
        seconds=PATIENCE,
        pause=0.2,
    )
    strict.drained(*WORK, "dispatch_dead", "check_dead", "assembly_dead")
    found = [json.loads(line) for line in strict.stack.log.splitlines() if '"unreadable message set aside"' in line]
    assert {line["body"] for line in found} >= set(garbage)
    assert {line["attempt"] for line in found} == {1}


def test_a_message_on_the_wrong_queue_fails_no_job(strict: Deployment) -> None:
    before, _ = strict.stack.depth("unreadable")
    contents = {64_700 + n: noise(9 * MiB, n) for n in range(3)}
    strict.put_all(contents)
    job_id = strict.stopped_half_way(contents)
    try:
        misplaced: dict[str, list[AnyMessage]] = {
            "dispatch": [CheckBatch(job_id, 0), PlanArchive(job_id, 1)],
            "check": [PlanArchive(job_id, 1), BuildChunk(job_id, 1, 1, "body", 0)],
        }
        for queue, messages in misplaced.items():
            for message in messages:
                strict.stack.send(queue, encode(message))
        wait_for(
            "all of them in the queue of unreadable messages",
            lambda: strict.stack.depth("unreadable")[0] == before + 4,
            seconds=PATIENCE,
            pause=0.2,
        )
        strict.drained("dispatch", "check", "dispatch_dead", "check_dead")
        assert strict.brief(job_id)["status"] == "processing"
    finally:
        strict.go_on()
    assert strict.ended(job_id)["status"] == "ready"


def test_messages_of_jobs_that_do_not_exist_are_dropped(strict: Deployment) -> None:
    before = strict.stack.depth("unreadable")
    strict.stack.send("dispatch", encode(DispatchJob(NO_JOB)))
    strict.stack.send("check", encode(CheckBatch(NO_JOB, 0)))
    strict.stack.send("assembly", encode(BuildChunk(NO_JOB, 1, 1, "body", 0)))
    strict.drained(*WORK, "dispatch_dead", "check_dead", "assembly_dead")
    assert strict.stack.depth("unreadable") == before
    assert strict.stack.items(NO_JOB) == []
