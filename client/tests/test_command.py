"""The `lorry` command, run as people run it: in a process of its own, against a real HTTP server."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
from pathlib import Path

import pytest
from fake_server import JOB_ID, FakeServer, Fault
from harness import CLIENT, Command, Start

DATA = bytes(range(256)) * 400


def read_terminal(terminal: int) -> bytes:
    """What was shown, b"" at the end."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side was closed
        return b""


def store(service: FakeServer, *numbers: int) -> None:
    for number in numbers:
        service.put(f"downloads/{number}.zip", DATA)


def test_get_downloads_ranges_and_single_files_and_says_so(
    start_command: Start, service: FakeServer, tmp_path: Path
) -> None:
    store(service, *range(70000, 70004))
    service.polls = [{"status": "processing", "stage": "checking", "progress": 50, "processed": 2}]
    process = start_command("get", "70000-70002", "70003", "-o", "out")
    stdout, stderr = process.communicate(timeout=15)
    assert process.returncode == 0, stderr
    assert stdout == "4 of 4 files in out (409.6 kB)\n"
    assert f"job {JOB_ID}: 4 files" in stderr
    assert "checking: 2 of 4 files, 50%" in stderr
    assert "ready: 4 of 4 files, 100%" in stderr
    assert "downloading: 409.6 kB of 409.6 kB" in stderr
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == {DATA}
    assert "\x1b" not in stderr


def test_get_shows_bars_on_a_terminal(start_command: Start, service: FakeServer) -> None:
    store(service, 70000)
    service.polls = [{"status": "processing", "stage": "checking", "progress": 50, "processed": 2}]
    terminal, stderr = pty.openpty()
    process = start_command("get", "70000", "70001", stderr=stderr, TERM="xterm")
    os.close(stderr)
    shown = b"".join(iter(lambda: read_terminal(terminal), b"")).decode()
    assert process.wait(15) == 1
    assert "ready" in shown
    assert "2 of 2 files" in shown
    assert "1 file 102.4 kB" in shown
    assert "missing    70001" in shown


def test_get_reads_ids_from_a_file_and_from_standard_input(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001, 70002)
    (tmp_path / "ids.txt").write_text("# the first two\n70000\n\n70001  # this one too\n")
    assert command("get", "--from", "ids.txt", "-q").returncode == 0
    assert command("get", "70000", "--from", "-", "-q", stdin="70001-70002\n").returncode == 0
    bodies = [seen.body["file_ids"] for seen in service.requests("initiate", "POST")]
    assert bodies == [[70000, 70001], [70000, 70001, 70002]]


