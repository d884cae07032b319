"""`make dev` for tests: the API and the workers in a process of their own, on any endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from localstack import processes
from localstack.clients import Clients
from localstack.home import REPOSITORY, Home, Options
from tests.integration.stack import RunningStack, free_port, wait_for

READY_SECONDS = 90.0  # the package is made first
AT_ONCE = 3


@contextmanager
def running(
    endpoint: str, folder: Path, parameters: Mapping[str, str], *, reload: bool = False
) -> Iterator[RunningStack]:
    """A stack whose functions run here. It has no `workers` and no `sweep`, and its log is in dev.log."""
    home, port = Home(folder), free_port()
    pairs = " ".join(f"{name}={value}" for name, value in parameters.items())
    environment = {**os.environ, "AWS_ENDPOINT_URL": endpoint, "LORRY_HOME": str(folder), "LORRY_PARAMETERS": pairs}
    command = [sys.executable, "-m", "localstack.dev", "--port", str(port), "--at-once", str(AT_ONCE)]
    command += [] if reload else ["--no-reload"]
    with (folder / "dev.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        wait_for("API of make dev", lambda: _is_healthy(process, port, folder), seconds=READY_SECONDS, pause=0.2)
        outputs = json.loads((folder / "dev-outputs.json").read_text())
        yield RunningStack(Options(home), outputs, Clients(endpoint))
        assert process.poll() is None, f"make dev has ended with code {process.returncode}:\n{_last_words(folder)}"
    finally:
        children = processes.descendants(process.pid)
        process.terminate()
        process.wait(timeout=30)
        processes.end(children, seconds=2.0)


def _is_healthy(process: subprocess.Popen[bytes], port: int, folder: Path) -> bool:
    assert process.poll() is None, _last_words(folder)
    try:
        return httpx.get(f"http://127.0.0.1:{port}/health", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def _last_words(folder: Path) -> str:
    return (folder / "dev.log").read_text(errors="replace")[-2000:]
