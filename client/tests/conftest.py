"""Fixtures that all tests share: the fake service, a client of it, and the `lorry` command."""

from __future__ import annotations

import io
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.fake_server import FakeServer
from support.running import CLIENT, Command, Start

from lorry import Lorry, RetryPolicy
from lorry.command.main import main

log = logging.getLogger("lorry")
QUICK = RetryPolicy(tries=4, first=0.01, longest=0.05)


@pytest.fixture(autouse=True)
def config(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file of the test, in place of the user's."""
    path = tmp_path_factory.mktemp("config") / "lorry" / "config.ini"
    monkeypatch.setenv("LORRY_CONFIG", str(path))
    monkeypatch.delenv("LORRY_PROFILE", raising=False)
    return path


@pytest.fixture
def service() -> Iterator[FakeServer]:
    fake_server = FakeServer()
    yield fake_server
    fake_server.close()


@pytest.fixture
def lorry(service: FakeServer) -> Iterator[Lorry]:
    with Lorry(service.url, retries=QUICK) as client:
        yield client


@pytest.fixture
def start_command(service: FakeServer, tmp_path: Path, config: Path) -> Iterator[Start]:
    """Starts the real command in `tmp_path`, in a process of its own, with the fake service."""
    running: list[subprocess.Popen[str]] = []

    def start(*words: str, stderr: int = subprocess.PIPE, **environment: str) -> subprocess.Popen[str]:
        variables = {name: value for name, value in os.environ.items() if not name.startswith("LORRY_")}
        variables |= {"PYTHONPATH": str(CLIENT), "COLUMNS": "120"}
        variables |= {"LORRY_API_URL": service.url, "LORRY_CONFIG": str(config)} | environment
        process = subprocess.Popen(
            [sys.executable, "-m", "lorry", *words],
            cwd=tmp_path,
            env=variables,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.fixture
def command(
    service: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Command]:
    """Runs the command in `tmp_path` by its entry point, in this process, which is faster."""
    handlers, level = log.handlers, log.level  # the command sets both
    with monkeypatch.context() as machine:
        machine.chdir(tmp_path)

        def run(*words: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
            for name in ("LORRY_HOME", "LORRY_TOKEN"):
                machine.delenv(name, raising=False)
            for name, value in ({"LORRY_API_URL": service.url, "TZ": "UTC"} | environment).items():
                machine.setenv(name, value)
            time.tzset()
            try:
                code = main(words, stdin=io.StringIO(stdin))
            except SystemExit as ending:
                code = int(str(ending.code))
            printed = capsys.readouterr()
            return subprocess.CompletedProcess(words, code, printed.out, printed.err)

        yield run
    time.tzset()
    log.handlers, log.level = handlers, level
