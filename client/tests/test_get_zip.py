"""`lorry get --zip`, `lorry retry`, and the ways to name files, run as people run them."""

from __future__ import annotations

import io
import os
import pty
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest
from fake_server import JOB_ID, FakeServer, Fault
from harness import Command, Start
from zips import zip_of

DATA = bytes(range(256)) * 400

PHASES: list[dict[str, Any]] = [
    {"status": "queued", "progress": 0, "processed": 0},
    {"status": "processing", "stage": "checking", "progress": 15, "processed": 1},
    {"status": "processing", "stage": "checksumming", "progress": 30, "bytes": {"total": 102_400, "done": 0}},
    {"status": "processing", "stage": "assembling", "progress": 65, "bytes": {"total": 102_400, "done": 51_200}},
]


def store(service: FakeServer, *numbers: int) -> None:
    for number in numbers:
        service.put(f"downloads/{number}.zip", DATA)


def started_with(service: FakeServer) -> dict[str, Any]:
    return service.requests("initiate", "POST")[-1].body


def names_in_zip(path: Path) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(path.read_bytes())).namelist()


def read_terminal(terminal: int) -> bytes:
    """What was shown, b"" at the end."""
    try:
        return os.read(terminal, 65536)
    except OSError:  # how Linux says that the other side was closed
        return b""


def test_get_zip_shows_both_phases_and_leaves_one_zip(command: Command, service: FakeServer, tmp_path: Path) -> None:
    store(service, 70000, 70001)
    service.polls = list(PHASES)
    ended = command("get", "70000-70001", "--zip", "new/photos.zip")
    assert (ended.returncode, ended.stdout) == (0, "2 of 2 files in new/photos.zip (205.1 kB)\n")
    lines = ended.stderr.splitlines()
    assert lines[:8] == [
        f"job {JOB_ID}: 2 files",
        "queued: 0 of 2 files, 0%",
        "checking: 1 of 2 files, 50%",
        "checked: 2 of 2 files, 100%",
        "checksumming: 0 B of 102.4 kB, 0%",
        "assembling: 51.2 kB of 102.4 kB, 50%",
        "ready: 205.1 kB of 205.1 kB, 100%",
        "downloading 1 archive, 205.1 kB",
    ]
    assert lines[-1] == "downloading: 205.1 kB of 205.1 kB"
    assert names_in_zip(tmp_path / "new" / "photos.zip") == ["70000.zip", "70001.zip", "MANIFEST.json"]
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["photos.zip"]
    assert started_with(service) == {
        "file_ids": [70000, 70001],
        "archive": {"filename": "photos.zip", "layout": "flat", "onMissing": "skip"},
    }


def test_get_zip_shows_a_bar_for_each_phase_on_a_terminal(start_command: Start, service: FakeServer) -> None:
    store(service, 70000)
    service.polls = list(PHASES)
    terminal, stderr = pty.openpty()
    process = start_command("get", "70000", "--zip", "out.zip", stderr=stderr, TERM="xterm")
    os.close(stderr)
    shown = b"".join(iter(lambda: read_terminal(terminal), b"")).decode()
    assert process.wait(15) == 0
    for label in ("checked", "ready", "downloading", "1 archive 102.6 kB"):
        assert label in shown


