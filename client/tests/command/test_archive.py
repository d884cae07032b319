"""`lorry archive` and `lorry verify`, run as users run them."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from support.fake_server import JOB_ID, FakeServer
from support.running import Command
from support.zips import manifest_of, zip_of

FILES = {"a.txt": b"first", "b/c.txt": b"second\n", "b/d.csv": b"1,2\n"}
ARCHIVE = zip_of(FILES, manifest_of(FILES))


@pytest.fixture
def job(service: FakeServer) -> str:
    """A ready job with two archives."""
    service.put("downloads/a.txt", b"first")
    service.make_job(["downloads/a.txt"])
    service.make_archives(ARCHIVE, zip_of({"e.txt": b"third"}))
    return JOB_ID


def test_ls_lists_the_entries_of_all_archives(command: Command, job: str) -> None:
    lines = command("archive", "ls", job).stdout.splitlines()
    assert lines[0] == "             5  2025-01-02 03:04:06  a.txt"
    assert [line.split()[-1] for line in lines] == [
        "a.txt",
        "b/c.txt",
        "b/d.csv",
        "MANIFEST.json",
        "e.txt",
        "MANIFEST.json",
    ]
    assert [line.split()[-1] for line in command("archive", "ls", job, "*.csv").stdout.splitlines()] == ["b/d.csv"]
    (entry,) = map(json.loads, command("archive", "ls", job, "a.txt", "--json").stdout.splitlines())
    assert entry == {"name": "a.txt", "size": 5, "crc32": f"{zlib.crc32(b'first'):08x}"}


def test_cat_prints_entries(command: Command, job: str) -> None:
    assert command("archive", "cat", job, "b/c.txt").stdout == "second\n"
    assert command("archive", "cat", job, "b/*", "e.txt").stdout == "second\n1,2\nthird"


def test_get_writes_entries_with_their_folders(command: Command, job: str, tmp_path: Path) -> None:
    ended = command("archive", "get", job, "b/c.txt", "*.csv", "-o", "out")
    assert (ended.returncode, ended.stdout) == (0, "2 files in out (11 B)\n")
    found = {str(path.relative_to(tmp_path / "out")): path.read_bytes() for path in (tmp_path / "out").rglob("*.*")}
    assert found == {"b/c.txt": b"second\n", "b/d.csv": b"1,2\n"}
    result = json.loads(command("archive", "get", job, "e.txt", "--json").stdout)
    assert (result["name"], result["path"]) == ("e.txt", "e.txt")


def test_the_source_may_be_a_link_or_an_address_of_the_service(command: Command, service: FakeServer, job: str) -> None:
    link = service.link(service.archives[0]["key"])
    assert command("archive", "cat", link, "a.txt", LORRY_API_URL="").stdout == "first"
    address = f"{service.url}/v1/download/{job}"
    assert command("archive", "cat", address, "e.txt", LORRY_API_URL="").stdout == "third"
    assert command("archive", "cat", f"{address}/archives/1", "e.txt", LORRY_API_URL="").stdout == "third"
    assert command("archive", "cat", f"{address}/archives/0", "e.txt").returncode == 2


def test_what_cannot_be_read_is_named(command: Command, service: FakeServer, job: str) -> None:
    ended = command("archive", "cat", job, "absent.txt")
    assert (ended.returncode, ended.stderr) == (
        2,
        "lorry: no entry matches absent.txt; `lorry archive ls` lists them\n",
    )
    service.objects[service.archives[0]["key"]].data = b"<Error/>"
    ended = command("archive", "ls", job)
    assert (ended.returncode, ended.stderr) == (1, "lorry: cannot read the archive: File is not a zip file\n")
    service.archives = []
    assert "was started without an archive" in command("archive", "ls", job).stderr


def test_hostile_names_stay_in_the_folder_and_do_not_reach_the_terminal(
    command: Command, service: FakeServer, job: str, tmp_path: Path
) -> None:
    service.make_archives(zip_of({"../evil.txt": b"x", "\x1b[31mred": b"y"}))
    assert command("archive", "get", job, "*", "-o", "out").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]
    assert "\x1b" not in command("archive", "ls", job).stdout


def test_verify_reads_every_byte(command: Command, tmp_path: Path) -> None:
    (tmp_path / "good.zip").write_bytes(ARCHIVE)
    ended = command("verify", "good.zip")
    assert (ended.returncode, ended.stdout) == (0, "good.zip: 3 files, 16 B, verified by its manifest\n")
    (tmp_path / "bad.zip").write_bytes(ARCHIVE.replace(b"second", b"SECOND"))
    ended = command("verify", "good.zip", "bad.zip")
    assert ended.returncode == 1
    assert ended.stdout.splitlines()[1] == "bad.zip: 3 files, 16 B, 1 problem"
    assert ended.stderr == "bad.zip: b/c.txt is broken: Bad CRC-32 for file 'b/c.txt'\n"
    good, bad = map(json.loads, command("verify", "good.zip", "bad.zip", "--json").stdout.splitlines())
    assert (good["ok"], good["jobId"], bad["ok"], len(bad["problems"])) == (True, "job-1", False, 1)
    assert command("verify", "absent.zip").returncode == 2


def test_verify_says_which_files_of_the_job_are_not_in_the_zip(command: Command, tmp_path: Path) -> None:
    absent = [{"file_id": 70000 + n, "name": None, "state": "missing", "reason": "not_found"} for n in range(23)]
    (tmp_path / "a.zip").write_bytes(zip_of(FILES, manifest_of(FILES, *absent)))
    ended = command("verify", "a.zip")
    assert (ended.returncode, ended.stdout) == (
        0,
        "a.zip: 3 files, 16 B, verified by its manifest, 23 files of the job not in it\n",
    )
    lines = ended.stderr.splitlines()
    assert (lines[0], len(lines), lines[-1]) == ("a.zip: not in it: 70000 (not_found)", 21, "a.zip: not in it: 3 more")
