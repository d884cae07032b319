"""Creating and updating a stack: what is asked of CloudFormation, and what is told when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.dependencies import REPOSITORY
from infra.package import Package
from infra.stack import DeploymentFailed, Stack, deploy, upload

TEMPLATE = {
    "Parameters": {"Stage": {}, "SourceBucket": {}},
    "Resources": {"Check": {"Type": "AWS::Serverless::Function", "Properties": {"CodeUri": "./deployment.zip"}}},
}
OUTPUTS = {"ApiUrl": "https://example"}


class FakeCloudFormation:
    """One stack that goes through `states` with each request."""

    def __init__(self, status: str | None = None, *, ends_as: str = "CREATE_COMPLETE", unchanged: bool = False) -> None:
        self.status, self.ends_as, self.unchanged = status, ends_as, unchanged
        self.requests: list[tuple[str, dict[str, Any]]] = []

    def describe_stacks(self, **_: Any) -> dict[str, Any]:
        if self.status is None:
            raise ClientError({"Error": {"Code": "ValidationError", "Message": "does not exist"}}, "DescribeStacks")
        now = self.status
        if now.endswith("_IN_PROGRESS"):
            self.status = None if now.startswith("DELETE") else self.ends_as
        parameters = [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        return {"Stacks": [{"StackStatus": now, "Outputs": outputs, "Parameters": parameters}]}

    def create_stack(self, **request: Any) -> None:
        self.requests.append(("create", request))
        self.status = "CREATE_IN_PROGRESS"

    def update_stack(self, **request: Any) -> None:
        self.requests.append(("update", request))
        if self.unchanged:
            message = "No updates are to be performed."
            raise ClientError({"Error": {"Code": "ValidationError", "Message": message}}, "UpdateStack")
        self.status = "UPDATE_IN_PROGRESS"

    def delete_stack(self, **request: Any) -> None:
        self.requests.append(("delete", request))
        self.status = "DELETE_IN_PROGRESS"

    def describe_stack_events(self, **_: Any) -> dict[str, Any]:
        event = {"LogicalResourceId": "Table", "ResourceType": "AWS::DynamoDB::Table"}
        failed = {"ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "limit exceeded"}
        return {"StackEvents": [{**event, **failed}, {**event, "ResourceStatus": "CREATE_IN_PROGRESS"}]}


class FakeS3:
    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> None:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = Body

    def generate_presigned_url(self, _: str, *, Params: dict[str, str]) -> str:  # noqa: N803
        return f"https://s3/{Params['Bucket']}/{Params['Key']}?signature"


@pytest.fixture
def made(tmp_path: Path) -> Package:
    template, code = tmp_path / "template.json", tmp_path / "deployment.zip"
    template.write_text(json.dumps(TEMPLATE))
    code.write_bytes(b"code")
    return Package(template, code, "digest", built=True)


def stack_with(cloudformation: FakeCloudFormation) -> Stack:
    return Stack("lorry-prod", "artifacts", cloudformation, FakeS3(), poll=0.0, deadline=5.0)


def test_a_new_stack_is_created_from_uploaded_code_and_template(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    stack = stack_with(cloudformation)
    assert deploy(stack, made, {"Stage": "prod"}) == OUTPUTS
    ((verb, request),) = cloudformation.requests
    assert verb == "create"
    assert request["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
    uploaded = stack.s3.objects
    template = json.loads(uploaded[request["TemplateURL"].removeprefix("https://s3/")])
    code = template["Resources"]["Check"]["Properties"]["CodeUri"].removeprefix("s3://")
    assert uploaded[code] == b"code"


def test_an_upload_alone_asks_cloudformation_for_nothing_and_is_what_a_new_stack_would_get(made: Package) -> None:
    only, whole = stack_with(FakeCloudFormation()), stack_with(FakeCloudFormation())
    url = upload(only, made, {"Stage": "prod"})
    assert not only.cloudformation.requests
    deploy(whole, made, {"Stage": "prod"})
    ((_, request),) = whole.cloudformation.requests
    assert request["TemplateURL"] == url
    assert only.s3.objects == whole.s3.objects


def test_the_same_code_has_the_same_name_so_that_nothing_is_updated(made: Package) -> None:
    first, second = FakeCloudFormation(), FakeCloudFormation()
    deploy(stack_with(first), made, {})
    deploy(stack_with(second), made, {})
    assert first.requests == second.requests


def test_parameters_that_are_not_named_keep_their_value(made: Package) -> None:
    cloudformation = FakeCloudFormation("CREATE_COMPLETE", ends_as="UPDATE_COMPLETE")
    deploy(stack_with(cloudformation), made, {"SourceBucket": "files"})
    ((verb, request),) = cloudformation.requests
    assert verb == "update"
    assert request["Parameters"] == [
        {"ParameterKey": "SourceBucket", "ParameterValue": "files"},
        {"ParameterKey": "Stage", "UsePreviousValue": True},
    ]


def test_no_change_is_no_failure(made: Package) -> None:
    cloudformation = FakeCloudFormation("UPDATE_COMPLETE", unchanged=True)
    assert deploy(stack_with(cloudformation), made, {}) == OUTPUTS


def test_the_remains_of_a_failed_creation_are_deleted_first(made: Package) -> None:
    cloudformation = FakeCloudFormation("ROLLBACK_COMPLETE")
    said: list[str] = []
    deploy(stack_with(cloudformation), made, {}, say=said.append)
    assert [verb for verb, _ in cloudformation.requests] == ["delete", "create"]
    assert "earlier creation failed" in said[0]


def test_a_failure_names_the_resource_and_the_reason(made: Package) -> None:
    cloudformation = FakeCloudFormation(ends_as="ROLLBACK_COMPLETE")
    with pytest.raises(DeploymentFailed, match=r"Table \(AWS::DynamoDB::Table\): limit exceeded"):
        deploy(stack_with(cloudformation), made, {})


def test_an_unknown_parameter_is_refused_before_anything_is_asked(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    with pytest.raises(DeploymentFailed, match="no such parameter: Stge; there are SourceBucket, Stage"):
        deploy(stack_with(cloudformation), made, {"Stge": "x"})
    assert not cloudformation.requests


def test_a_stack_that_never_settles_is_given_up(made: Package) -> None:
    cloudformation = FakeCloudFormation(ends_as="UPDATE_ROLLBACK_IN_PROGRESS")
    stack = Stack("lorry-prod", "artifacts", cloudformation, FakeS3(), poll=0.0, deadline=0.05)
    with pytest.raises(DeploymentFailed, match="still UPDATE_ROLLBACK_IN_PROGRESS"):
        deploy(stack, made, {})


def test_deploying_without_credentials_says_what_to_set(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-m", "infra.deploy", "--stage", "prod", "--source-bucket", "files"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no AWS credentials: set AWS_PROFILE" in done.stderr
