"""`make dev`: the API by Chalice's local server and all workers, in one process that a breakpoint stops.

It works on any endpoint that speaks SQS, DynamoDB with streams, S3 and Secrets Manager: AWS_ENDPOINT_URL, or else the
embedded stack that runs. It has a table, queues, archives and a secret of its own there (named lorry-dev-...), so that
no Lambda takes its messages; the files are those of the stack. When a source file changes, the process starts anew.

This module prepares and supervises; localstack/serving.py is the process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chalicelib.errors import InvalidSettings
from chalicelib.settings import Settings
from infra.package import package
from localstack import resources
from localstack.changes import RESTART, wait_for_change
from localstack.clients import REGION, Clients, forget_aws
from localstack.home import REPOSITORY, Home, LocalStackError, Options
from localstack.stack import DEFAULTS
from localstack.store import store_parameters
from localstack.triggers import triggers

STACK = "lorry-dev"
DEFAULT_PORT = 8000
PLAN = "dev.json"  # in the home; what the process is told
FROM_STACK = ("SourceBucket",)  # of the embedded stack's outputs


@dataclass(frozen=True, slots=True)
class Plan:
    """What the process serves, and where it tells of itself."""

    endpoint: str
    port: int
    at_once: int
    triggers: list[dict[str, Any]]

    @classmethod
    def read(cls, path: Path) -> Plan:
        return cls(**json.loads(path.read_text()))


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, and the parameters that go with it."""

    endpoint: str
    parameters: Mapping[str, str]


def target(home: Home, environment: Mapping[str, str]) -> Target:
    """AWS_ENDPOINT_URL, or the embedded stack in `home`. Raises LocalStackError where there is neither."""
    if endpoint := environment.get("AWS_ENDPOINT_URL", "").rstrip("/"):
        return Target(endpoint, {})
    try:
        outputs = json.loads(home.outputs.read_text())
    except FileNotFoundError:
        raise LocalStackError(
            f"nothing runs in {home.root}: start a stack with `make up`, "
            "or name an endpoint: AWS_ENDPOINT_URL=http://127.0.0.1:4566"
        ) from None
    return Target(outputs["Endpoint"], {name: outputs[name] for name in FROM_STACK})


def prepare(options: Options, chosen: Target, *, port: int, at_once: int) -> dict[str, str]:
    """Make what the process works on and write its plan; its environment. Raises InvalidSettings."""
    home, endpoint = options.home, chosen.endpoint
    home.root.mkdir(parents=True, exist_ok=True)
    template = json.loads(package(home.package).template.read_text())
    url = f"http://127.0.0.1:{port}"
    given = {**store_parameters(os.environ), **options.parameters}
    store = {} if "S3Endpoint" in given else {"S3PublicEndpoint": endpoint}
    parameters = {**DEFAULTS, **chosen.parameters, "PublicUrl": url, **store, **given}
    made = resources.make(Clients(endpoint), template, parameters, stack=STACK)
    found = [{"kind": type(one).__name__, **asdict(one)} for one in triggers(template, made.resources, made.resolver)]
    (home.root / PLAN).write_text(json.dumps(asdict(Plan(endpoint, port, at_once, found)), indent=2))
    outputs = {**made.outputs, "ApiUrl": url, "Endpoint": endpoint, "Region": REGION}
    (home.root / "dev-outputs.json").write_text(json.dumps(outputs, indent=2, sort_keys=True) + "\n")
    Settings.from_environment(made.environment)  # better told now than by every request
    return {**_usual(), **made.environment, **_aws(endpoint), "POWERTOOLS_METRICS_DISABLED": "true"}


def _usual() -> dict[str, str]:
    """This machine's environment without its AWS, and without other names of what is set anyway."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_"))}


def _aws(endpoint: str) -> dict[str, str]:
    """Nothing of this machine's AWS: an emulator takes any key."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def supervise(home: Home, environment: Mapping[str, str], *, reload: bool) -> int:
    """Run the process, anew after each change; its exit code when it ends by itself or is interrupted."""
    command = [sys.executable, "-m", "localstack.serving", str(home.root / PLAN), *(["--reload"] if reload else [])]
    while True:
        with subprocess.Popen(command, cwd=REPOSITORY, env=dict(environment)) as process:
            try:
                code = process.wait()
            except KeyboardInterrupt:  # the terminal has told the process, too
                return process.wait()
            finally:
                process.terminate()  # which does nothing to one that has ended
        if not reload:
            return code
        if code != RESTART:
            print(f"make dev: it ended with code {code}; waiting for a change", file=sys.stderr)
            wait_for_change()


def main() -> int:
    from localstack.__main__ import FAILURES  # which imports this

    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # and take the process along
    try:
        options = Options.from_environment()
        chosen = target(options.home, os.environ)
        forget_aws()
        environment = prepare(options, chosen, port=arguments.port, at_once=arguments.at_once)
        print(f"Lorry's API and workers on {chosen.endpoint}: http://127.0.0.1:{arguments.port}", flush=True)
        return supervise(options.home, environment, reload=arguments.reload)
    except (*FAILURES, InvalidSettings) as error:
        print(f"make dev: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localstack.dev", description="API and workers in one process.")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="of the API")
    parser.add_argument(
        "--at-once", type=int, default=1, help="invocations of each queue; more than 1 confuse a debugger"
    )
    parser.add_argument(
        "--no-reload", dest="reload", action="store_false", help="do not start anew when a file changes"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
