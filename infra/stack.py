"""Creates or updates one CloudFormation stack and waits for it: the same code for AWS and for an emulator."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from botocore.exceptions import ClientError

from infra.artifacts import Artifacts
from infra.package import Package
from infra.preflight import contradictions

CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_UNCHANGED = "No updates are to be performed"
POLL_SECONDS = 5.0
_DEAD = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED")  # can only be deleted


class DeploymentFailed(Exception):
    """CloudFormation could not deploy the stack. The message names the resources that failed."""


@dataclass(frozen=True, slots=True)
class Stack:
    """Where a stack lives, and how long CloudFormation is waited for, in seconds.

    Deleting takes long in a VPC: Lambda gives network interfaces back after up to 40 minutes, one set after another.
    """

    name: str
    cloudformation: Any
    poll: float = POLL_SECONDS
    deadline: float = 2700.0
    deletion_deadline: float = 5400.0

    def status(self) -> str | None:
        """Returns the state of the stack, None if there is no such stack."""
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
        """Returns the parameters in force; asterisks where a value is secret, nothing if there is no stack."""
        given = (self._describe() or {}).get("Parameters", [])
        return {parameter["ParameterKey"]: parameter["ParameterValue"] for parameter in given}


def deploy(
    stack: Stack,
    package: Package,
    *,
    artifacts: Artifacts,
    parameters: Mapping[str, str],
    say: Callable[[str], None] = print,
) -> dict[str, str]:
    """Brings `stack` to `package` and `parameters`; returns its outputs.

    Parameters that are not named keep their value, except for what was opened for a while: see NEVER_KEPT.
    """
    if stack.status() in _DEAD:
        say(f"{stack.name}: an earlier creation failed; deleting what is left of it")
        delete(stack, say=say)
    exists, previous = stack.status() is not None, stack.previous_parameters()
    declared = _declared(package, parameters)
    chosen = _closing(declared, previous) | dict(parameters)
    _refuse_contradictions(declared, previous, chosen)
    protect = not exists and PROTECTION in declared and PROTECTION not in chosen
    if protect:
        chosen[PROTECTION] = "false"
    uploaded = _upload(stack.name, package, artifacts=artifacts, settings=_settings(declared, previous, chosen))
    request = {
        "StackName": stack.name,
        "TemplateURL": artifacts.address(uploaded.template),
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(declared, chosen, previous),
    }
    if exists:
        _update(stack, request, say)
    else:
        stack.cloudformation.create_stack(**request)
        _wait(stack, say)
    if protect:
        _protect(stack, declared, say)
    artifacts.retire(f"{stack.name}/", current=uploaded)
    return stack.outputs()


def deploy_template(
    stack: Stack, template: Mapping[str, Any], *, parameters: Mapping[str, str], say: Callable[[str], None] = print
) -> dict[str, str]:
    """Like `deploy`, for a template without code, of at most 51,200 bytes, all of whose parameters are given."""
    _refuse_unknown(template["Parameters"], parameters)
    request = {
        "StackName": stack.name,
        "TemplateBody": json.dumps(template),
        "Capabilities": CAPABILITIES,
        "Parameters": _parameters(template["Parameters"], parameters, {}),
    }
    if stack.status() in _DEAD:
        delete(stack, say=say)
    if stack.status() is not None:
        _update(stack, request, say)
    else:
        stack.cloudformation.create_stack(**request)
        _wait(stack, say)
    return stack.outputs()


def upload(name: str, package: Package, *, artifacts: Artifacts, parameters: Mapping[str, str]) -> str:
    """Only uploads, for other tools that create stack `name` with these `parameters`; returns the template's URL."""
    declared = _declared(package, parameters)
    _refuse_contradictions(declared, {}, parameters)
    settings = _settings(declared, {}, parameters)
    return artifacts.address(_upload(name, package, artifacts=artifacts, settings=settings).template)


def delete(stack: Stack, *, say: Callable[[str], None] = print) -> None:
    """Deletes the stack and waits until it is gone. Raises DeploymentFailed with the resources that remain."""
    stack.cloudformation.delete_stack(StackName=stack.name)
    _wait(stack, say, stack.deletion_deadline)


