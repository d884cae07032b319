"""MiniStack: an environment of its own, start, readiness, stop."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from infra.file_lock import locked
from localstack import clients, processes
from localstack.home import REPOSITORY, Home, LocalStackError, write_private

REQUIREMENTS = REPOSITORY / "localstack" / "requirements-ministack.txt"
PROCESS = "localstack.emulator_process"
WARM_SECONDS = 3600  # that a worker is kept without work
HOST = "127.0.0.1"
READY_SECONDS = 30.0
ENDING_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running MiniStack."""

    process: psutil.Process
    port: int
    environment: Mapping[str, str]  # beside the usual variables

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    def answers(self, *, seconds: float) -> bool:
        """Whether it answers within `seconds`."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=seconds)
        try:
            connection.request("GET", "/_ministack/ready")
            return connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def running(home: Home) -> Emulator | None:
    """Returns the emulator that this home started and that still runs, whether or not it answers."""
    try:
        noted = json.loads(home.process.read_text())
        process = psutil.Process(int(noted["pid"]))
        emulator = Emulator(process, int(noted["port"]), dict(noted.get("environment", {})))
        # The pid may belong to another process by now; only ours works in this folder.
        is_ours = Path(process.cwd()) == home.temporary.resolve()
    except (FileNotFoundError, ValueError, KeyError, TypeError, psutil.Error):
        return None
    return emulator if is_ours and processes.is_alive(process) else None


def start(home: Home, *, port: int, environment: Mapping[str, str]) -> Emulator:
    """Starts MiniStack and waits until it is ready."""
    _require_free(port)
    python = _python()
    shutil.rmtree(home.temporary, ignore_errors=True)
    home.temporary.mkdir(parents=True)
    with home.log.open("wb") as log:
        child = subprocess.Popen(
            [str(python), "-m", PROCESS],
            env=_environment(home, port=port, more=environment),
            cwd=home.temporary,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    emulator = Emulator(psutil.Process(child.pid), port, environment)
    home.process.write_text(json.dumps({"pid": child.pid, "port": port, "environment": dict(environment)}))
    _await_ready(emulator, child, home=home)
    return emulator


def stop(home: Home) -> bool:
    """Ends the emulator and its workers and removes their files; False if none ran."""
    emulator = running(home)
    if emulator is not None:
        workers = processes.descendants(emulator.process.pid)
        processes.end([emulator.process], seconds=5.0)
        processes.end(workers, seconds=1.0)
    for path in (home.process, home.deployed, home.outputs):
        path.unlink(missing_ok=True)
    shutil.rmtree(home.temporary, ignore_errors=True)
    return emulator is not None


def _require_free(port: int) -> None:
    """Raises unless the port can be listened on. Waits a moment where it has no listener: its holder is ending."""
    deadline = time.monotonic() + ENDING_SECONDS
    while not _is_free(port):
        holder = processes.holder(port)
        if holder or time.monotonic() > deadline:
            holder = holder or "another process"
            raise LocalStackError(f"port {port} is taken by {holder}; use another one: make up PORT={port + 1}")
        time.sleep(0.05)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise LocalStackError(f"port {port} needs root; use another one: make up PORT=4567") from None
        except OSError:
            return False
    return True


def _environment(home: Home, *, port: int, more: Mapping[str, str]) -> dict[str, str]:
    """Returns a clean environment: every Lambda inherits it, and must not depend on this machine's."""
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home.temporary),
        "TMPDIR": str(home.temporary),
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(REPOSITORY),  # for PROCESS, which removes it
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "GATEWAY_PORT": str(port),
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "AWS_SECRET_ACCESS_KEY": secret_access_key(home, more),
        "LAMBDA_WARM_TTL_SECONDS": str(WARM_SECONDS),
        "DOCKER_HOST": f"unix://{home.temporary}/no-docker.sock",
        **more,
    }


def secret_access_key(home: Home, environment: Mapping[str, str]) -> str:
    """Returns what links are signed with, unless by a role: a key that no web page can guess.

    With AUTH=true the emulator verifies other signatures as well, and its clients sign with the usual one.
    """
    if environment.get("AUTH") == "true":
        return clients.SECRET_ACCESS_KEY
    if not home.signing_key.exists():
        write_private(home.signing_key, secrets.token_hex(32))
    return home.signing_key.read_text().strip()


def _await_ready(emulator: Emulator, child: subprocess.Popen[bytes], *, home: Home) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not emulator.answers(seconds=1.0):
        if child.poll() is not None:
            home.process.unlink(missing_ok=True)
            raise LocalStackError(f"MiniStack ended with code {child.returncode}:\n{_tail(home.log)}")
        if time.monotonic() > deadline:
            stop(home)
            raise LocalStackError(f"MiniStack was not ready after {READY_SECONDS:.0f} s:\n{_tail(home.log)}")
        time.sleep(0.05)


def _tail(log: Path, lines: int = 5) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def _python() -> Path:
    """Returns the Python of MiniStack's own environment, which is created on first use."""
    folder = REPOSITORY / ".venvs" / f"ministack-{sys.version_info.major}.{sys.version_info.minor}"
    python, stamp = folder / "bin" / "python", folder / "requirements.sha256"
    wanted = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()
    with locked(folder.parent / f"{folder.name}.lock", seconds=600):
        if not stamp.exists() or stamp.read_text() != wanted:
            print("installing MiniStack (once)", flush=True)
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
            _run([*pip, "install", "--quiet", "--requirement", str(REQUIREMENTS)])
            stamp.write_text(wanted)
    return python


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LocalStackError(f"cannot install MiniStack: {' '.join(command)} failed:\n{done.stderr.strip()}")
