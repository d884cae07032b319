"""Downloads to a folder against a real HTTP server: which files arrive, under which names, and which are lost."""

from __future__ import annotations

import errno
import gc
import itertools
import json
import os
import statistics
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path

import pytest
from support.downloading import DATA, KEY, NEW_DATA, Tally, failures, names_in, one_file
from support.fake_server import JOB_ID, FakeServer

from lorry import (
    DownloadFailed,
    DownloadListener,
    JobFailed,
    JobNotReady,
    Lorry,
    LorryProblem,
    RetryPolicy,
    TargetUnusable,
)
from lorry.download import Downloader, Plan
from lorry.local_files import PartFile
from lorry.transfer import store_client


def test_every_file_of_a_job_of_several_pages_arrives_complete(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    service.page_limit = 7
    contents = {f"downloads/{number}.zip": os.urandom(number % 5000) for number in range(70000, 70040)}
    for key, data in contents.items():
        service.put(key, data)
    service.make_job(list(contents))
    tally = Tally()
    report = lorry.download(JOB_ID, tmp_path / "new" / "out", workers=4, listener=tally)
    assert {f"downloads/{path.name}": path.read_bytes() for path in report.folder.iterdir()} == contents
    assert (report.complete, report.total, report.ok) == (40, 40, True)
    assert tally.bytes == report.bytes == sum(map(len, contents.values()))
    assert len(tally.endings) == 40


def test_files_are_downloaded_side_by_side(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70004)]
    for key in keys:
        service.put(key, DATA).hold_after = 10
    service.make_job(keys)
    download = threading.Thread(target=lorry.download, args=(JOB_ID, tmp_path), kwargs={"workers": 4})
    download.start()
    service.wait_for("/store/", count=4)
    service.released.set()
    download.join(60)
    assert len(names_in(tmp_path)) == 4


def test_an_empty_file_is_a_file(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service, b"")
    assert lorry.download(JOB_ID, tmp_path).complete == 1
    assert (tmp_path / "70000.zip").read_bytes() == b""
    assert names_in(tmp_path) == ["70000.zip"]


def test_missing_and_failed_files_are_named_and_the_others_are_there(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70004)]
    for key in (keys[0], keys[1], keys[3]):
        service.put(key, DATA)
    service.make_job(keys)
    del service.objects[keys[1]]
    service.files[3] |= {"state": "failed", "reason": "the store answered 403 for five minutes"}
    with pytest.raises(DownloadFailed) as raised:
        lorry.download(JOB_ID, tmp_path)
    report = raised.value.report
    assert [file.id for file in report.missing] == [70002]
    assert [file.id for file in report.failed] == [70001, 70003]
    assert (report.complete, report.total) == (1, 4)
    assert "3 of 4 files could not be downloaded: 70002 (missing), 70001 (it is no longer in the store" in str(
        raised.value
    )
    assert names_in(tmp_path) == ["70000.zip"]