def _update(stack: Stack, request: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Updates a stack and waits for it; no change is no failure."""
    try:
        stack.cloudformation.update_stack(**request)
    except ClientError as error:
        if _UNCHANGED not in str(error):
            raise
    else:
        _wait(stack, say)


def _protect(stack: Stack, declared: Mapping[str, Any], say: Callable[[str], None]) -> None:
    """Protects the table of a new stack from deletion.

    Not at once: CloudFormation could not delete the protected table of a creation that fails, and would keep it.
    """
    kept = [{"ParameterKey": name, "UsePreviousValue": True} for name in sorted(declared) if name != PROTECTION]
    request = {
        "StackName": stack.name,
        "UsePreviousTemplate": True,
        "Capabilities": CAPABILITIES,
        "Parameters": [{"ParameterKey": PROTECTION, "ParameterValue": "true"}, *kept],
    }
    _update(stack, request, say)


class _Uploaded(NamedTuple):
    """The keys of a deployment's uploads."""

    code: str
    template: str


def _upload(name: str, package: Package, *, artifacts: Artifacts, settings: str) -> _Uploaded:
    """Uploads code and template under the hashes of their contents, below the name of the stack."""
    code = package.code.read_bytes()
    code_key = f"{name}/{hashlib.sha256(code).hexdigest()}.zip"
    artifacts.put(code_key, code)
    template = json.dumps(package.template_with_code(f"s3://{artifacts.bucket}/{code_key}", settings)).encode()
    template_key = f"{name}/{hashlib.sha256(template).hexdigest()}.json"
    artifacts.put(template_key, template)
    return _Uploaded(code_key, template_key)


def _declared(package: Package, given: Mapping[str, str]) -> dict[str, Any]:
    """Returns the parameters of the template. Raises DeploymentFailed if one is given that is not among them."""
    declared: dict[str, Any] = json.loads(package.template.read_text(encoding="utf-8"))["Parameters"]
    _refuse_unknown(declared, given)
    return declared


def _refuse_unknown(declared: Mapping[str, Any], given: Mapping[str, str]) -> None:
    if unknown := sorted(given.keys() - declared.keys()):
        raise DeploymentFailed(f"no such parameter: {', '.join(unknown)}; there are {', '.join(sorted(declared))}")


PROTECTION = "TableDeletionProtection"
# Values that are meant for an hour of work: a deployment that does not name one again resets it.
NEVER_KEPT: Mapping[str, str] = {
    "AllowAnonymous": "true",
    "WebhookAllowLocal": "true",
    "Rollout": "AllAtOnce",
    PROTECTION: "false",
}
_NOT_IN_FUNCTIONS = frozenset({"Rollout", PROTECTION})  # do not need a new version of the API


def _closing(declared: Mapping[str, Any], previous: Mapping[str, str]) -> dict[str, str]:
    """Returns the defaults of parameters whose current value is never kept."""
    opened = {name for name, value in NEVER_KEPT.items() if name in declared and previous.get(name) == value}
    return {name: str(declared[name]["Default"]) for name in sorted(opened)}


def _values(declared: Mapping[str, Any], previous: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Returns all parameters as they will be."""
    values = {name: str(parameter.get("Default", "")) for name, parameter in declared.items()}
    return values | {name: value for name, value in previous.items() if name in declared} | dict(given)


def _refuse_contradictions(declared: Mapping[str, Any], previous: Mapping[str, str], given: Mapping[str, str]) -> None:
    found = contradictions(_values(declared, previous, given))
    if found:
        raise DeploymentFailed("these parameters cannot work: " + "; ".join(found))


def _settings(declared: Mapping[str, Any], previous: Mapping[str, str], given: Mapping[str, str]) -> str:
    """Returns a short hash of all parameters that functions or APIs see."""
    values = _values(declared, previous, given)
    seen = {name: value for name, value in values.items() if name not in _NOT_IN_FUNCTIONS}
    return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()[:16]


def _parameters(
    declared: Mapping[str, Any], given: Mapping[str, str], previous: Mapping[str, str]
) -> list[dict[str, Any]]:
    chosen: list[dict[str, Any]] = [{"ParameterKey": k, "ParameterValue": v} for k, v in sorted(given.items())]
    kept = sorted((declared.keys() & previous.keys()) - given.keys())
    return chosen + [{"ParameterKey": k, "UsePreviousValue": True} for k in kept]


def _wait(stack: Stack, say: Callable[[str], None], seconds: float | None = None) -> None:
    """Waits until CloudFormation has finished with the stack, and prints each new state."""
    seconds = stack.deadline if seconds is None else seconds
    deadline = time.monotonic() + seconds
    said = None
    while True:
        status = stack.status()
        if status != said and stack.poll >= 1:
            say(f"{stack.name}: {status or 'deleted'}")
        said = status
        if status is None or not status.endswith("_IN_PROGRESS"):
            break
        if time.monotonic() > deadline:
            raise DeploymentFailed(
                f"{stack.name} is still {status} after {seconds:.0f} s; CloudFormation continues by itself: "
                "run the command again when it is done"
            )
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
