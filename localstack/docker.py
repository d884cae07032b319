"""`make up STACK=localstack` and `make down STACK=localstack`: LocalStack, a store and Jaeger, by compose.dev.yaml.

    python -m localstack.docker up | down [--store minio]

The package and what it is deployed with go to a folder, which the containers see; ready.d/10_deploy.py deploys it there
and tells the addresses. STORE=seaweedfs, minio or rustfs chooses the store.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infra.dependencies import HERE, on_aws
from infra.package import package
from localstack.home import REPOSITORY, Home, LocalStackError, Options
from localstack.stack import DEFAULTS
from localstack.store import COMPOSE, store_parameters
from localstack.transform import transformed

COMPOSE_FILE = REPOSITORY / "localstack" / "compose.dev.yaml"
STORES = ("seaweedfs", "minio", "rustfs")
ENDPOINT = "http://localhost:4566"
READY_SECONDS = 300.0
NOWHERE = "arn:aws:execute-api:us-east-1:000000000000:none"  # a right to nothing, where a WebSocket API would stand
_WEBSOCKETS = "AWS::ApiGatewayV2::"


def prepare(folder: Path, given: Mapping[str, str]) -> None:
    """Put the package and its parameters into `folder`."""
    made = package(folder / "package", on_aws(HERE.architecture))
    document = for_localstack(transformed(json.loads(made.template.read_text()), ENDPOINT))
    parameters = {**DEFAULTS, **store_parameters(os.environ, COMPOSE), **given}
    (folder / "template.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=2, sort_keys=True) + "\n")
    shutil.copyfile(made.code, folder / "deployment.zip")
    (folder / "outputs.json").unlink(missing_ok=True)


def for_localstack(template: Mapping[str, Any]) -> dict[str, Any]:
    """The template without WebSocket APIs, which the free LocalStack never had, and the table's encryption, at which
    4.13.1 stumbles."""
    document = _without_websockets(template)
    document["Resources"]["Table"]["Properties"].pop("SSESpecification", None)
    return document


def _without_websockets(template: Mapping[str, Any]) -> dict[str, Any]:
    resources = template["Resources"]
    gone = {name for name, found in resources.items() if found["Type"].startswith(_WEBSOCKETS)}
    gone |= {
        name for name, found in resources.items() if name.startswith("Websocket") and "Permission" in found["Type"]
    }
    kept = {name: found for name, found in resources.items() if name not in gone}
    outputs = {name: found for name, found in template["Outputs"].items() if not _names(found, gone)}
    document: dict[str, Any] = _forget({**template, "Resources": kept, "Outputs": outputs}, gone)
    return document


def _names(part: Any, gone: set[str]) -> bool:
    """Whether the part refers to one of `gone`."""
    if isinstance(part, Mapping):
        return part.get("Ref") in gone or any(_names(inner, gone) for inner in part.values())
    if isinstance(part, list):
        return any(_names(inner, gone) for inner in part)
    return isinstance(part, str) and any(f"${{{name}}}" in part for name in gone)


def _forget(part: Any, gone: set[str]) -> Any:
    """A copy in which texts that refer to `gone` lead nowhere."""
    if isinstance(part, Mapping):
        if isinstance(part.get("Fn::Sub"), str) and _names(part, gone):
            return NOWHERE if part["Fn::Sub"].startswith("arn:") else ""
        return {key: _forget(inner, gone) for key, inner in part.items()}
    return [_forget(inner, gone) for inner in part] if isinstance(part, list) else part


def up(home: Home, given: Mapping[str, str], store: str) -> dict[str, str]:
    """Everything in Docker, deployed; its outputs."""
    folder = home.root / "localstack"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, given)
    _compose(folder, store, "up", "--detach")
    deadline = time.monotonic() + READY_SECONDS
    while not (folder / "outputs.json").exists():
        if time.monotonic() > deadline:
            raise LocalStackError(f"not deployed after {READY_SECONDS:.0f} s; docker compose -f {COMPOSE_FILE} logs")
        time.sleep(0.5)
    outputs: dict[str, str] = json.loads((folder / "outputs.json").read_text())
    if outputs["Status"] != "CREATE_COMPLETE":
        raise LocalStackError(f"the deployment ended as {outputs['Status']}; docker compose -f {COMPOSE_FILE} logs")
    return outputs


def down(home: Home, store: str) -> None:
    _compose(home.root / "localstack", store, "down", "--volumes")


def _compose(folder: Path, store: str, *command: str) -> None:
    environment = {**os.environ, "LORRY_PACKAGE_FOLDER": str(folder), "COMPOSE_PROFILES": store}
    try:
        done = subprocess.run(
            ["docker", "compose", "--file", str(COMPOSE_FILE), *command], check=False, env=environment
        )
    except FileNotFoundError:
        raise LocalStackError("there is no `docker`; `make up` alone needs none") from None
    if done.returncode:
        raise LocalStackError(f"docker compose {command[0]} ended with {done.returncode}; `make up` needs no Docker")


def main() -> int:
    from localstack.__main__ import FAILURES

    parser = argparse.ArgumentParser(prog="python -m localstack.docker", description="Lorry on LocalStack in Docker.")
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    arguments = parser.parse_args()
    try:
        options = Options.from_environment()
        if arguments.command == "down":
            down(options.home, arguments.store)
            return 0
        outputs = up(options.home, options.parameters, arguments.store)
        print(f"Lorry is up: {outputs['ApiUrl']}\n  traces  http://localhost:16686")
    except FAILURES as error:
        print(f"make {arguments.command} STACK=localstack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