def test_files_of_the_same_name_get_unique_names(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/a/data.zip", "downloads/b/data.zip", "downloads/c/DATA.zip"]
    for key in keys:
        service.put(key, key.encode())
    service.make_job(keys)
    report = lorry.download(JOB_ID, tmp_path)
    renamed = json.loads((tmp_path / "lorry-renamed.json").read_text())["renamed"]
    assert {path.name: path.read_text() for path in tmp_path.glob("*.zip")} == {
        "data.zip": "downloads/a/data.zip",
        "data (2).zip": "downloads/b/data.zip",
        "DATA (3).zip": "downloads/c/DATA.zip",
    }
    assert renamed == [{"key": keys[1], "name": "data (2).zip"}, {"key": keys[2], "name": "DATA (3).zip"}]
    assert report.renamed == ((keys[1], "data (2).zip"), (keys[2], "DATA (3).zip"))


@pytest.mark.parametrize("more", [0, 1_200], ids=["one page", "two pages"])
def test_a_file_gives_way_to_a_folder_of_its_name_as_in_a_zip(
    lorry: Lorry, service: FakeServer, tmp_path: Path, more: int
) -> None:
    between = [f"downloads/a-{number:04}" for number in range(more)]
    keys = ["downloads/a", *between, "downloads/a/b"]
    for key in keys:
        service.put(key, key.encode())
    service.make_job(keys)
    report = lorry.download(JOB_ID, tmp_path, layout="tree", prefix="downloads/")
    assert (tmp_path / "a (2)").read_text() == "downloads/a"
    assert (tmp_path / "a" / "b").read_text() == "downloads/a/b"
    assert report.renamed == (("downloads/a", "a (2)"),)


def test_folder_markers_become_folders_of_a_tree(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/", "downloads/empty/", "downloads/full/", "downloads/full/a.txt"]
    for key in keys:
        service.put(key, b"" if key.endswith("/") else b"x")
    service.make_job(keys)
    lorry.download(JOB_ID, tmp_path / "tree", layout="tree", prefix="downloads/")
    found = {path.relative_to(tmp_path / "tree").as_posix(): path.is_dir() for path in (tmp_path / "tree").rglob("*")}
    assert found == {"empty": True, "full": True, "full/a.txt": False}
    lorry.download(JOB_ID, tmp_path / "flat")
    assert names_in(tmp_path / "flat") == ["a.txt"]


def test_a_folder_that_cannot_be_made_costs_no_file(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    for key in ("downloads/taken/", "downloads/a.txt"):
        service.put(key, b"" if key.endswith("/") else b"x")
    service.make_job(["downloads/taken/", "downloads/a.txt"])
    (tmp_path / "taken").write_bytes(b"the user's own")
    assert "exists" in str(failures(lorry, tmp_path, layout="tree", prefix="downloads/")["downloads/taken/"])
    assert (tmp_path / "a.txt").read_bytes() == b"x"
    assert (tmp_path / "taken").read_bytes() == b"the user's own"


def test_hostile_keys_never_leave_the_folder(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/..", "downloads/.bashrc", "downloads/..\\..\\evil.zip", "downloads/a\nb"]
    for key in keys:
        service.put(key, b"x")
    service.make_job(keys)
    lorry.download(JOB_ID, tmp_path / "out")
    assert names_in(tmp_path) == ["out"]
    assert names_in(tmp_path / "out") == [".._.._evil.zip", ".bashrc", "_", "a_b", "lorry-renamed.json"]


def test_existing_files_are_replaced_unless_they_are_to_be_kept(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    (tmp_path / "70000.zip").write_bytes(b"z" * len(DATA))
    report = lorry.download(JOB_ID, tmp_path, skip_complete=True)
    assert (report.complete, report.skipped, service.requests("/store/")) == (1, 1, [])
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA


def test_a_file_older_than_the_job_or_of_another_size_is_replaced(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys, createdAt="2999-01-01T00:00:00.000Z")
    (tmp_path / "70000.zip").write_bytes(b"z" * len(DATA))
    (tmp_path / "70001.zip").write_bytes(b"short")
    assert lorry.download(JOB_ID, tmp_path, skip_complete=True).skipped == 0
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {DATA}


def test_a_file_that_another_process_is_writing_is_not_touched(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    holder = (
        "import fcntl, sys; part = open(sys.argv[1], 'w'); fcntl.flock(part, fcntl.LOCK_EX);"
        "print('held', flush=True); sys.stdin.read()"
    )
    words = [sys.executable, "-c", holder, str(tmp_path / "70000.zip.part")]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert "another process is writing" in str(failures(lorry, tmp_path)["70000"])
        process.communicate(b"")
    assert service.requests("/store/") == []


def test_a_disk_that_refuses_a_file_fails_that_file_alone(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").mkdir()
    assert list(failures(lorry, tmp_path)) == ["70000"]
    assert (tmp_path / "70001.zip").read_bytes() == DATA


def test_a_job_that_is_not_ready_is_not_downloaded(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    service.make_job([KEY], status="processing")
    with pytest.raises(JobNotReady):
        lorry.download(JOB_ID, tmp_path)
    service.make_job([KEY], status="cancelled")
    with pytest.raises(JobFailed):
        lorry.download(JOB_ID, tmp_path)


def test_no_worker_outlives_a_download_that_could_not_begin(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(LorryProblem):
            lorry.download("unknown", tmp_path)
    assert threading.active_count() <= before + len(service.requests("status"))  # the server's own threads
    assert [thread for thread in threading.enumerate() if "_work" in thread.name] == []


def test_memory_does_not_grow_with_the_files_of_a_job(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    class Peak(DownloadListener):
        """Memory in use when each page is read."""

        def __init__(self) -> None:
            self.held: list[int] = []

        def job_read(self, job: object) -> None:
            gc.collect()
            self.held.append(tracemalloc.get_traced_memory()[0])

    service.page_limit = 300
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 73000)])
    for file in service.files:
        file |= {"state": "available", "size": 1}
        (tmp_path / f"{file['id']}.zip").write_bytes(b"1")
    peak = Peak()
    tracemalloc.start()
    lorry.download(JOB_ID, tmp_path, skip_complete=True, listener=peak)
    tracemalloc.stop()
    assert len(peak.held) == 10
    growth = [after - before for before, after in itertools.pairwise(peak.held)]
    assert statistics.median(growth) < 300 * 250  # of a page; tables of the interpreter grow once in a while


def test_an_interrupt_ends_the_download_although_the_store_hangs(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/70000.zip", *(f"downloads/{number}.zip" for number in range(70001, 70050))]
    for key in keys:
        service.put(key, DATA).hold_after = 10
    service.make_job(keys)

    class Interrupts(DownloadListener):
        """Raises in the thread that reads pages, as a Ctrl-C does."""

        pages = 0

        def job_read(self, job: object) -> None:
            self.pages += 1
            if self.pages == 2:
                service.wait_for("/store/", count=2)
                raise KeyboardInterrupt

    service.page_limit = 2
    with pytest.raises(KeyboardInterrupt):  # although no body ends before it is released, below
        lorry.download(JOB_ID, tmp_path, workers=2, listener=Interrupts())
    service.released.set()
    lorry.download(JOB_ID, tmp_path, skip_complete=True)
    assert len(names_in(tmp_path)) == 50


def test_a_second_run_transfers_nothing(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70003)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    lorry.download(JOB_ID, tmp_path)
    tally = Tally()
    report = lorry.download(JOB_ID, tmp_path, skip_existing=True, listener=tally)
    assert (report.complete, report.skipped, report.bytes, tally.bytes) == (3, 3, 3 * len(DATA), 3 * len(DATA))
    assert names_in(tmp_path) == ["70000.zip", "70001.zip", "70002.zip"]
    assert [seen.headers.get("If-Modified-Since") is not None for seen in service.requests("/store/")] == [
        *[False] * 3,
        *[True] * 3,
    ]
    service.objects[keys[1]].replace(NEW_DATA)
    service.make_job(keys)
    report = lorry.download(JOB_ID, tmp_path, skip_existing=True)
    assert (report.complete, report.skipped) == (3, 2)
    assert (tmp_path / "70001.zip").read_bytes() == NEW_DATA


def test_a_file_of_another_size_or_older_than_the_object_is_downloaded_again(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").write_bytes(b"short")
    (tmp_path / "70001.zip").write_bytes(NEW_DATA)
    os.utime(tmp_path / "70001.zip", (1_000_000_000, 1_000_000_000))
    assert lorry.download(JOB_ID, tmp_path, skip_existing=True).skipped == 0
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {DATA}
    assert [seen.headers.get("If-Modified-Since") for seen in service.requests("70000%2Ezip")] == [None]


def test_a_checksum_keeps_equal_files_of_any_age_and_no_others(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").write_bytes(DATA)
    os.utime(tmp_path / "70000.zip", (1_000_000_000, 1_000_000_000))
    (tmp_path / "70001.zip").write_bytes(NEW_DATA)
    report = lorry.download(JOB_ID, tmp_path, skip_existing=True, checksum=True)
    assert (report.complete, report.skipped) == (2, 1)
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {DATA}


def test_an_interrupted_run_is_continued_by_the_next(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").write_bytes(DATA)
    (tmp_path / "70001.zip.part").write_bytes(DATA[:40_000])
    (tmp_path / "70001.zip.part.etag").write_text(service.objects[keys[1]].etag)
    report = lorry.download(JOB_ID, tmp_path, skip_existing=True)
    assert (report.complete, report.skipped) == (2, 1)
    assert [seen.headers.get("Range") for seen in service.requests("70001%2Ezip")] == ["bytes=40000-"]
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {DATA}


def test_only_wanted_files_are_downloaded_and_names_do_not_depend_on_the_choice(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = ["downloads/a/x.csv", "downloads/b/x.csv", "downloads/b/y.txt", "downloads/c/x.csv"]
    for key in keys[:3]:
        service.put(key, key.encode())
    service.make_job(keys)
    report = lorry.download(JOB_ID, tmp_path, include=["*.csv"], exclude=["a/*", "c/*"])
    assert (report.total, report.excluded, report.paths) == (1, 3, (tmp_path / "x (2).csv",))
    assert (tmp_path / "x (2).csv").read_text() == "downloads/b/x.csv"


def test_a_tree_keeps_folders(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    keys = ["downloads/a/x.csv", "downloads/b/deep/x.csv", "downloads/y.txt"]
    for key in keys:
        service.put(key, key.encode())
    service.make_job(keys)
    for _ in range(2):
        report = lorry.download(JOB_ID, tmp_path, layout="tree", prefix="downloads/", skip_existing=True)
    assert report.names == ("a/x.csv", "b/deep/x.csv", "y.txt")
    assert [path.read_text() for path in report.paths] == keys
    assert report.skipped == 3


class FullPart(PartFile):
    """A part on a disk that is full after 1,000 bytes."""

    def write(self, data: bytes) -> None:
        super().write(data[:1000])
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_stops_the_download_at_once(service: FakeServer, lorry: Lorry, tmp_path: Path) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70500)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    with store_client(connections=2) as http:
        downloader = Downloader(
            http,
            retries=RetryPolicy(tries=1),
            plan=Plan(tmp_path, workers=2, skip_complete=True),
            listener=DownloadListener(),
            open_part=FullPart,
        )
        with pytest.raises(TargetUnusable, match="No space left on device"):
            downloader.run(lambda: lorry.pages(JOB_ID), lambda page: page)
    assert len(service.requests("/store/")) < 10


def test_a_disk_that_is_too_small_is_found_before_the_download(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    service.job["bytes"] = {"total": 2**62, "done": 0}
    with pytest.raises(TargetUnusable, match="bytes are needed"):
        lorry.download(JOB_ID, tmp_path)
    assert service.requests("/store/") == []
    assert list(tmp_path.iterdir()) == []


def test_a_folder_marker_is_not_a_file(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    service.put(KEY, DATA)
    service.make_job([KEY, "downloads/folder/"])
    service.files[1]["state"] = "folder"
    assert lorry.download(JOB_ID, tmp_path).paths == (tmp_path / "70000.zip",)
