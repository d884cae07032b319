"""Creates or updates one CloudFormation stack and waits for it: the same code for AWS and for an emulator."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from infra.package import Package

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_UNCHANGED = "No updates are to be performed"
_DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")  # can only be deleted


class DeploymentFailed(Exception):
    """CloudFormation did not do what it was asked to. The text names the resources at fault."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where a stack lives: its name, the bucket its package is uploaded to, and clients that reach both."""

    name: str
    artifacts: str
    cloudformation: Any
    s3: Any
    poll: float = 5.0
    deadline: float = 1800.0

    def status(self) -> str | None:
        """The state of the stack, None if there is no such stack."""
        described = self._describe()
        return described["StackStatus"] if described else None

    def outputs(self) -> dict[str, str]:
        described = self._describe() or {}
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def _describe(self) -> dict[str, Any] | None:
        try:
            stacks: list[dict[str, Any]] = self.cloudformation.describe_stacks(StackName=self.name)["Stacks"]
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise
        return stacks[0] if stacks and stacks[0]["StackStatus"] != "DELETE_COMPLETE" else None

    def previous_parameters(self) -> set[str]:
        return {parameter["ParameterKey"] for parameter in (self._describe() or {}).get("Parameters", [])}


def deploy(
    stack: Stack, package: Package, parameters: Mapping[str, str], *, say: Callable[[str], None] = print
) -> dict[str, str]:
    """Bring `stack` to what `package` and `parameters` say; its outputs. Parameters not named keep their value."""
    template = _upload(stack, package)
    if stack.status() in _DEAD:
        say(f"{stack.name}: an earlier creation failed; deleting what is left of it")
        stack.cloudformation.delete_stack(StackName=stack.name)
        _wait(stack, say)
    exists = stack.status() is not None
    request = {
        "StackName": stack.name,
        "TemplateURL": template,
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(package, parameters, stack.previous_parameters() if exists else set()),
    }
    if exists:
        try:
            stack.cloudformation.update_stack(**request)
        except ClientError as error:
            if _UNCHANGED not in str(error):
                raise
            return stack.outputs()
    else:
        stack.cloudformation.create_stack(**request)
    _wait(stack, say)
    return stack.outputs()


def _upload(stack: Stack, package: Package) -> str:
    """Put code and template under names made of their contents; the template's URL."""
    code = package.code.read_bytes()
    code_key = f"lorry/{hashlib.sha256(code).hexdigest()}.zip"
    stack.s3.put_object(Bucket=stack.artifacts, Key=code_key, Body=code)
    template = json.dumps(package.template_with_code(f"s3://{stack.artifacts}/{code_key}")).encode()
    template_key = f"lorry/{hashlib.sha256(template).hexdigest()}.json"
    stack.s3.put_object(Bucket=stack.artifacts, Key=template_key, Body=template)
    base = stack.s3.generate_presigned_url("get_object", Params={"Bucket": stack.artifacts, "Key": template_key})
    return str(base).partition("?")[0]


def _parameters(package: Package, given: Mapping[str, str], previous: set[str]) -> list[dict[str, Any]]:
    declared = json.loads(package.template.read_text(encoding="utf-8"))["Parameters"]
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise DeploymentFailed(f"no such parameter: {', '.join(unknown)}; there are {', '.join(sorted(declared))}")
    chosen: list[dict[str, Any]] = [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(given.items())]
    kept = sorted((declared.keys() & previous) - given.keys())
    return chosen + [{"ParameterKey": k, "UsePreviousValue": True} for k in kept]


def _wait(stack: Stack, say: Callable[[str], None]) -> None:
    """Wait until CloudFormation is done with the stack; tell each new state."""
    deadline = time.monotonic() + stack.deadline
    told = None
    while True:
        status = stack.status()
        if status != told and stack.poll >= 1:
            say(f"{stack.name}: {status or 'deleted'}")
        told = status
        if status is None or not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise DeploymentFailed(f"{stack.name} is still {status} after {stack.deadline:.0f} s")
        time.sleep(stack.poll)
    if status is not None and ("ROLLBACK" in status or "FAILED" in status):
        raise DeploymentFailed(f"{stack.name} is {status}\n" + "\n".join(_failures(stack)))


def _failures(stack: Stack) -> list[str]:
    events = stack.cloudformation.describe_stack_events(StackName=stack.name)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("_FAILED")]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason')}"
        for event in reversed(failed)
    ]
