"""The packaged template as each emulator accepts it. Pure: every function returns a copy.

    for_emulators   what MiniStack and LocalStack both need
    for_localstack  what the free LocalStack lacks
    for_dev         the table, queues, bucket and secret alone, for `make dev`, which runs the functions itself

Nothing here resolves references: CloudFormation does, on the emulators too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

Template = dict[str, Any]

NOWHERE = "arn:aws:execute-api:us-east-1:000000000000:none"  # in policies, instead of the ARN of a removed API
REMOVED = ("AWS::ApiGatewayV2::Deployment", "AWS::S3::BucketPolicy")  # for all emulators
WITHOUT_CODE = ("AWS::DynamoDB::Table", "AWS::SQS::Queue", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")
_API_HOST = re.compile(r"(https|wss)://(\$\{\w+\})\.execute-api\.\$\{AWS::Region\}\.\$\{AWS::URLSuffix\}")
_PLAIN = {"https": "http", "wss": "ws"}


def for_emulators(template: Mapping[str, Any], endpoint: str) -> Template:
    """Returns the template for an emulator at `endpoint`.

    - AWS::ApiGatewayV2::Deployment is refused; the stage deploys by itself instead.
    - They speak plain http, so a bucket's policy that wants TLS would refuse every request.
    - There is no CodeDeploy; an alias moves to its new version at once.
    - No name server knows the hosts of its APIs; they are reached by a path below its own address.
    """
    document: Template = _with_api_paths(template, endpoint.partition("://")[2])
    resources = document["Resources"]
    for name in [name for name, found in resources.items() if found["Type"] in REMOVED]:
        del resources[name]
    for resource in resources.values():
        if resource["Type"] == "AWS::ApiGatewayV2::Stage":
            del resource["Properties"]["DeploymentId"]
            resource["Properties"]["AutoDeploy"] = True
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("DeploymentPreference", None)
    return document


def _with_api_paths(part: Any, host: str) -> Any:
    if isinstance(part, Mapping):
        return {key: _with_api_paths(inner, host) for key, inner in part.items()}
    if isinstance(part, list):
        return [_with_api_paths(inner, host) for inner in part]
    if isinstance(part, str):
        return _API_HOST.sub(lambda found: f"{_PLAIN[found[1]]}://{host}/_aws/execute-api/{found[2]}", part)
    return part


def for_localstack(template: Mapping[str, Any]) -> Template:
    """Returns the template without WebSocket APIs, which the free LocalStack never had, and without the table's
    encryption, on which 4.13.1 fails."""

    def is_websocket(name: str, kind: str) -> bool:
        return kind.startswith("AWS::ApiGatewayV2::") or (name.startswith("Websocket") and "Permission" in kind)

    document = _without(template, is_websocket)
    document["Resources"]["Table"]["Properties"].pop("SSESpecification", None)
    return document


def for_dev(template: Mapping[str, Any], names: Mapping[str, str]) -> Template:
    """Returns the template without code, with an output for each environment variable of `variables(template)`.

    A variable that refers to something removed, such as the WebSocket API, is empty. `names` are buckets' names by
    logical id.
    """
    outputs = {_output(name): {"Value": value} for name, value in variables(template).items()}
    whole = {**template, "Outputs": {**template["Outputs"], **outputs}}
    small = _without(whole, lambda _, kind: kind not in WITHOUT_CODE)
    small["Resources"]["Table"]["Properties"].pop("SSESpecification", None)  # see for_localstack
    for logical, name in names.items():
        small["Resources"][logical]["Properties"]["BucketName"] = name
    for declared in small["Parameters"].values():  # a template sent as text has to be short
        declared.pop("Description", None)
    kept = ("AWSTemplateFormatVersion", "Parameters", "Conditions", "Resources", "Outputs")
    return {name: small[name] for name in kept}


def variables(template: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the environment variables of all functions together, not resolved."""
    found: dict[str, Any] = dict(template["Globals"]["Function"]["Environment"]["Variables"])
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            found |= resource["Properties"].get("Environment", {}).get("Variables", {})
    return found


def environment(template: Mapping[str, Any], outputs: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables' values from the outputs of a stack that was made `for_dev`."""
    return {name: outputs.get(_output(name), "") for name in variables(template)}


def _output(variable: str) -> str:
    """The name of the output that holds a variable; names of outputs are alphanumeric."""
    return f"Variable{variable.replace('_', '')}"


def _without(template: Mapping[str, Any], is_removed: Callable[[str, str], bool]) -> Template:
    """Returns the template without some resources, outputs that name them, and references to them."""
    resources = template["Resources"]
    removed = {name for name, found in resources.items() if is_removed(name, found["Type"])}
    kept = {name: found for name, found in resources.items() if name not in removed}
    outputs = {name: found for name, found in template["Outputs"].items() if not _names(found, removed)}
    document: Template = _cleared({**template, "Resources": kept, "Outputs": outputs}, removed)
    return document


def _names(part: Any, removed: set[str]) -> bool:
    """Whether the part refers to a removed resource."""
    if isinstance(part, Mapping):
        named = part.get("Ref") in removed or _attribute_of(part) in removed
        return named or any(_names(inner, removed) for inner in part.values())
    if isinstance(part, list):
        return any(_names(inner, removed) for inner in part)
    return isinstance(part, str) and any(f"${{{name}}}" in part for name in removed)


def _attribute_of(part: Mapping[str, Any]) -> Any:
    path = part.get("Fn::GetAtt")
    return path[0] if isinstance(path, list) else None


def _cleared(part: Any, removed: set[str]) -> Any:
    """A copy in which texts that name removed resources lead nowhere."""
    if isinstance(part, Mapping):
        if isinstance(part.get("Fn::Sub"), str) and _names(part, removed):
            return NOWHERE if part["Fn::Sub"].startswith("arn:") else ""
        return {key: _cleared(inner, removed) for key, inner in part.items()}
    return [_cleared(inner, removed) for inner in part] if isinstance(part, list) else part
