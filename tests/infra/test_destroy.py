"""Deleting a deployment: only when it is meant, and never silently of what stays."""

from __future__ import annotations

from typing import Any

import pytest

from infra.destroy import KEPT, NotMeant, destroy, remains
from infra.stack import DeploymentFailed
from tests.infra.conftest import Template
from tests.support.deployment import FakeCloudFormation, stack_with

OUTPUTS = {"Table": "lorry-prod-Table-1", "ArchiveBucket": "lorry-prod-archives"}


class WithOutputs(FakeCloudFormation):
    def __init__(self, status: str | None) -> None:
        super().__init__(status=status)
        self.outputs = OUTPUTS


def never(_: str) -> str:
    raise AssertionError("no question is expected")


def test_the_stack_is_deleted_once_its_name_is_typed_and_what_stays_is_told() -> None:
    cloudformation = WithOutputs("CREATE_COMPLETE")
    said: list[str] = []
    destroy(stack_with(cloudformation), yes=False, ask=lambda _: "lorry-prod\n", say=said.append)
    assert cloudformation.requests == [("delete", {"StackName": "lorry-prod"})]
    assert said[-4:] == remains(OUTPUTS)
    assert "aws dynamodb update-table --table-name lorry-prod-Table-1 --no-deletion-protection-enabled" in said[-3]
    assert "aws dynamodb delete-table --table-name lorry-prod-Table-1" in said[-2]
    assert "aws s3 rb s3://lorry-prod-archives --force" in said[-1]


@pytest.mark.parametrize("answer", ["", "y", "yes", "lorry-dev"])
def test_any_other_answer_deletes_nothing(answer: str) -> None:
    cloudformation = WithOutputs("CREATE_COMPLETE")
    with pytest.raises(NotMeant, match="lorry-prod stays as it is"):
        destroy(stack_with(cloudformation), yes=False, ask=lambda _: answer)
    assert not cloudformation.requests


def test_yes_is_not_asked_again() -> None:
    cloudformation = WithOutputs("CREATE_COMPLETE")
    destroy(stack_with(cloudformation), yes=True, ask=never)
    assert [verb for verb, _ in cloudformation.requests] == ["delete"]


def test_a_stack_that_is_not_there_is_named() -> None:
    with pytest.raises(DeploymentFailed, match="there is no stack lorry-prod"):
        destroy(stack_with(FakeCloudFormation()), yes=True, ask=never)


def test_a_deletion_that_fails_tells_why() -> None:
    class Sticky(WithOutputs):
        def delete_stack(self, **request: Any) -> None:
            super().delete_stack(**request)
            self.status = "DELETE_FAILED"

    with pytest.raises(DeploymentFailed, match=r"DELETE_FAILED\n.*limit exceeded"):
        destroy(stack_with(Sticky("CREATE_COMPLETE")), yes=True, ask=never)


def test_a_stack_that_never_got_that_far_leaves_nothing_behind() -> None:
    assert remains({}) == []


def test_what_is_said_to_stay_is_what_the_template_keeps(template: Template) -> None:
    policies = {name: found["DeletionPolicy"] for name, found in template["Resources"].items() if keeps(found)}
    assert policies == dict.fromkeys([*KEPT, "ArchiveBucketPolicy"], "RetainExceptOnCreate")
    assert all(template["Outputs"][name]["Value"] == {"Ref": name} for name in KEPT)


def keeps(resource: Template) -> bool:
    return bool(resource.get("DeletionPolicy", "Delete") != "Delete")
