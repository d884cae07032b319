"""What the emulator cannot take, and nothing else: the template as MiniStack is given it.

- It refuses AWS::ApiGatewayV2::Deployment; a stage that deploys by itself takes its place.
- It has no CodeDeploy: an alias goes to its new version at once.
- No name server knows the hosts of its APIs; they are reached by a path below its own address.
- It unpacks the code for each worker process anew, where Lambda unpacks it once: so the code goes without the
  requirements, which all workers find in one folder.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from infra.dependencies import HERE, installed
from infra.package import Package

_API_HOST = re.compile(r"(https|wss)://(\$\{\w+\})\.execute-api\.\$\{AWS::Region\}\.\$\{AWS::URLSuffix\}")
_PLAIN = {"https": "http", "wss": "ws"}


def for_ministack(package: Package, endpoint: str) -> Package:
    """The package as MiniStack at `endpoint` takes it, in files beside the other's."""
    document = json.loads(package.template.read_text(encoding="utf-8"))
    requirements = installed(HERE)
    changed = transformed(document, endpoint)
    changed["Globals"]["Function"]["Environment"]["Variables"]["PYTHONPATH"] = str(requirements)
    text = json.dumps(changed, indent=2, sort_keys=True) + "\n"
    template = package.template.with_name("template-ministack.json")
    template.write_text(text, encoding="utf-8")
    code = package.code.with_name("deployment-ministack.zip")
    _without(package.code, requirements, code)
    digest = hashlib.sha256(f"{package.digest}\0{text}".encode()).hexdigest()
    return replace(package, template=template, code=code, digest=digest)


def _without(whole: Path, requirements: Path, target: Path) -> None:
    """A copy of the zip without the files that are in the folder."""
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if not (requirements / entry.filename).exists():
                new.writestr(entry, old.read(entry))


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
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"].pop("DeploymentPreference", None)
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
