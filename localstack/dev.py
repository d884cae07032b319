"""`make dev`: the API by Chalice's local server and all workers, in one process that a breakpoint stops.

It works on any endpoint that offers CloudFormation, SQS, DynamoDB with streams, S3 and Secrets Manager:
AWS_ENDPOINT_URL, or else the running embedded stack. It has a table, queues, archives and a secret of its own there
(dev_stack.py), so that no Lambda takes its messages; the files are those of the stack. When a source file changes, the
process is restarted.

This module prepares and supervises; dev_server.py is the process.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from chalicelib.errors import InvalidSettings
from chalicelib.settings import Settings
from infra.package import package
from localstack import dev_stack, emulator
from localstack.clients import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY, Clients, forget_aws
from localstack.home import REPOSITORY, Home, LocalStackError, Options, store_parameters
from localstack.runner import Trigger
from localstack.stack import FAILURES

DEFAULT_PORT = 8000
PLAN = "dev.json"  # in the home
FROM_STACK = ("SourceBucket",)  # of the embedded stack's outputs
WATCHED = (REPOSITORY / "app.py", REPOSITORY / "chalicelib")
PAUSE = 0.5  # seconds between looks at the watched files
ENDING_SECONDS = 10.0


class Plan(msgspec.Struct, frozen=True):
    """What the process serves."""

    endpoint: str
    port: int
    at_once: int
    triggers: list[Trigger]


@dataclass(frozen=True, slots=True)
class Target:
    """An endpoint, and the parameters that come with it."""

    endpoint: str
    parameters: Mapping[str, str]
    secret_access_key: str = SECRET_ACCESS_KEY


def target(home: Home, environment: Mapping[str, str]) -> Target:
    """Returns AWS_ENDPOINT_URL, or the embedded stack in `home`. Raises LocalStackError where there is neither."""
    if endpoint := environment.get("AWS_ENDPOINT_URL", "").rstrip("/"):
        return Target(endpoint, {})
    try:
        outputs = json.loads(home.outputs.read_text())
    except FileNotFoundError:
        raise LocalStackError(
            f"nothing runs in {home.root}: start a stack with `make up`, "
            "or name an endpoint: AWS_ENDPOINT_URL=http://127.0.0.1:4566"
        ) from None
    server = emulator.running(home)
    key = emulator.secret_access_key(home, server.environment) if server else SECRET_ACCESS_KEY
    return Target(outputs["Endpoint"], {name: outputs[name] for name in FROM_STACK}, key)


def prepare(options: Options, chosen: Target, *, port: int, at_once: int) -> dict[str, str]:
    """Deploys the stack and writes the plan; returns the process's environment. Raises InvalidSettings."""
    home, endpoint, url = options.home, chosen.endpoint, f"http://127.0.0.1:{port}"
    home.root.mkdir(parents=True, exist_ok=True)
    template = json.loads(package(home.package).template.read_text())
    given = {**store_parameters(os.environ), **options.parameters}
    store = {} if "S3Endpoint" in given else {"S3PublicEndpoint": endpoint}
    wanted = {**chosen.parameters, "PublicUrl": url, **store, **given}
    made = dev_stack.deploy(Clients(endpoint), template, parameters=wanted)
    Settings.from_environment(made.environment)  # so that wrong settings are reported here, not by every request
    (home.root / PLAN).write_bytes(msgspec.json.encode(Plan(endpoint, port, at_once, made.triggers)))
    outputs = {**made.outputs, "ApiUrl": url, "Endpoint": endpoint, "Region": REGION}
    (home.root / "dev-outputs.json").write_text(json.dumps(outputs, indent=2, sort_keys=True) + "\n")
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3_"))}
    alone = {"CHECK_CONCURRENCY": "1", "ASSEMBLY_CONCURRENCY": "1"}  # one process does what many functions do on AWS
    return {**usual, **made.environment, **alone, **_aws(chosen), "POWERTOOLS_METRICS_DISABLED": "true"}


def _aws(chosen: Target) -> dict[str, str]:
    """The endpoint in place of this machine's AWS."""
    return {
        "AWS_ENDPOINT_URL": chosen.endpoint,
        "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID,
        "AWS_SECRET_ACCESS_KEY": chosen.secret_access_key,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


Fingerprint = frozenset[tuple[str, int, int]]


def fingerprint(places: tuple[Path, ...] = WATCHED) -> Fingerprint:
    """Returns a value that stays equal as long as no file is added, removed or written."""
    found = set()
    for place in places:
        for path in place.rglob("*") if place.is_dir() else [place]:
            if path.suffix != ".pyc" and path.is_file():
                state = path.stat()
                found.add((str(path), state.st_mtime_ns, state.st_size))
    return frozenset(found)


def wait_for_change(is_over: Callable[[], bool] = lambda: False, places: tuple[Path, ...] = WATCHED) -> bool:
    """Waits until a file changes or `is_over`; True if a file changed."""
    before = fingerprint(places)
    while not is_over():
        time.sleep(PAUSE)
        try:
            if fingerprint(places) != before:
                return True
        except FileNotFoundError:  # an editor is replacing a file
            continue
    return False


def supervise(home: Home, environment: Mapping[str, str], *, reload: bool) -> int:
    """Runs the process, and again after each change; returns its exit code when it ends or is interrupted."""
    command = [sys.executable, "-m", "localstack.dev_server", str(home.root / PLAN)]
    while True:
        with subprocess.Popen(command, cwd=REPOSITORY, env=dict(environment)) as process:
            try:
                if not reload:
                    return process.wait()
                if wait_for_change(lambda: process.poll() is not None):
                    continue
            except KeyboardInterrupt:  # the terminal has sent it to the process, too
                return process.wait()
            finally:
                _end(process)
        print(f"make dev: the process ended with code {process.returncode}; waiting for a change", file=sys.stderr)
        wait_for_change()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # does nothing to one that has ended
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def main() -> int:
    arguments = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that the process ends, too
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
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help="port of the API")
    parser.add_argument(
        "--at-once", type=int, default=1, help="invocations of each queue; more than 1 confuse a debugger"
    )
    parser.add_argument("--no-reload", dest="reload", action="store_false", help="do not restart when a file changes")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