def test_get_quietly_prints_the_result_alone(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    ended = command("get", "70000", "--quiet")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1 of 1 file in . (102.4 kB)\n", "")


def test_get_names_each_missing_and_failed_file_and_ends_with_1(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70002)
    service.faults = [Fault("/store/downloads/70002", 404)]
    ended = command("get", "70000-70002", "-o", "out", "-q")
    assert ended.returncode == 1
    assert "missing    70001  downloads/70001.zip\n" in ended.stderr
    assert "failed     70002  downloads/70002.zip  102.4 kB: it is no longer in the store (404)" in ended.stderr
    assert f"lorry get --job {JOB_ID} -o out" in ended.stderr
    assert ended.stdout == "1 of 3 files in out (102.4 kB), 1 missing, 1 failed\n"
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["70000.zip"]


def test_get_of_a_job_leaves_alone_what_is_there_and_goes_on_with_the_rest(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    service.faults = [Fault("/store/downloads/70001", 404)]
    assert command("get", "70000", "70001", "-q").returncode == 1
    ended = command("get", "--job", JOB_ID, "-q")
    assert ended.returncode == 0
    assert ended.stdout == "2 of 2 files in . (204.8 kB), 1 of them were there already\n"
    assert len(service.requests("70000%2Ezip")) == 1
    assert len(service.requests("initiate", "POST")) == 1


def test_a_job_that_failed_ends_with_3_and_names_its_files(command: Command, service: FakeServer) -> None:
    service.job = {"status": "failed", "error": {"code": "no_files_available", "message": "every file is missing"}}
    ended = command("get", "70000", "70001", "-q")
    assert ended.returncode == 3
    assert f"job {JOB_ID} failed: every file is missing (no_files_available)" in ended.stderr
    assert "missing    70000" in ended.stderr
    assert "missing    70001" in ended.stderr


def test_a_job_that_was_cancelled_ends_with_3(command: Command, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"], status="cancelled")
    ended = command("get", "--job", JOB_ID)
    assert ended.returncode == 3
    assert "was cancelled" in ended.stderr


def test_ctrl_c_while_waiting_says_how_to_go_on(start_command: Start, service: FakeServer) -> None:
    service.job = {"status": "processing", "progress": 10}
    process = start_command("--api", service.url, "get", "70000", "-o", "my out")
    service.wait_for("status")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert f"Job {JOB_ID} keeps running" in stderr
    assert f"lorry --api {service.url} get --job {JOB_ID} -o 'my out'" in stderr
    assert f"lorry --api {service.url} cancel {JOB_ID}" in stderr
    assert "Traceback" not in stderr


def test_ctrl_c_while_downloading_keeps_what_arrived_and_the_job_goes_on_with_it(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    service.objects["downloads/70001.zip"].cuts = [50_000, 0, 0, 0, 0]
    service.objects["downloads/70001.zip"].after_cut = None
    process = start_command("get", "70000", "70001")
    service.wait_for("70001%2Ezip", count=2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130, stderr
    assert (tmp_path / "70001.zip.part").stat().st_size == 50_000
    service.objects["downloads/70001.zip"].cuts = []
    assert command("get", "--job", JOB_ID, "-q").returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"70000.zip": DATA, "70001.zip": DATA}
    assert service.requests("70001%2Ezip")[-1].headers["Range"] == "bytes=50000-"


def test_status_shows_a_job(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip", "downloads/70001.zip"])
    ended = command("status", JOB_ID, "--files")
    assert ended.returncode == 0
    assert ended.stdout.splitlines() == [
        f"job       {JOB_ID}",
        "status    ready",
        "progress  100%, 2 of 2 files",
        "files     1 available, 1 missing, 0 failed",
        "size      102.4 kB",
        "created   2025-01-01 00:00:00",
        "finished  2025-01-01 00:00:00",
        "available  70000  downloads/70000.zip  102.4 kB",
        "missing    70001  downloads/70001.zip",
    ]


def test_status_as_json_is_the_service_s_own_object_without_links(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip"])
    job, file = map(json.loads, command("status", JOB_ID, "--json", "--files").stdout.splitlines())
    assert (job["jobId"], job["counts"]["available"], "resultUrls" in job) == (JOB_ID, 1, False)
    assert (file["id"], file["state"], "url" in file) == (70000, "available", False)


def test_cancel_says_what_the_job_is_now(command: Command, service: FakeServer) -> None:
    service.make_job([], status="processing")
    ended = command("cancel", JOB_ID)
    assert (ended.returncode, ended.stdout) == (0, f"job {JOB_ID} is cancelled\n")


def test_cancelling_an_ended_job_is_refused_with_2(command: Command, service: FakeServer) -> None:
    service.make_job([])
    ended = command("cancel", JOB_ID)
    assert (ended.returncode, ended.stderr) == (
        2,
        "lorry: 409 job_already_ended: the job has already ended [request req-1]\n",
    )


def test_jobs_lists_the_newest_up_to_the_limit(command: Command, service: FakeServer) -> None:
    service.listed = [
        {"jobId": f"job-{n}", "status": "ready", "progress": 100, "processed": 5, "total": 5,
         "createdAt": "2025-01-01T00:00:00.000Z"} for n in range(5)
    ]  # fmt: skip
    ended = command("jobs", "--limit", "2")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["job-0", "job-1"]
    assert re.search(r"ready +100% +5 of 5 +2025-01-01 00:00:00$", lines[0])
    assert command("jobs", "--status", "failed").stdout == ""


def test_check_ends_with_1_when_the_file_is_missing(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    there, absent = command("check", "70000"), command("check", "70001")
    assert (there.returncode, there.stdout) == (0, "70000 is available: downloads/70000.zip, 102.4 kB\n")
    assert (absent.returncode, absent.stdout) == (1, "70001 is missing\n")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["get"], "no files are named"),
        (["get", "seven"], "'seven' is no file id"),
        (["get", "70009-70000"], "runs backwards"),
        (["get", "10000-99999999"], "more than 100,000 files"),
        (["get", "70000", "--job", "x"], "name either files or a job"),
        (["get", "--from", "nowhere.txt"], "cannot read nowhere.txt"),
        (["get", "70000", "--jobs", "0"], "must be 1 or more"),
        (["get", "9"], "400 invalid_request"),
        (["get", "--job", "unknown"], "404 job_not_found"),
        (["--api", "ftp://x", "jobs"], "not an http:// or https:// URL"),
        (["frobnicate"], "invalid choice"),
        ([], "required"),
    ],
)
def test_wrong_usage_ends_with_2_and_says_what_is_wrong(command: Command, words: list[str], complaint: str) -> None:
    ended = command(*words)
    assert ended.returncode == 2
    assert complaint in ended.stderr


def test_a_service_that_is_not_there_ends_with_4(start_command: Start) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        process = start_command("check", "70000", LORRY_API_URL=f"http://127.0.0.1:{unused.getsockname()[1]}")
        _, stderr = process.communicate(timeout=15)
    assert process.returncode == 4
    assert "cannot reach http://127.0.0.1" in stderr
    assert "trying again in" in stderr


def test_something_else_at_the_address_ends_with_4(command: Command, service: FakeServer) -> None:
    service.faults = [Fault("/lorry/", 200, body=b"<html>")]
    ended = command("jobs")
    assert ended.returncode == 4
    assert "is this the ApiUrl?" in ended.stderr


def test_the_address_is_found_in_outputs_json(command: Command, service: FakeServer, tmp_path: Path) -> None:
    store(service, 70000)
    for folder in (".lorry", "elsewhere"):
        (tmp_path / folder).mkdir()
    (tmp_path / ".lorry" / "outputs.json").write_text(json.dumps({"ApiUrl": service.url}))
    assert command("check", "70000", LORRY_API_URL="").returncode == 0
    lost = command("check", "70000", LORRY_API_URL="", LORRY_HOME=str(tmp_path / "elsewhere"))
    assert lost.returncode == 2
    assert "elsewhere/outputs.json does not exist); name the service with --api URL" in lost.stderr
    (tmp_path / "elsewhere" / "outputs.json").write_text(json.dumps({"ApiUrl": service.url}))
    assert command("check", "70000", LORRY_API_URL="", LORRY_HOME=str(tmp_path / "elsewhere")).returncode == 0


def test_help_and_readme_tell_the_same_exit_codes(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    told = re.findall(r"^  (\d+)  ", command("get", "--help").stdout, re.MULTILINE)
    assert told == ["0", "1", "2", "3", "4", "130"]
    assert re.findall(r"^\| (\d+) \|", readme, re.MULTILINE) == told


def test_the_examples_of_the_readme_work(service: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store(service, 70000, 70001)
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    for example in examples:
        exec(example.replace("http://127.0.0.1:4566/lorry", service.url), {})
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["70000.zip", "70001.zip"]
    assert (tmp_path / "out.zip").is_file()
