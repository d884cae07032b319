"""What is really there after `make up`: the template's promises, and the roles when IAM is enforced."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.alarms import alarms
from tests.integration.conftest import stack
from tests.integration.stack import QUEUES, UNREAD, RunningStack, running_stack, wait_for

pytestmark = [pytest.mark.integration]
__all__ = ["stack"]  # a fixture of this module too

ENDED = {"ready", "failed", "cancelled"}
PRESENT, ABSENT = 70000, 79999


def test_the_table_expires_items(stack: RunningStack) -> None:
    found = stack.clients("dynamodb").describe_time_to_live(TableName=stack.outputs["Table"])
    assert found["TimeToLiveDescription"] == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_the_archive_bucket_has_its_lifecycle_and_cors(stack: RunningStack) -> None:
    s3, bucket = stack.clients("s3"), stack.outputs["ArchiveBucket"]
    rules = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert {rule["Filter"]["Prefix"] for rule in rules} == {"", "archives/", "staging/"}
    (cors,) = s3.get_bucket_cors(Bucket=bucket)["CORSRules"]
    assert "Content-Range" in cors["ExposeHeaders"]


def test_event_sources_limit_their_concurrency_and_report_single_failures(stack: RunningStack) -> None:
    mappings = stack.clients("lambda").list_event_source_mappings()["EventSourceMappings"]
    assert len(mappings) == len(QUEUES) - len(UNREAD) + 1  # and the table's stream
    for mapping in mappings:
        assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        if ":sqs:" in mapping["EventSourceArn"]:
            assert 2 <= mapping["ScalingConfig"]["MaximumConcurrency"] <= 10


def test_the_api_is_called_by_the_alias_of_a_published_version(stack: RunningStack) -> None:
    functions, gateway, api = stack.clients("lambda"), stack.clients("apigateway"), stack.outputs["ApiFunction"]
    (alias,) = functions.list_aliases(FunctionName=api)["Aliases"]
    assert alias["Name"] == "live"
    assert alias["FunctionVersion"].isdecimal()
    (found,) = [one["id"] for one in gateway.get_rest_apis()["items"] if one["name"] == stack.outputs["StackName"]]
    (health,) = [one for one in gateway.get_resources(restApiId=found)["items"] if one["path"] == "/health"]
    asked = gateway.get_integration(restApiId=found, resourceId=health["id"], httpMethod="GET")
    assert f":{api}:live/" in asked["uri"]


def test_the_alarms_are_there(stack: RunningStack) -> None:
    pages = stack.clients("cloudwatch").get_paginator("describe_alarms").paginate()
    assert sum(len(page["MetricAlarms"]) for page in pages) == len(alarms())


def test_the_sweeper_runs_every_minute(stack: RunningStack) -> None:
    events = stack.clients("events")
    (rule,) = events.list_rules()["Rules"]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]
    assert (rule["ScheduleExpression"], rule["State"]) == ("rate(1 minute)", "ENABLED")
    assert target["Arn"].endswith(stack.outputs["SweepFunction"])


def test_the_sweeper_can_be_run_at_once(stack: RunningStack) -> None:
    assert b"errorMessage" not in stack.sweep()


def test_what_the_gateway_refuses_by_itself_looks_like_any_other_error(stack: RunningStack) -> None:
    answer = httpx.request("PROPFIND", f"{stack.url}/health", timeout=30)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    body = answer.json()
    assert (body["status"], body["error"]) == (404, "not_found")
    assert body["requestId"] == answer.headers["x-request-id"]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack whose emulator enforces IAM, as AWS does."""
    parameters = {"MaxReceiveCount": "2", "RetryBaseSeconds": "0.1", "RetryCapSeconds": "0.5"}
    folder = tmp_path_factory.mktemp("guarded")
    with running_stack(folder, parameters=parameters, environment={"AUTH": "true"}) as running:
        running.put_file(PRESENT, b"present")
        yield running


def run_job(stack: RunningStack) -> dict[str, Any]:
    request = {"file_ids": [PRESENT, ABSENT]}
    job_id = httpx.post(f"{stack.url}/v1/download/initiate", json=request, timeout=30).json()["jobId"]

    def ended() -> dict[str, Any] | None:
        job: dict[str, Any] = httpx.get(f"{stack.url}/v1/download/status/{job_id}", timeout=30).json()
        return job if job["status"] in ENDED else None

    return wait_for("end of the job", ended, seconds=90)


def test_the_roles_are_enough_for_the_whole_job(guarded: RunningStack) -> None:
    assert httpx.get(f"{guarded.url}/health", timeout=30).json()["status"] == "healthy"
    job = run_job(guarded)
    assert (job["status"], job["counts"]) == ("ready", {"available": 1, "missing": 1, "failed": 0, "folders": 0})
    link, nothing = job["resultUrls"]
    assert httpx.get(link, timeout=30).content == b"present"
    assert nothing is None


def test_the_sweeper_and_the_list_of_jobs_may_use_their_indexes(guarded: RunningStack) -> None:
    run_job(guarded)
    assert b"errorMessage" not in guarded.sweep()


def test_without_the_right_to_list_the_source_an_absent_file_is_forbidden_and_never_called_missing(
    guarded: RunningStack,
) -> None:
    with without_right(guarded, "CheckRole", "s3:ListBucket"):
        job = run_job(guarded)
    assert job["status"] == "failed"
    assert job["error"]["code"] == "storage_forbidden"
    assert "s3:ListBucket" in job["error"]["message"]
    assert job["counts"]["missing"] == 0


class without_right:  # noqa: N801  # reads as a statement
    """Takes one action from a role, and gives it back."""

    def __init__(self, stack: RunningStack, role: str, action: str) -> None:
        self._iam = stack.clients("iam")
        names = [found["RoleName"] for found in self._iam.list_roles()["Roles"]]
        self._role = next(name for name in names if f"-{role}-" in name)
        (self._policy,) = self._iam.list_role_policies(RoleName=self._role)["PolicyNames"]
        self._whole = self._iam.get_role_policy(RoleName=self._role, PolicyName=self._policy)["PolicyDocument"]
        self._action = action

    def __enter__(self) -> None:
        kept = [statement for statement in self._whole["Statement"] if self._action not in statement["Action"]]
        assert len(kept) < len(self._whole["Statement"])
        self._put({**self._whole, "Statement": kept})

    def __exit__(self, *reason: object) -> None:
        self._put(self._whole)

    def _put(self, document: dict[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=self._role, PolicyName=self._policy, PolicyDocument=json.dumps(document))
