"""Deleting a deployment: only when it is meant, and never silently of what stays."""

from __future__ import annotations

from typing import Any

import pytest

from infra.destroy import KEPT, NotMeant, destroy, remains
from infra.stack import DeploymentFailed, Stack
from tests.infra.conftest import Template
from tests.infra.test_stack import FakeCloudFormation, FakeS3

OUTPUTS = {"Table": "lorry-prod-Table-1", "ArchiveBucket": "lorry-prod-archives"}


class WithOutputs(FakeCloudFormation):
    def describe_stacks(self, **request: Any) -> dict[str, Any]:
        told = super().describe_stacks(**request)
        told["Stacks"][0]["Outputs"] = [{"OutputKey": key, "OutputValue": value} for key, value in OUTPUTS.items()]
        return told


def stack_with(cloudformation: FakeCloudFormation) -> Stack:
    return Stack("lorry-prod", "", cloudformation, FakeS3(), poll=0.0, deadline=5.0)


def never(_: str) -> str:
    raise AssertionError("nobody should be asked")


def test_the_stack_is_deleted_once_its_name_is_typed_and_what_stays_is_told() -> None:
    cloudformation = WithOutputs("CREATE_COMPLETE")
    said: list[str] = []
    destroy(stack_with(cloudformation), yes=False, ask=lambda _: "lorry-prod\n", say=said.append)
    assert cloudformation.requests == [("delete", {"StackName": "lorry-prod"})]
    assert said[-3:] == remains(OUTPUTS)
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
        destroy(stack_with(FakeCloudFormation(None)), yes=True, ask=never)


def test_a_deletion_that_fails_tells_why() -> None:
    class Sticky(WithOutputs):
        def delete_stack(self, **request: Any) -> None:
            super().delete_stack(**request)
            self.status = "DELETE_FAILED"

    with pytest.raises(DeploymentFailed, match=r"DELETE_FAILED\n.*limit exceeded"):
        destroy(stack_with(Sticky("CREATE_COMPLETE")), yes=True, ask=never)


def test_a_stack_that_never_got_that_far_leaves_nothing_behind() -> None:
    assert remains({}) == []


def test_what_is_told_to_stay_is_what_the_template_keeps(template: Template) -> None:
    kept = [name for name, found in template["Resources"].items() if found.get("DeletionPolicy") == "Retain"]
    assert sorted(kept) == sorted(KEPT)
    assert all(template["Outputs"][name]["Value"] == {"Ref": name} for name in KEPT)
