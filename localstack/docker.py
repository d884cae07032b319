"""`make up STACK=localstack` and `make down STACK=localstack`: LocalStack, a store and Jaeger, by compose.dev.yaml.

    python -m localstack.docker up | down [--store minio]

The package and its parameters go to a folder that the containers mount; ready.d/10_deploy.py deploys it there and
writes the outputs. STORE=seaweedfs, minio or rustfs chooses the store.
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

from infra.dependencies import HERE, on_aws
from infra.package import package
from localstack.home import REPOSITORY, Home, LocalStackError, Options, store_parameters
from localstack.stack import DEFAULTS, FAILURES
from localstack.templates import for_emulators, for_localstack

COMPOSE_FILE = REPOSITORY / "localstack" / "compose.dev.yaml"
STORES = ("seaweedfs", "minio", "rustfs")
ENDPOINT = "http://localhost:4566"
READY_SECONDS = 300.0
STORE_DEFAULTS = {  # compose.dev.yaml has the same where nothing is set
    "S3_ENDPOINT": "http://store:9000",
    "S3_PUBLIC_ENDPOINT": "http://localhost:9000",
    "S3_ACCESS_KEY_ID": "lorry",
    "S3_SECRET_ACCESS_KEY": "lorry-secret",
    "S3_REGION": "us-east-1",
    "S3_BUCKET_NAME": "lorry-source",
    "S3_FORCE_PATH_STYLE": "true",
}


def prepare(folder: Path, given: Mapping[str, str]) -> None:
    """Puts the package and its parameters into `folder`."""
    made = package(folder / "package", on_aws(HERE.architecture))
    document = for_localstack(for_emulators(json.loads(made.template.read_text()), ENDPOINT))
    parameters = {**DEFAULTS, **store_parameters(os.environ, STORE_DEFAULTS), **given}
    (folder / "template.json").write_text(json.dumps(document, indent=2, sort_keys=True) + "\n")
    (folder / "parameters.json").write_text(json.dumps(parameters, indent=2, sort_keys=True) + "\n")
    shutil.copyfile(made.code, folder / "deployment.zip")
    (folder / "outputs.json").unlink(missing_ok=True)


def up(home: Home, *, parameters: Mapping[str, str], store: str) -> dict[str, str]:
    """Starts everything in Docker and deploys; returns the outputs."""
    folder = home.root / "localstack"
    folder.mkdir(parents=True, exist_ok=True)
    prepare(folder, parameters)
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
        raise LocalStackError("`docker` is not installed; `make up` needs none") from None
    if done.returncode:
        raise LocalStackError(f"docker compose {command[0]} ended with {done.returncode}; `make up` needs no Docker")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m localstack.docker", description="Lorry on LocalStack in Docker.")
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--store", choices=STORES, default=STORES[0])
    arguments = parser.parse_args()
    try:
        options = Options.from_environment()
        if arguments.command == "down":
            down(options.home, arguments.store)
            return 0
        outputs = up(options.home, parameters=options.parameters, store=arguments.store)
        print(f"Lorry is up: {outputs['ApiUrl']}\n  traces  http://localhost:16686")
    except FAILURES as error:
        print(f"make {arguments.command} STACK=localstack: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
