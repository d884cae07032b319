"""`make up` and `make down`: idempotent, side by side, and never hanging."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest

from infra.dependencies import REPOSITORY
from localstack import emulator, processes
from localstack.home import Home
from tests.integration.stack import free_port, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.slow]

NAMED = {"ApiUrl", "WebSocketUrl", "Endpoint", "SourceBucket", "ArchiveBucket", "Table", "Region", "StackName"}


class Command:
    """`python -m localstack` as `make` runs it, for one home."""

    def __init__(self, root: Path, port: int) -> None:
        self.home, self.port = Home(root), port

    def run(self, command: str, **more: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LORRY_HOME": str(self.home.root), "PORT": str(self.port), **more}
        return subprocess.run(
            [sys.executable, "-m", "localstack", command],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def up(self, **more: str) -> dict[str, str]:
        done = self.run("up", **more)
        assert done.returncode == 0, done.stderr
        outputs: dict[str, str] = json.loads(self.home.outputs.read_text())
        return outputs

    @property
    def process(self) -> psutil.Process:
        server = emulator.running(self.home)
        assert server is not None
        return server.process


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    made = Command(tmp_path / "home", free_port())
    yield made
    made.run("down")


def test_up_leaves_a_stack_that_curl_can_reach_and_outputs_that_say_where(command: Command) -> None:
    outputs = command.up()
    assert outputs.keys() >= NAMED
    assert outputs["ApiUrl"] == f"http://127.0.0.1:{command.port}/lorry"
    assert outputs["WebSocketUrl"].startswith(f"ws://127.0.0.1:{command.port}/")
    answer = httpx.get(outputs["ApiUrl"] + "/health", timeout=30)
    assert (answer.status_code, answer.json()["status"]) == (200, "healthy")


def test_up_puts_sample_files_in_place_and_leaves_files_of_the_same_name_alone(command: Command) -> None:
    outputs = command.up()
    files = f"{outputs['Endpoint']}/{outputs['SourceBucket']}/downloads"
    for number in (70000, 70058):
        assert httpx.get(f"{files}/{number}.zip", timeout=30).content.startswith(b"PK")
    assert httpx.get(f"{files}/79999.zip", timeout=30).status_code == 404
    httpx.put(f"{files}/70000.zip", content=b"my own", timeout=30)
    command.up()
    assert httpx.get(f"{files}/70000.zip", timeout=30).content == b"my own"


def test_a_second_up_keeps_the_running_stack(command: Command) -> None:
    command.up()
    before = command.process
    command.up()
    assert command.process == before


def test_changed_parameters_update_the_running_stack_and_keep_its_data(command: Command) -> None:
    first = command.up()
    before = command.process
    second = command.up(LORRY_PARAMETERS="CheckConcurrency=3")
    assert command.process == before
    assert second["Table"] == first["Table"]
    assert httpx.get(second["ApiUrl"] + "/health", timeout=30).status_code == 200


def test_another_environment_restarts_the_emulator(command: Command) -> None:
    command.up()
    before = command.process
    outputs = command.up(LORRY_EMULATOR_ENVIRONMENT="AUTH=true")
    assert not processes.is_alive(before)
    assert httpx.get(f"{outputs['Endpoint']}/_ministack/health", timeout=30).json()["auth"] == "enabled"


def test_an_unknown_parameter_is_named(command: Command) -> None:
    done = command.run("up", LORRY_PARAMETERS="ChekConcurrency=3")
    assert done.returncode == 1
    assert "no such parameter: ChekConcurrency" in done.stderr


def test_down_leaves_no_process_and_no_temporary_file(command: Command) -> None:
    outputs = command.up()
    httpx.get(outputs["ApiUrl"] + "/health", timeout=30)  # starts a worker
    family = [command.process, *processes.descendants(command.process.pid)]
    assert len(family) > 1
    assert command.run("down").returncode == 0
    assert not [process for process in family if processes.is_alive(process)]
    assert not command.home.temporary.exists()
    assert not command.home.outputs.exists()


def test_down_without_up_is_fine(command: Command) -> None:
    done = command.run("down")
    assert (done.returncode, done.stdout.strip()) == (0, f"nothing runs in {command.home.root}")


def test_a_taken_port_is_named_with_its_holder_and_a_way_out(command: Command) -> None:
    with socket.create_server(("127.0.0.1", command.port)):
        done = command.run("up")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert f"port {command.port} is taken by" in line
    assert f"(pid {os.getpid()})" in line or sys.platform != "linux"
    assert f"PORT={command.port + 1}" in line


def test_a_port_that_is_no_number_is_refused(command: Command) -> None:
    done = command.run("up", PORT="http")
    assert done.returncode == 1
    assert "PORT=http is not a port" in done.stderr


def test_another_port_for_a_running_home_is_refused_with_a_way_out(command: Command) -> None:
    command.up()
    done = command.run("up", PORT=str(free_port()))
    assert done.returncode == 1
    assert f"runs on port {command.port} already" in done.stderr
    assert "make down" in done.stderr


def test_a_stack_that_was_killed_is_started_again(command: Command) -> None:
    command.up()
    os.kill(command.process.pid, signal.SIGKILL)
    outputs = command.up()
    assert httpx.get(outputs["ApiUrl"] + "/health", timeout=30).status_code == 200


def test_a_stack_that_was_wiped_is_deployed_again(command: Command) -> None:
    httpx.post(f"{command.up()['Endpoint']}/_ministack/reset", timeout=30)
    assert httpx.get(command.up()["ApiUrl"] + "/health", timeout=30).status_code == 200


def test_a_stack_that_hangs_is_replaced(command: Command) -> None:
    command.up()
    hanging = command.process
    os.kill(hanging.pid, signal.SIGSTOP)
    outputs = command.up()
    assert not processes.is_alive(hanging)
    assert httpx.get(outputs["ApiUrl"] + "/health", timeout=30).status_code == 200


def test_a_worker_that_is_killed_while_it_starts_is_not_noticed(command: Command) -> None:
    outputs, killed = command.up(), 0

    def workers() -> set[int]:
        mark = f"ministack-lambda-{outputs['ApiFunction']}-"
        family = processes.descendants(command.process.pid)
        return {process.pid for process in family if mark in processes.command_line(process)}

    for _ in range(3):
        for pid in workers():
            os.kill(pid, signal.SIGKILL)
        wait_for("their end", lambda: not workers(), seconds=30)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(httpx.get, outputs["ApiUrl"] + "/v1/limits", timeout=60)
            starting = wait_for("a start", workers, seconds=30, pause=0.001)
            killed += len(starting)
            for pid in starting:
                os.kill(pid, signal.SIGKILL)
            assert answer.result().status_code == 200
    assert killed >= 3


def test_a_pid_that_was_given_to_another_process_is_left_alone(command: Command) -> None:
    command.home.root.mkdir(parents=True)
    stranger = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    noted = {"pid": stranger.pid, "port": command.port, "environment": {}}
    command.home.process.write_text(json.dumps(noted))
    try:
        assert command.run("down").returncode == 0
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_damaged_pid_file_does_not_stop_anything(command: Command) -> None:
    command.home.root.mkdir(parents=True)
    command.home.process.write_text("{")
    command.up()


def test_two_stacks_live_side_by_side(command: Command, tmp_path: Path) -> None:
    other = Command(tmp_path / "other", free_port())
    try:
        urls = {command.up()["ApiUrl"], other.up()["ApiUrl"]}
        assert len(urls) == 2
        assert [httpx.get(url + "/health", timeout=30).status_code for url in urls] == [200, 200]
        other.run("down")
        assert httpx.get(f"http://127.0.0.1:{command.port}/lorry/health", timeout=30).status_code == 200
    finally:
        other.run("down")


def test_the_secret_outlives_the_emulator_and_its_rotations(command: Command) -> None:
    def ran(*words: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "LORRY_HOME": str(command.home.root)}
        arguments = [sys.executable, "-m", "infra.secret", *words]
        return subprocess.run(
            arguments, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=60
        )

    command.up()
    first = ran("show").stdout
    assert first.startswith("webhook secret  whsec_")
    rotated = ran("rotate").stdout
    assert first.split()[-1] == rotated.split()[-1] != rotated.split()[2]
    assert "FORCE=yes" in ran("rotate").stderr
    command.run("down")
    assert "nothing runs in" in ran("show").stderr
    command.up()
    assert ran("show").stdout == rotated
