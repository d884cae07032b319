"""Creating and updating a stack: what is asked of CloudFormation, and what is said when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from infra.dependencies import REPOSITORY
from infra.package import POLLED, Package
from infra.stack import NEVER_KEPT, DeploymentFailed, Stack, delete, deploy, upload
from tests.infra.conftest import Template
from tests.support.deployment import OUTPUTS, FakeCloudFormation, artifacts_of, stack_with

TEMPLATE = {
    "Conditions": {},
    "Parameters": {"Stage": {"Default": "dev"}, "SourceBucket": {"Default": "files"}, "AuthMode": {"Default": "iam"}},
    "Resources": {
        function: {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "CodeUri": "./deployment.zip",
                "Events": {event: {"Type": "SQS", "Properties": {"ScalingConfig": {"MaximumConcurrency": 2}}}},
            },
        }
        for function, event in POLLED.items()
    },
}
GIVEN = {"Stage": "prod", "SourceBucket": "files", "AuthMode": "iam"}


@pytest.fixture
def made(tmp_path: Path) -> Package:
    return package_of(tmp_path, TEMPLATE)


def package_of(folder: Path, document: dict[str, Any]) -> Package:
    template, code = folder / "template.json", folder / "deployment.zip"
    template.write_text(json.dumps(document))
    code.write_bytes(b"code")
    return Package(template, code, "digest", built=True)


def deployed(cloudformation: FakeCloudFormation, package: Package, **parameters: str) -> dict[str, str]:
    artifacts = artifacts_of(cloudformation)
    return deploy(stack_with(cloudformation), package, artifacts=artifacts, parameters=parameters)


def test_a_new_stack_is_created_from_uploaded_code_and_template(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    assert deployed(cloudformation, made, Stage="prod") == OUTPUTS
    ((verb, request),) = cloudformation.requests
    assert verb == "create"
    assert request["Parameters"] == [{"ParameterKey": "Stage", "ParameterValue": "prod"}]
    code = cloudformation.template["Resources"]["Check"]["Properties"]["CodeUri"].removeprefix("s3://artifacts/")
    assert cloudformation.s3.objects[code] == b"code"


def test_an_upload_alone_asks_cloudformation_for_nothing_and_is_what_a_new_stack_would_get(made: Package) -> None:
    only, whole = FakeCloudFormation(), FakeCloudFormation()
    url = upload("lorry-prod", made, artifacts=artifacts_of(only), parameters={"Stage": "prod"})
    assert not only.requests
    deployed(whole, made, Stage="prod")
    ((_, request),) = whole.requests
    assert request["TemplateURL"] == url
    assert only.s3.objects == whole.s3.objects


def test_the_same_code_has_the_same_name_so_that_nothing_is_updated(made: Package) -> None:
    first, second = FakeCloudFormation(), FakeCloudFormation()
    deployed(first, made)
    deployed(second, made)
    assert first.requests == second.requests


def test_parameters_that_are_not_named_keep_their_value(made: Package) -> None:
    cloudformation = FakeCloudFormation(status="CREATE_COMPLETE", parameters={"Stage": "prod"})
    deployed(cloudformation, made, SourceBucket="other")
    ((verb, request),) = cloudformation.requests
    assert verb == "update"
    assert request["Parameters"] == [
        {"ParameterKey": "SourceBucket", "ParameterValue": "other"},
        {"ParameterKey": "Stage", "UsePreviousValue": True},
    ]


def test_no_change_is_no_failure(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    deployed(cloudformation, made)
    assert deployed(cloudformation, made) == OUTPUTS
    assert cloudformation.verbs == ["create", "update"]


def test_the_remains_of_a_failed_creation_are_deleted_first(made: Package) -> None:
    cloudformation = FakeCloudFormation(status="ROLLBACK_COMPLETE")
    said: list[str] = []
    artifacts = artifacts_of(cloudformation)
    deploy(stack_with(cloudformation), made, artifacts=artifacts, parameters={}, say=said.append)
    assert cloudformation.verbs == ["delete", "create"]
    assert "earlier creation failed" in said[0]


def test_a_failure_names_the_resource_and_the_reason(made: Package) -> None:
    cloudformation = FakeCloudFormation(ends_as="ROLLBACK_COMPLETE")
    with pytest.raises(DeploymentFailed, match=r"Table \(AWS::DynamoDB::Table\): limit exceeded"):
        deployed(cloudformation, made)


def test_an_unknown_parameter_is_refused_before_anything_is_asked(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    with pytest.raises(DeploymentFailed, match="no such parameter: Stge; there are AuthMode, SourceBucket, Stage"):
        deployed(cloudformation, made, Stge="x")
    assert not cloudformation.requests


def test_a_stack_that_never_settles_is_given_up_and_cloudformation_continues(made: Package) -> None:
    cloudformation = FakeCloudFormation(ends_as="UPDATE_ROLLBACK_IN_PROGRESS")
    stack = Stack("lorry-prod", cloudformation, poll=0.0, deadline=0.05)
    with pytest.raises(DeploymentFailed, match=r"still UPDATE_ROLLBACK_IN_PROGRESS .* CloudFormation continues"):
        deploy(stack, made, artifacts=artifacts_of(cloudformation), parameters={})


def test_a_deletion_is_waited_for_as_long_as_lambda_keeps_its_network_interfaces() -> None:
    """Up to 40 minutes: docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, and twice for two sets."""
    assert Stack("lorry-prod", FakeCloudFormation()).deletion_deadline >= 2 * 40 * 60
    cloudformation = FakeCloudFormation(status="CREATE_COMPLETE", ends_as="DELETE_IN_PROGRESS")
    stack = Stack("lorry-prod", cloudformation, poll=0.0, deadline=3600.0, deletion_deadline=0.05)
    with pytest.raises(DeploymentFailed, match="still DELETE_IN_PROGRESS after 0 s"):
        delete(stack)


def test_deploying_without_credentials_says_what_to_set(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AWS_EC2_METADATA_DISABLED": "true"}
    command = [sys.executable, "-m", "infra.deploy", "--stage", "prod", "--source-bucket", "files"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no AWS credentials: set AWS_PROFILE" in done.stderr


# --- what was opened for a while --------------------------------------------------------


def description(cloudformation: FakeCloudFormation) -> str:
    """What makes a version of the API that keeps its environment another one."""
    found: str = cloudformation.template["Resources"]["APIHandler"]["Properties"]["Description"]
    return found


@pytest.mark.parametrize("name", sorted(NEVER_KEPT.keys() - {"TableDeletionProtection"}))
def test_what_was_opened_for_a_while_is_closed_by_the_next_plain_deployment(
    packaged: Package, template: Template, name: str
) -> None:
    cloudformation = FakeCloudFormation()
    deployed(cloudformation, packaged, **GIVEN)
    closed, version = cloudformation.parameters[name], description(cloudformation)
    deployed(cloudformation, packaged, **GIVEN, **{name: NEVER_KEPT[name]})
    assert cloudformation.parameters[name] == NEVER_KEPT[name] != closed
    in_functions = name != "Rollout"
    assert (description(cloudformation) != version) == in_functions
    deployed(cloudformation, packaged, **GIVEN)
    assert cloudformation.parameters[name] == closed == template["Parameters"][name]["Default"]
    assert description(cloudformation) == version


def test_what_is_never_kept_are_values_that_the_template_takes(template: Template) -> None:
    for name, value in NEVER_KEPT.items():
        parameter = template["Parameters"][name]
        assert value in parameter["AllowedValues"]
        assert value != parameter["Default"]


# --- the table of a creation that fails ---------------------------------------------------


def test_a_new_stacks_table_is_protected_once_the_stack_is_there(packaged: Package) -> None:
    """CloudFormation cannot delete a protected table, so a failed creation would leave one behind each time."""
    cloudformation = FakeCloudFormation()
    deployed(cloudformation, packaged, **GIVEN)
    (_, created), (verb, protected) = cloudformation.requests
    assert {"ParameterKey": "TableDeletionProtection", "ParameterValue": "false"} in created["Parameters"]
    assert verb == "update"
    assert protected["UsePreviousTemplate"]
    assert cloudformation.parameters["TableDeletionProtection"] == "true"
    assert cloudformation.parameters["Stage"] == "prod"


def test_protection_that_an_interrupted_deployment_left_off_is_put_on_by_the_next(packaged: Package) -> None:
    left = {**GIVEN, "TableDeletionProtection": "false"}
    cloudformation = FakeCloudFormation(status="CREATE_COMPLETE", parameters=left)
    deployed(cloudformation, packaged)
    assert cloudformation.verbs == ["update"]
    assert cloudformation.parameters["TableDeletionProtection"] == "true"


def test_whoever_names_the_protection_gets_it_as_named(packaged: Package) -> None:
    for value in ("true", "false"):
        cloudformation = FakeCloudFormation()
        deployed(cloudformation, packaged, **GIVEN, TableDeletionProtection=value)
        assert cloudformation.verbs == ["create"]
        assert cloudformation.parameters["TableDeletionProtection"] == value


# --- what is uploaded -----------------------------------------------------------------


def test_what_a_deployment_replaced_expires_and_what_it_needs_does_not(made: Package, tmp_path: Path) -> None:
    cloudformation = FakeCloudFormation()
    deployed(cloudformation, made)
    first = set(cloudformation.s3.objects)
    made.code.write_bytes(b"other code")
    deployed(cloudformation, made)
    assert set(cloudformation.s3.tagged) == first
    made.code.write_bytes(b"code")  # back to the commit before
    deployed(cloudformation, made)
    assert not first & set(cloudformation.s3.tagged)


def test_a_deployment_that_fails_lets_nothing_expire_that_its_rollback_needs(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    deployed(cloudformation, made)
    made.code.write_bytes(b"broken")
    cloudformation.ends_as = "UPDATE_ROLLBACK_COMPLETE"
    with pytest.raises(DeploymentFailed):
        deployed(cloudformation, made)
    assert not cloudformation.s3.tagged


def test_another_stack_of_the_same_code_has_a_copy_of_its_own(made: Package) -> None:
    cloudformation = FakeCloudFormation()
    for name in ("lorry-prod", "lorry-prod2"):
        upload(name, made, artifacts=artifacts_of(cloudformation), parameters={})
    names = {key.partition("/")[0] for key in cloudformation.s3.objects}
    assert names == {"lorry-prod", "lorry-prod2"}
    artifacts_of(cloudformation).retire("lorry-prod/", current=())
    assert {key.partition("/")[0] for key in cloudformation.s3.tagged} == {"lorry-prod"}
