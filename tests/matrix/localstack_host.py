"""A LocalStack of one's own, from PyPI and without Docker: S3, SQS, DynamoDB with streams, Secrets Manager, STS,
CloudFormation. No Lambda, which needs Docker; WebSocket APIs were never in the free edition.

    with localstack_host.running(folder) as server:
        server.clients("s3").create_bucket(Bucket="files")

DynamoDB is AWS's own DynamoDB Local, to which LocalStack passes calls on. It listens on all addresses (it has no option
for that) under a port that is free at that moment; LocalStack itself on the loopback only.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from localstack import processes
from localstack.clients import Clients
from tests.integration.stack import free_port
from tests.matrix import installing

HOST = "127.0.0.1"
READY_SECONDS = 60.0
SERVICES = "cloudformation,dynamodb,dynamodbstreams,iam,s3,secretsmanager,sqs,sts"
START = Path(__file__).with_name("start_localstack.py")


class DidNotStart(Exception):
    """LocalStack ended, or did not answer in time. Carries its last words."""


@dataclass(frozen=True)
class LocalStack:
    """A running LocalStack."""

    port: int
    log: Path

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def clients(self) -> Clients:
        return Clients(self.endpoint)


@contextmanager
def running(folder: Path, hooks: Path | None = None, more: Mapping[str, str] | None = None) -> Iterator[LocalStack]:
    """Start LocalStack with its files in `folder`; it runs the scripts in `hooks` as it would run its ready.d."""
    root = _filesystem(folder, hooks)
    server = LocalStack(free_port(), folder / "localstack.log")
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [str(installing.environment() / "bin" / "python"), str(START)],
            env={**_environment(folder, root, server.port), **(more or {})},
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        _await_ready(server, process)
        yield server
    finally:
        _end(process)


def _filesystem(folder: Path, hooks: Path | None) -> Path:
    """LocalStack's own tree of files, with what it would download to there."""
    root = folder / "root"
    library = root / "usr" / "lib" / "localstack"
    (library / "dynamodb-local").mkdir(parents=True)
    (library / "dynamodb-local" / "2").symlink_to(installing.dynamodb_local())
    java = library / "java" / "21" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(_JAVA.format(java=shlex.quote(installing.java())))
    java.chmod(0o755)
    if hooks is not None:
        (root / "etc" / "localstack" / "init").mkdir(parents=True)
        (root / "etc" / "localstack" / "init" / "ready.d").symlink_to(hooks)
    return root


# LocalStack's agent raises the number of indexes that a table may have. It cannot be had here, and is not needed.
_JAVA = """#!/bin/sh
for argument; do
    shift
    case $argument in -javaagent:*) ;; *) set -- "$@" "$argument" ;; esac
done
exec {java} "$@"
"""


def _environment(folder: Path, root: Path, port: int) -> dict[str, str]:
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "FILESYSTEM_ROOT": str(root),
        "OVERRIDE_IN_DOCKER": "0",
        "ACTIVATE_PRO": "0",
        "DISABLE_EVENTS": "1",  # no telemetry
        "SKIP_SSL_CERT_DOWNLOAD": "1",
        "DNS_ADDRESS": "0",
        "DOCKER_HOST": f"unix://{folder}/no-docker.sock",
        "SERVICES": SERVICES,
        "GATEWAY_LISTEN": f"{HOST}:{port}",
        "LOCALSTACK_HOST": f"{HOST}:{port}",
        "SQS_ENDPOINT_STRATEGY": "path",  # no name server knows sqs.us-east-1.127.0.0.1
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",
        "PROVIDER_OVERRIDE_DYNAMODB": "v2",  # streams by DynamoDB Local itself, not by a Kinesis
        "PROVIDER_OVERRIDE_DYNAMODBSTREAMS": "v2",
        "DYNAMODB_IN_MEMORY": "1",
    }


def _await_ready(server: LocalStack, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not _answers(server):
        if process.poll() is not None or time.monotonic() > deadline:
            words = "\n".join(server.log.read_text(errors="replace").splitlines()[-20:])
            raise DidNotStart(f"LocalStack is not ready:\n{words}")
        time.sleep(0.1)


def _answers(server: LocalStack) -> bool:
    try:
        with urllib.request.urlopen(f"{server.endpoint}/_localstack/health", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its DynamoDB Local with it, which would outlive it."""
    children = processes.descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    processes.end(children, seconds=2.0)
