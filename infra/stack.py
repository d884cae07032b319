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

    def previous_parameters(self) -> dict[str, str]:
        """What the parameters are now; asterisks where a value is secret, nothing if there is no stack."""
        given = (self._describe() or {}).get("Parameters", [])
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in given}


def deploy(
    stack: Stack, package: Package, parameters: Mapping[str, str], *, say: Callable[[str], None] = print
) -> dict[str, str]:
    """Bring `stack` to what `package` and `parameters` say; its outputs. Parameters not named keep their value."""
    if stack.status() in _DEAD:
        say(f"{stack.name}: an earlier creation failed; deleting what is left of it")
        delete(stack, say=say)
    exists, previous = stack.status() is not None, stack.previous_parameters()
    declared = _declared(package, parameters)
    request = {
        "StackName": stack.name,
        "TemplateURL": _upload(stack, package, _settings(declared, previous, parameters)),
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(declared, parameters, previous),
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


def upload(stack: Stack, package: Package, parameters: Mapping[str, str]) -> str:
    """Only upload, for whoever makes the stack by other means with the same `parameters`; the template's URL."""
    return _upload(stack, package, _settings(_declared(package, parameters), {}, parameters))


def delete(stack: Stack, *, say: Callable[[str], None] = print) -> None:
    """Delete the stack and wait until it is gone. Raises DeploymentFailed with the resources that would not go."""
    stack.cloudformation.delete_stack(StackName=stack.name)
    _wait(stack, say)


def _upload(stack: Stack, package: Package, settings: str) -> str:
    """Put code and template under names made of their contents; the template's URL."""
    code = package.code.read_bytes()
    code_key = f"lorry/{hashlib.sha256(code).hexdigest()}.zip"
    stack.s3.put_object(Bucket=stack.artifacts, Key=code_key, Body=code)
    template = json.dumps(package.template_with_code(f"s3://{stack.artifacts}/{code_key}", settings)).encode()
    template_key = f"lorry/{hashlib.sha256(template).hexdigest()}.json"
    stack.s3.put_object(Bucket=stack.artifacts, Key=template_key, Body=template)
    base = stack.s3.generate_presigned_url("get_object", Params={"Bucket": stack.artifacts, "Key": template_key})
    return str(base).partition("?")[0]


def _declared(package: Package, given: Mapping[str, str]) -> dict[str, Any]:
    """The parameters of the template. Raises DeploymentFailed if one is given that is not among them."""
    declared: dict[str, Any] = json.loads(package.template.read_text(encoding="utf-8"))["Parameters"]
    unknown = sorted(given.keys() - declared.keys())
    if unknown:
        raise DeploymentFailed(f"no such parameter: {', '.join(unknown)}; there are {', '.join(sorted(declared))}")
    return declared


def _settings(declared: Mapping[str, Any], previous: Mapping[str, str], given: Mapping[str, str]) -> str:
    """A short hash of what all parameters come to."""
    values = {name: str(parameter.get("Default", "")) for name, parameter in declared.items()}
    values |= {name: value for name, value in previous.items() if name in declared} | dict(given)
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


# Doors that were opened for an hour of work: whoever wants them open says so each time.
NEVER_KEPT = frozenset({"AllowAnonymous", "WebhookAllowLocal"})


def _parameters(
    declared: Mapping[str, Any], given: Mapping[str, str], previous: Mapping[str, str]
) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(given.items())]
    kept = sorted((declared.keys() & previous.keys()) - given.keys() - NEVER_KEPT)
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
