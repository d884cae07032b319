"""`lorry get`, run as users run it: what it shows, writes and prints, and how it ends."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import zipfile
from pathlib import Path
from typing import Any

from support.fake_server import JOB_ID, FakeServer, Fault
from support.running import DATA, END_SECONDS, Command, Start, read_terminal, store
from support.zips import zip_of

PHASES: list[dict[str, Any]] = [
    {"status": "queued", "progress": 0, "processed": 0},
    {"status": "processing", "stage": "checking", "progress": 15, "processed": 1},
    {"status": "processing", "stage": "checksumming", "progress": 30, "bytes": {"total": 102_400, "done": 0}},
    {"status": "processing", "stage": "assembling", "progress": 65, "bytes": {"total": 102_400, "done": 51_200}},
]


def started_with(service: FakeServer) -> dict[str, Any]:
    return service.requests("initiate", "POST")[-1].body


def names_in_zip(path: Path) -> list[str]:
    return zipfile.ZipFile(io.BytesIO(path.read_bytes())).namelist()


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
    shown = read_terminal(terminal)
    assert process.wait(END_SECONDS) == 0
    for label in ("checked", "ready", "downloading", "1 archive 102.6 kB"):
        assert label in shown


def test_get_zip_sends_its_options(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    options = ("--layout", "tree", "--on-missing", "fail", "--no-manifest")
    assert command("get", "70000", "--zip", "a.zip", *options, "-q").returncode == 0
    assert started_with(service)["archive"] == {
        "filename": "a.zip",
        "layout": "tree",
        "onMissing": "fail",
        "manifest": False,
    }


def test_get_zip_keeps_the_zip_names_each_missing_file_and_ends_with_1(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    ended = command("get", "70000-70002", "--zip", "out.zip", "-q")
    assert ended.returncode == 1
    assert ended.stderr == "missing    70001  downloads/70001.zip\nmissing    70002  downloads/70002.zip\n"
    assert ended.stdout == "1 of 3 files in out.zip (102.6 kB), 2 missing\n"
    assert names_in_zip(tmp_path / "out.zip") == ["70000.zip", "MANIFEST.json"]


def test_get_zip_names_an_archive_that_failed_and_how_to_retry(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    service.faults = [Fault("/store/archives", 404)]
    ended = command("get", "70000", "--zip", "my zips/out.zip", "-q")
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "failed     my zips/out.zip  102.6 kB: it is no longer in the store (404)" in ended.stderr
    assert f"to retry: lorry get --job {JOB_ID} --zip 'my zips/out.zip'" in ended.stderr


def test_several_archives_are_reported_in_one_line(command: Command, service: FakeServer, tmp_path: Path) -> None:
    store(service, 70000, 70001)
    service.make_archives(zip_of({"a": DATA}), zip_of({"b": DATA}))
    service.polls = list(PHASES)
    ended = command("get", "70000-70001", "--zip", "out.zip")
    assert ended.returncode == 0
    assert ended.stdout == "2 of 2 files in 2 archives, out-1-of-2.zip to out-2-of-2.zip (205.2 kB)\n"
    assert "assembling: 51.2 kB of 102.4 kB in 2 archives, 50%" in ended.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out-1-of-2.zip", "out-2-of-2.zip"]
    again = command("get", "--job", JOB_ID, "--zip", "out.zip", "-q")
    assert again.stdout == ended.stdout.replace("\n", ", already there\n")


def test_ctrl_c_while_assembling_prints_the_command_that_continues_the_job(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    service.polls = [PHASES[3]] * 1000
    process = start_command("get", "70000", "--zip", "my out.zip")
    service.wait_for("status", count=2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130
    assert f"lorry get --job {JOB_ID} --zip 'my out.zip'" in stderr
    assert "Traceback" not in stderr
    service.polls = []
    assert command("get", "--job", JOB_ID, "--zip", "my out.zip", "-q").returncode == 0
    assert names_in_zip(tmp_path / "my out.zip") == ["70000.zip", "MANIFEST.json"]
    assert len(service.requests("initiate", "POST")) == 1


def test_ctrl_c_while_downloading_an_archive_keeps_the_part(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000)
    archive = zip_of({"70000.zip": DATA})
    service.make_archives(archive)[0].cuts = [50_000, 0, 0, 0, 0]
    process = start_command("get", "70000", "--zip", "out.zip")
    service.wait_for("/store/archives", count=2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130
    assert (tmp_path / "out.zip.part").stat().st_size == 50_000
    service.objects[service.archives[0]["key"]].cuts = []
    assert command("get", "--job", JOB_ID, "--zip", "out.zip", "-q").returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"out.zip": archive}
    assert service.requests("/store/archives")[-1].headers["Range"] == "bytes=50000-"


def test_an_unknown_total_is_shown_on_a_terminal(start_command: Start, service: FakeServer) -> None:
    store(service, 70000)
    service.polls = [{"status": "processing", "stage": "checking", "total": None, "processed": 0}] * 3
    terminal, stderr = pty.openpty()
    process = start_command("get", "--prefix", "downloads/", "--zip", "out.zip", stderr=stderr, TERM="xterm")
    os.close(stderr)
    shown = read_terminal(terminal)
    assert process.wait(END_SECONDS) == 0
    assert "0 of ? files" in shown
    assert "1 of 1 file" in shown


def test_a_job_that_failed_for_a_missing_file_names_it_and_does_not_propose_to_retry(
    command: Command, service: FakeServer
) -> None:
    store(service, 70000)
    service.job = {"status": "failed", "error": {"code": "files_missing", "message": "1 file is missing"}}
    ended = command("get", "70000-70001", "--zip", "out.zip", "--on-missing", "fail", "-q")
    assert ended.returncode == 3
    assert "missing    70001" in ended.stderr
    assert "retry" not in ended.stderr


def test_a_failed_job_can_be_retried(command: Command, service: FakeServer) -> None:
    service.make_job([], status="failed", error={"code": "gave_up", "message": "the workers crashed"})
    ended = command("get", "--job", JOB_ID, "--zip", "out.zip", "-q")
    assert ended.returncode == 3
    assert f"lorry retry {JOB_ID} && lorry get --job {JOB_ID} --zip out.zip" in ended.stderr
    retried = command("retry", JOB_ID)
    assert (retried.returncode, retried.stdout) == (0, f"job {JOB_ID} is processing again\n")
    refused = command("retry", JOB_ID)
    assert refused.returncode == 2
    assert "409 nothing_to_retry" in refused.stderr


def test_a_job_without_an_archive_ends_with_2(command: Command, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    ended = command("get", "--job", JOB_ID, "--zip", "a.zip", "-q")
    assert ended.returncode == 2
    assert ended.stderr == (f"lorry: job {JOB_ID} was started without an archive; download its files instead\n")


def test_get_downloads_ranges_and_single_files_and_reports_them(
    start_command: Start, service: FakeServer, tmp_path: Path
) -> None:
    store(service, *range(70000, 70004))
    service.polls = [{"status": "processing", "stage": "checking", "progress": 50, "processed": 2}]
    process = start_command("get", "70000-70002", "70003", "-o", "out")
    stdout, stderr = process.communicate(timeout=END_SECONDS)
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
    shown = read_terminal(terminal)
    assert process.wait(END_SECONDS) == 1
    assert "ready" in shown
    assert "2 of 2 files" in shown
    assert "1 file 102.4 kB" in shown
    assert "missing    70001" in shown


def test_get_quietly_prints_only_the_result(command: Command, service: FakeServer) -> None:
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


def test_get_of_a_job_keeps_its_files_and_downloads_the_rest(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    service.faults = [Fault("/store/downloads/70001", 404)]
    assert command("get", "70000", "70001", "-q").returncode == 1
    ended = command("get", "--job", JOB_ID, "-q")
    assert ended.returncode == 0
    assert ended.stdout == "2 of 2 files in . (204.8 kB), 1 of them already there\n"
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


def test_ctrl_c_while_waiting_prints_the_commands_that_continue_and_cancel_the_job(
    start_command: Start, service: FakeServer
) -> None:
    service.job = {"status": "processing", "progress": 10}
    process = start_command("--api", service.url, "get", "70000", "-o", "my out")
    service.wait_for("status")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130
    assert f"Job {JOB_ID} keeps running" in stderr
    assert f"lorry --api {service.url} get --job {JOB_ID} -o 'my out'" in stderr
    assert f"lorry --api {service.url} cancel {JOB_ID}" in stderr
    assert "Traceback" not in stderr


def test_ctrl_c_while_downloading_files_keeps_the_parts(
    start_command: Start, command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    service.objects["downloads/70001.zip"].cuts = [50_000, 0, 0, 0, 0]
    service.objects["downloads/70001.zip"].after_cut = None
    process = start_command("get", "70000", "70001")
    service.wait_for("70001%2Ezip", count=2)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130, stderr
    assert (tmp_path / "70001.zip.part").stat().st_size == 50_000
    service.objects["downloads/70001.zip"].cuts = []
    assert command("get", "--job", JOB_ID, "-q").returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {"70000.zip": DATA, "70001.zip": DATA}
    assert service.requests("70001%2Ezip")[-1].headers["Range"] == "bytes=50000-"


def test_a_new_job_may_have_a_callback_and_a_key(command: Command, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"data")
    words = ["get", "70000", "--callback-url", "https://example.org/hook", "--idempotency-key", "nightly-1", "-q"]
    assert [command(*words).returncode, command(*words).returncode] == [0, 0]
    seen = service.requests("initiate", "POST")[0]
    assert seen.body == {"file_ids": [70000], "callbackUrl": "https://example.org/hook"}
    assert (seen.headers["Idempotency-Key"], service.made) == ("nightly-1", 1)
    reused = command("get", "70001", "--idempotency-key", "nightly-1")
    assert reused.returncode == 2
    assert "422 idempotency_key_reused" in reused.stderr
    assert "nothing was done: use a new key" in reused.stderr


def test_a_target_that_cannot_be_written_to_is_found_before_the_job_starts(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    for words in (["-o", "file"], ["-o", "/proc/lorry"], ["--zip", "file/out.zip"]):
        ended = command("get", "70000", *words)
        assert ended.returncode == 5
        assert "lorry: cannot write to " in ended.stderr
    assert service.seen == []


def test_a_disk_that_is_too_small_ends_with_5_and_the_command_to_continue(
    command: Command, service: FakeServer
) -> None:
    store(service, 70000)
    service.job = {"bytes": {"total": 2**62, "done": 0}}
    ended = command("get", "70000", "-o", "out", "-q")
    assert ended.returncode == 5
    assert ended.stderr.startswith(f"job {JOB_ID} is ready; to continue: lorry get --job {JOB_ID} -o out\n")
    assert "lorry: cannot write to out: 4,611,686,018,427,387,904 bytes are needed" in ended.stderr
    assert service.requests("/store/") == []


def test_many_missing_files_are_counted_and_twenty_named(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    for words, code in ([], 1), (["--zip", "out.zip"], 1):
        ended = command("get", "70000-70998", "-q", *words)
        assert ended.returncode == code
        lines = ended.stderr.splitlines()
        assert [line.split()[0] for line in lines[:20]] == ["missing"] * 20
        assert lines[20:] == [f"and 978 more: lorry status {JOB_ID} --state missing --state failed"]
    service.job = {"status": "failed", "error": {"code": "no_files_available", "message": "every file is missing"}}
    lines = command("get", "70001-70998", "-q").stderr.splitlines()
    assert len(lines) == 22
    assert lines[-1].startswith("and 978 more: ")


def test_a_second_run_with_skip_existing_transfers_nothing(command: Command, service: FakeServer) -> None:
    store(service, 70000, 70001)
    words = ["get", "70000", "70001", "-o", "out", "-q"]
    assert command(*words).stdout == "2 of 2 files in out (204.8 kB)\n"
    for options in ["--skip-existing"], ["--skip-existing", "--checksum"]:
        assert command(*words, *options).stdout == "2 of 2 files in out (204.8 kB), 2 of them already there\n"
    service.objects["downloads/70001.zip"].replace(DATA[::-1])
    assert command(*words, "--skip-existing").stdout.endswith(", 1 of them already there\n")


def test_files_of_a_prefix_keep_their_folders_and_are_chosen_by_patterns(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    for key in ("downloads/2024/a/x.csv", "downloads/2024/b/x.csv", "downloads/2024/b/x.tmp"):
        service.put(key, DATA)
    ended = command("get", "--prefix", "downloads/2024/", "-o", "out", "--exclude", "*.tmp", "-q")
    assert (ended.returncode, ended.stdout) == (0, "2 of 2 files in out (204.8 kB), 1 excluded\n")
    found = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*"))
    assert found == ["out/a/x.csv", "out/b/x.csv"]
    ended = command("get", "--prefix", "downloads/2024/", "-o", "flat", "--flat", "--include", "*.csv")
    assert sorted(path.name for path in (tmp_path / "flat").iterdir()) == ["lorry-renamed.json", "x (2).csv", "x.csv"]
    assert "renamed: downloads/2024/b/x.csv is x (2).csv\n" in ended.stderr
    assert "1 file renamed; flat/lorry-renamed.json lists them\n" in ended.stderr


def test_what_deceives_a_terminal_is_escaped(command: Command, service: FakeServer, tmp_path: Path) -> None:
    key = "downloads/a\x1b[2J\n\u202egpj.exe"
    service.put(key, DATA)
    ended = command("get", "--prefix", "downloads/", "-o", "out")
    assert "renamed: downloads/a\\x1b[2J\\n\\u202egpj.exe is a_[2J__gpj.exe\n" in ended.stderr
    shown = command("status", JOB_ID, "--state", "available").stdout
    assert "downloads/a\\x1b[2J\\n\\u202egpj.exe" in shown
    assert "\x1b" not in shown + ended.stderr


def test_the_command_to_continue_repeats_how_files_are_chosen_and_named(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    service.put("downloads/a/x.csv", DATA)
    service.faults = [Fault("/store/", 404)]
    options = ["--exclude", "*.tmp", "--skip-existing"]
    ended = command("get", "--prefix", "downloads/", "-o", "out", *options, "-q")
    resume = f"get --job {JOB_ID} -o out --layout tree --strip downloads/ --exclude *.tmp --skip-existing".split()
    assert "--layout tree --strip downloads/ --exclude '*.tmp' --skip-existing" in ended.stderr
    assert command(*resume).returncode == 0
    assert (tmp_path / "out" / "a" / "x.csv").read_bytes() == DATA


def test_the_result_is_printed_as_json(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    ended = command("get", "70000", "70001", "-o", "out", "--json")
    result = json.loads(ended.stdout)
    assert (ended.returncode, result["job"]["jobId"], result["folder"], result["files"]) == (
        1,
        JOB_ID,
        "out",
        ["70000.zip"],
    )
    assert (result["complete"], result["skipped"], result["bytes"], result["failed"]) == (1, 0, len(DATA), [])
    assert [file["id"] for file in result["missing"]] == [70001]
    archives = json.loads(command("get", "70000", "--zip", "out.zip", "--json").stdout)
    assert (archives["archives"], archives["broken"], archives["missing"]) == (["out.zip"], [], [])
    service.job = {"status": "failed", "error": {"code": "gave_up", "message": "crashed"}}
    failed = command("get", "70000", "--json")
    assert (failed.returncode, json.loads(failed.stdout)["job"]["error"]["code"]) == (3, "gave_up")


def test_an_unknown_job_is_not_proposed_to_be_continued(command: Command, service: FakeServer) -> None:
    ended = command("get", "--job", "unknown")
    assert ended.returncode == 2
    assert ended.stderr == "lorry: 404 job_not_found: there is no such job [request req-1]\n"


def test_ctrl_c_while_downloading_does_not_propose_to_cancel_a_job_that_is_ready(
    start_command: Start, service: FakeServer
) -> None:
    store(service, 70000)
    service.objects["downloads/70000.zip"].hold_after = 1000
    process = start_command("get", "70000", "-o", "out")
    service.wait_for("/store/")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130
    assert f"interrupted. Job {JOB_ID} is ready, and downloaded data is kept.\n" in stderr
    assert f"to continue:  lorry get --job {JOB_ID} -o out\n" in stderr
    assert "cancel" not in stderr


def test_sigterm_prints_the_command_to_continue(start_command: Start, service: FakeServer) -> None:
    service.job = {"status": "processing", "progress": 10}
    process = start_command("get", "70000")
    service.wait_for("status")
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 143
    assert f"lorry: terminated. Job {JOB_ID} keeps running" in stderr
    assert f"lorry cancel {JOB_ID}" in stderr
    assert "Traceback" not in stderr


def test_ctrl_c_before_the_job_has_an_id_says_where_to_look(start_command: Start, service: FakeServer) -> None:
    service.faults = [Fault("/lorry/v1/download/initiate", 429, {"Retry-After": "60"}, times=99)]
    process = start_command("get", "70000")
    service.wait_for("initiate")
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=END_SECONDS)
    assert process.returncode == 130
    assert "interrupted while the job was started; `lorry jobs` lists it" in stderr
