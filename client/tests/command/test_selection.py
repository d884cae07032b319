"""The ways to name files, and the combinations that are refused."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from support.fake_server import JOB_ID, FakeServer
from support.running import DATA, Command, store

from lorry.command.selection import read_ids


def started_with(service: FakeServer) -> dict[str, Any]:
    return service.requests("initiate", "POST")[-1].body


def test_all_files_below_a_prefix_are_downloaded_although_their_number_is_unknown_at_first(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001)
    polls: list[dict[str, Any]] = [{"total": None, "processed": done} for done in (0, 5, 7, 40)]
    service.polls = [{"status": "processing", "stage": "checking"} | poll for poll in polls]
    ended = command("get", "--prefix", "downloads/", "-o", "out")
    assert (ended.returncode, ended.stdout) == (0, "2 of 2 files in out (204.8 kB)\n")
    assert ended.stderr.splitlines()[:5] == [
        f"job {JOB_ID}: all files below downloads/",
        "checking: 0 of ? files",
        "checking: 40 of ? files",
        "ready: 2 of 2 files, 100%",
        "downloading 2 files, 204.8 kB",
    ]
    assert started_with(service) == {"prefix": "downloads/"}


def test_keys_come_from_arguments_and_from_a_file_literally(
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


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["70000", "--zip", "a.zip", "-o", "out"], "not allowed with argument"),
        (["70000", "--on-missing", "skip"], "add --zip FILE"),
        (["70000", "--no-manifest"], "--no-manifest is an option of an archive: add --zip FILE"),
        (["--job", "x", "--zip", "a.zip", "--no-manifest"], "has its --layout, --on-missing and --no-manifest"),
        (["70000", "--zip", "."], "is a folder"),
        (["--job", "x", "--zip", "a.zip", "--layout", "flat"], "has its --layout, --on-missing and --no-manifest"),
        (["--job", "x", "--prefix", "downloads/"], "name either files or a job"),
        (["70000", "--key", "downloads/a"], "named by ids and by keys: choose one way"),
        (["--from", "-", "--prefix", "downloads/"], "named by ids and by a prefix"),
        (["--keys-from", "nowhere.txt"], "cannot read nowhere.txt"),
        (["--keys-from", "-"], "no files are named"),
        (["downloads/a.zip"], "is not a file id; to name a file by its key, write --key downloads/a.zip"),
        (["s3://bucket/downloads/a.zip"], "write --key downloads/a.zip"),
        (["downloads/2024/"], "write --prefix downloads/2024/"),
        (["photos"], "write 70000 or 70000-70059, or name files by --key or --prefix"),
        (["--key", "s3://bucket/a/b"], "the service has its own: write a/b"),
        (["--prefix", "s3://bucket/a/"], "the service has its own: write a/"),
        (["--key", "downloads/a.txt", "--include", "*.csv"], "none of the 1 keys matches"),
        (["70000", "--checksum"], "add that"),
        (["70000", "--zip", "a.zip", "--skip-existing"], "use -o DIR"),
        (["70000", "--zip", "a.zip", "--strip", "a/"], "use -o DIR"),
        (["--prefix", "a/", "--zip", "a.zip", "--include", "*.csv"], "use --keys-from or -o DIR"),
        (["70000", "--retries", "-1"], "must be 0 or more"),
    ],
)
def test_wrong_usage_ends_with_2_before_anything_is_sent(
    command: Command, service: FakeServer, words: list[str], complaint: str
) -> None:
    ended = command("get", *words)
    assert ended.returncode == 2
    assert complaint in ended.stderr
    assert service.seen == []


def test_get_reads_ids_from_a_file_and_from_standard_input(
    command: Command, service: FakeServer, tmp_path: Path
) -> None:
    store(service, 70000, 70001, 70002)
    (tmp_path / "ids.txt").write_text("# the first two\n70000\n\n70001  # this one too\n")
    assert command("get", "--from", "ids.txt", "-q").returncode == 0
    assert command("get", "70000", "--from", "-", "-q", stdin="70001-70002\n").returncode == 0
    bodies = [seen.body["file_ids"] for seen in service.requests("initiate", "POST")]
    assert bodies == [[70000, 70001], [70000, 70001, 70002]]


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["70000", "--idempotency-key", "two words"], "1 to 255 visible ASCII characters"),
        (["--job", "x", "--idempotency-key", "a"], "are options of a new job"),
        (["--job", "x", "--callback-url", "https://example.org"], "are options of a new job"),
        (["--job", "x", "--link-ttl", "60"], "are options of a new job"),
    ],
)
def test_options_of_a_new_job_are_refused_without_one(
    command: Command, service: FakeServer, words: list[str], complaint: str
) -> None:
    ended = command("get", *words)
    assert (ended.returncode, service.seen) == (2, [])
    assert complaint in ended.stderr


def test_keys_are_chosen_by_patterns_before_the_job_starts(command: Command, service: FakeServer) -> None:
    keys = ["downloads/a.csv", "downloads/tmp/b.csv", "downloads/c.txt"]
    for key in keys:
        service.put(key, DATA)
    words = ["get", *(word for key in keys for word in ("--key", key)), "--include", "*.csv", "--exclude", "tmp/*"]
    assert command(*words, "-o", "out").returncode == 0
    assert started_with(service) == {"keys": ["downloads/a.csv"]}
    assert command(*words, "--zip", "a.zip").returncode == 0


def test_a_new_job_may_say_how_long_links_work(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    assert command("get", "70000", "--link-ttl", "600", "-q").returncode == 0
    assert started_with(service)["linkTtlSeconds"] == 600


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_lists_are_read_as_windows_writes_them(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "ids.txt"
    path.write_bytes("70000\r\n70001 # Zoë\r\n".encode(encoding))
    assert read_ids([], str(path), stdin=io.StringIO()) == [70000, 70001]
    assert read_ids([], "-", stdin=io.StringIO("\ufeff70002\n")) == [70002]
    with path.open() as piped:
        assert read_ids([], "-", stdin=piped) == [70000, 70001]
