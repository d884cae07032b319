"""The additions to Chalice's template: merged before it packages, and changes afterwards that would name every route.

`merge_document` reads infra/template/*.yaml as one document, the file that `chalice package --merge-template` takes;
`finish` and `call_by_alias` change the template that Chalice then writes; `redeploy_apis` changes each upload of it.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import yaml

from infra.alarms import alarm_resources
from infra.dependencies import Target
from infra.gateway_responses import gateway_responses
from infra.settings_template import add_settings
from infra.signed_routes import signed_routes

TEMPLATE_FILES = Path(__file__).parent / "template"
API_FUNCTION = "APIHandler"
_WEBSOCKET_PARTS = ("AWS::ApiGatewayV2::Api", "AWS::ApiGatewayV2::Integration", "AWS::ApiGatewayV2::Route")


class InvalidTemplate(Exception):
    """Two template files disagree, or one of them is not CloudFormation."""


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML has no types
    """YAML with CloudFormation's short tags."""


def _intrinsic(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """`!Ref x` -> {"Ref": "x"}, `!GetAtt a.b` -> {"Fn::GetAtt": ["a", "b"]}, and so on."""
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    else:
        raise InvalidTemplate(f"{node.start_mark}: cannot read {node!r}")
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _intrinsic)


def merge_document() -> dict[str, Any]:
    """Returns everything that is merged into Chalice's template."""
    document: dict[str, Any] = {}
    for path in sorted(TEMPLATE_FILES.glob("*.yaml")):
        # A SafeLoader with three more tags: it builds plain values only.
        part = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
        _join(document, part, where=path.name)
    _join(document, {"Resources": alarm_resources()}, where="alarms")
    add_settings(document)
    gateway = document["Resources"]["RestAPI"]["Properties"]
    gateway["DefinitionBody"] = {**signed_routes(), "x-amazon-apigateway-gateway-responses": gateway_responses()}
    return document


def _join(into: dict[str, Any], more: dict[str, Any], *, where: str) -> None:
    for key, value in more.items():
        if key not in into:
            into[key] = value
        elif isinstance(into[key], dict) and isinstance(value, dict):
            _join(into[key], value, where=f"{where}: {key}")
        else:
            raise InvalidTemplate(f"{where}: {key} is given twice")


def finish(document: dict[str, Any], target: Target) -> None:
    """Sets the architecture and the Python of every function, in place.

    Chalice writes this machine's. They are no parameters of the stack, because the wheels in the package have to match.
    """
    for resource in document["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["Architectures"] = [target.architecture]
            resource["Properties"]["Runtime"] = f"python{target.python}"


def call_by_alias(document: dict[str, Any]) -> None:
    """Makes the REST API call the function by the alias that a rollout moves (infra/template/rollout.yaml), in place.

    SAM points the event sources of a function with an alias there, but Chalice writes the API's integrations itself.
    The API may call the function from its one stage only, whatever other stages are added to it.
    """
    resources = document["Resources"]
    api = resources["RestAPI"]["Properties"]
    permission = resources["APIHandlerInvokePermission"]["Properties"]
    permission["FunctionName"] = {"Ref": f"{API_FUNCTION}.Alias"}
    text, values = permission["SourceArn"]["Fn::Sub"]
    permission["SourceArn"] = {"Fn::Sub": [text.removesuffix("/*") + f"/{api['StageName']}/*", values]}
    for methods in api["DefinitionBody"]["paths"].values():
        for method in methods.values():
            integration = method["x-amazon-apigateway-integration"]
            uri = integration["uri"]["Fn::Sub"].replace(f"${{{API_FUNCTION}.Arn}}", "${Alias}")
            integration["uri"] = {"Fn::Sub": [uri, {"Alias": {"Ref": f"{API_FUNCTION}.Alias"}}]}


def redeploy_apis(document: dict[str, Any], settings: str) -> None:
    """Names the deployments of both APIs after all that their stages serve, and after `settings`, in place.

    A stage serves a snapshot of its API, which only a deployment with another logical id replaces. SAM makes that id of
    the REST API's document before parameters and conditions are resolved, and leaves out its other properties; the
    WebSocket API's id never changes. Without this, a change of AuthMode alone would never reach a stage.
    """
    resources = document["Resources"]
    api = resources.get("RestAPI")
    if api is not None:
        api["Properties"]["DefinitionBody"]["info"]["description"] = f"deployment {_digest(api, settings)}"
    served = [resource for _, resource in sorted(resources.items()) if resource["Type"] in _WEBSOCKET_PARTS]
    for name in [name for name, found in resources.items() if found["Type"] == "AWS::ApiGatewayV2::Deployment"]:
        renamed = f"{name}{_digest(served, settings)}"
        resources[renamed] = resources.pop(name)
        for stage in resources.values():
            if stage["Type"] == "AWS::ApiGatewayV2::Stage" and stage["Properties"].get("DeploymentId") == {"Ref": name}:
                stage["Properties"]["DeploymentId"] = {"Ref": renamed}


def _digest(part: Any, settings: str) -> str:
    return hashlib.sha256(json.dumps([part, settings], sort_keys=True).encode()).hexdigest()[:10]