def test_get_zip_passes_its_options_on(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    assert command("get", "70000", "--zip", "a.zip", "--layout", "tree", "--on-missing", "fail", "-q").returncode == 0
    assert started_with(service)["archive"] == {"filename": "a.zip", "layout": "tree", "onMissing": "fail"}


def test_get_zip_keeps_the_zip_names_each_missing_file_and_ends_with_1(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    ended = command("get", "70000-70002", "--zip", "out.zip", "-q")
    assert ended.returncode == 1
    assert ended.stderr == "missing    70001  downloads/70001.zip\nmissing    70002  downloads/70002.zip\n"
    assert ended.stdout == "1 of 3 files in out.zip (102.6 kB), 2 missing\n"
    assert names_in_zip(tmp_path / "out.zip") == ["70000.zip", "MANIFEST.json"]


def test_get_zip_names_an_archive_that_cannot_be_had_and_says_how_to_go_on(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    service.faults = [Fault("/store/archives", 404)]
    ended = command("get", "70000", "--zip", "my zips/out.zip", "-q")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "failed     my zips/out.zip  102.6 kB: it is no longer in the store (404)" in ended.stderr
    assert f"to try again: lorry get --job {JOB_ID} --zip 'my zips/out.zip'" in ended.stderr


def test_several_archives_are_told_in_one_line(command: Command, service: FakeServer, tmp_path: Path) -> None:
    store(service, 70000, 70001)
    service.make_archives(zip_of({"a": DATA}), zip_of({"b": DATA}))
    service.polls = list(PHASES)
    ended = command("get", "70000-70001", "--zip", "out.zip")
    assert ended.returncode == 0
    assert ended.stdout == "2 of 2 files in 2 archives, out-1-of-2.zip to out-2-of-2.zip (205.2 kB)\n"
    assert "assembling: 51.2 kB of 102.4 kB in 2 archives, 50%" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-1-of-2.zip", "out-2-of-2.zip"]
    again = command("get", "--job", JOB_ID, "--zip", "out.zip", "-q")
    assert again.stdout == ended.stdout.replace("\n", ", there already\n")


def test_ctrl_c_while_assembling_says_how_to_go_on_and_the_job_goes_on_with_it(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    service.polls = [PHASES[3]] * 1000
    process = start_command("get", "70000", "--zip", "my out.zip")
    service.wait_for("status", count=2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=10)
    assert process.returncode == 130
    assert f"lorry get --job {JOB_ID} --zip 'my out.zip'" in stderr
    assert "Traceback" not in stderr
    service.polls = []
    assert command("get", "--job", JOB_ID, "--zip", "my out.zip", "-q").returncode == 0
    assert names_in_zip(tmp_path / "my out.zip") == ["70000.zip", "MANIFEST.json"]
    assert len(service.requests("initiate", "POST")) == 1


def test_ctrl_c_while_downloading_keeps_what_arrived(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    archive = zip_of({"70000.zip": DATA})
    service.make_archives(archive)[0].cuts = [50_000, 0, 0, 0, 0]
    process = start_command("get", "70000", "--zip", "out.zip")
    service.wait_for("/store/archives", count=2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 130
    assert (tmp_path / "out.zip.part").stat().st_size == 50_000
    service.objects[service.archives[0]["key"]].cuts = []
    assert command("get", "--job", JOB_ID, "--zip", "out.zip", "-q").returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.zip": archive}
    assert service.requests("/store/archives")[-1].headers["Range"] == "bytes=50000-"


def test_everything_below_a_prefix_is_had_although_its_number_is_not_known_at_first(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    polls: list[dict[str, Any]] = [{"total": None, "processed": done} for done in (0, 5, 7, 40)]
    service.polls = [{"status": "processing", "stage": "checking"} | poll for poll in polls]
    ended = command("get", "--prefix", "downloads/", "-o", "out")
    assert (ended.returncode, ended.stdout) == (0, "2 of 2 files in out (204.8 kB)\n")
    assert ended.stderr.splitlines()[:5] == [
        f"job {JOB_ID}: everything below downloads/",
        "checking: 0 of ? files",
        "checking: 40 of ? files",
        "ready: 2 of 2 files, 100%",
        "downloading 2 files, 204.8 kB",
    ]
    assert started_with(service) == {"prefix": "downloads/"}


def test_a_total_that_is_not_known_yet_is_shown_on_a_terminal(start_command: Start, service: FakeServer) -> None:
    store(service, 70000)
    service.polls = [{"status": "processing", "stage": "checking", "total": None, "processed": 0}] * 3
    terminal, stderr = pty.openpty()
    process = start_command("get", "--prefix", "downloads/", "--zip", "out.zip", stderr=stderr, TERM="xterm")
    os.close(stderr)
    shown = b"".join(iter(lambda: read_terminal(terminal), b"")).decode()
    assert process.wait(15) == 0
    assert "0 of ? files" in shown
    assert "1 of 1 file" in shown


def test_keys_come_from_the_words_and_from_a_file_as_they_stand(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/a #1.txt", "downloads/ b ", "downloads/c\u2028d"]
    for key in keys:
        service.put(key, DATA)
    (tmp_path / "keys.txt").write_bytes("downloads/ b \r\n\ndownloads/c\u2028d\n".encode())
    assert command("get", "--key", keys[0], "--keys-from", "keys.txt", "-o", "out", "-q").returncode == 0
    assert started_with(service) == {"keys": keys}
    assert command("get", "--keys-from", "-", "--zip", "out.zip", "-q", stdin=keys[1]).returncode == 0
    assert command("get", "--key", keys[0], "--key", keys[0], "-q").returncode == 0
    assert started_with(service) == {"keys": [keys[0], keys[0]]}


def test_a_job_that_failed_for_a_missing_file_names_it_and_does_not_propose_to_retry(
    command: Command, service: FakeServer
) -> None:
    store(service, 70000)
    service.job = {"status": "failed", "error": {"code": "files_missing", "message": "1 file is missing"}}
    ended = command("get", "70000-70001", "--zip", "out.zip", "--on-missing", "fail", "-q")
    assert ended.returncode == 3
    assert "missing    70001" in ended.stderr
    assert "retry" not in ended.stderr


def test_a_job_that_failed_can_be_tried_again(command: Command, service: FakeServer) -> None:
    service.make_job([], status="failed", error={"code": "gave_up", "message": "the workers crashed"})
    ended = command("get", "--job", JOB_ID, "--zip", "out.zip", "-q")
    assert ended.returncode == 3
    assert f"lorry retry {JOB_ID} && lorry get --job {JOB_ID} --zip out.zip" in ended.stderr
    retried = command("retry", JOB_ID)
    assert (retried.returncode, retried.stdout) == (0, f"job {JOB_ID} is processing again\n")
    refused = command("retry", JOB_ID)
    assert refused.returncode == 2
    assert "409 nothing_to_retry" in refused.stderr


def test_status_tells_of_archives_without_their_links(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip"])
    service.make_archives(zip_of({"a": DATA}))
    assert "archive   out.zip, 102.6 kB, 2 entries, 7 parts, checksums by head\n" in command("status", JOB_ID).stdout
    as_json = command("status", JOB_ID, "--json").stdout
    assert '"crcSource": "head"' in as_json
    assert "signature" not in as_json


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["70000", "--zip", "a.zip", "-o", "out"], "not allowed with argument"),
        (["70000", "--layout", "tree"], "give --zip FILE too"),
        (["70000", "--on-missing", "skip"], "give --zip FILE too"),
        (["70000", "--zip", "."], "is a folder"),
        (["--job", "x", "--zip", "a.zip", "--layout", "flat"], "has its --layout and --on-missing already"),
        (["--job", "x", "--prefix", "downloads/"], "name either files or a job"),
        (["70000", "--key", "downloads/a"], "named by ids and by keys: choose one"),
        (["--from", "-", "--prefix", "downloads/"], "named by ids and by a prefix"),
        (["--keys-from", "nowhere.txt"], "cannot read nowhere.txt"),
        (["--keys-from", "-"], "no files are named"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_asked(
    command: Command, service: FakeServer, words: list[str], complaint: str
) -> None:
    ended = command("get", *words)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert service.seen == []


def test_a_job_without_an_archive_ends_with_2(command: Command, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    ended = command("get", "--job", JOB_ID, "--zip", "a.zip", "-q")
    assert ended.returncode == 2
    assert ended.stderr == (
        f"lorry: job {JOB_ID} has no archive: it was started without one; download its files instead\n"
    )
