"""What the emulator cannot take, and nothing else: the template as MiniStack is given it.

- It refuses AWS::ApiGatewayV2::Deployment; a stage that deploys by itself takes its place.
- No name server knows the hosts of its APIs; they are reached by a path below its own address.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from infra.package import Package

_API_HOST = re.compile(r"(https|wss)://(\$\{\w+\})\.execute-api\.\$\{AWS::Region\}\.\$\{AWS::URLSuffix\}")
_PLAIN = {"https": "http", "wss": "ws"}


def for_ministack(package: Package, endpoint: str) -> Package:
    """The package with a template that MiniStack at `endpoint` takes, in a file beside the other."""
    document = json.loads(package.template.read_text(encoding="utf-8"))
    text = json.dumps(transformed(document, endpoint), indent=2, sort_keys=True) + "\n"
    template = package.template.with_name("template-ministack.json")
    template.write_text(text, encoding="utf-8")
    digest = hashlib.sha256(f"{package.digest}\0{text}".encode()).hexdigest()
    return replace(package, template=template, digest=digest)


def transformed(template: Mapping[str, Any], endpoint: str) -> dict[str, Any]:
    """The template for MiniStack at `endpoint`; nothing is changed in place."""
    host = endpoint.partition("://")[2]
    document: dict[str, Any] = _addressed(template, host)
    resources = document["Resources"]
    for name in [name for name, found in resources.items() if found["Type"] == "AWS::ApiGatewayV2::Deployment"]:
        del resources[name]
    for resource in resources.values():
        if resource["Type"] == "AWS::ApiGatewayV2::Stage":
            del resource["Properties"]["DeploymentId"]
            resource["Properties"]["AutoDeploy"] = True
    return document


def _addressed(part: Any, host: str) -> Any:
    """A copy in which APIs are reached by path."""
    if isinstance(part, Mapping):
        return {key: _addressed(inner, host) for key, inner in part.items()}
    if isinstance(part, list):
        return [_addressed(inner, host) for inner in part]
    if isinstance(part, str):
        return _API_HOST.sub(lambda found: f"{_PLAIN[found[1]]}://{host}/_aws/execute-api/{found[2]}", part)
    return part
