"""Downloads against a real HTTP server that cuts, forgets, changes and expires."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
import tracemalloc
from pathlib import Path

import pytest
from stand_in import JOB_ID, Fault, StandIn

from lorry import DownloadFailed, DownloadListener, FileEnding, JobFailed, JobNotReady, Lorry, LorryProblem

KEY = "downloads/70000.zip"
DATA = bytes(range(256)) * 400
NEW_DATA = DATA[::-1]


class Tally(DownloadListener):
    """Adds up what it hears."""

    def __init__(self) -> None:
        self.bytes = 0
        self.endings: list[FileEnding] = []
        self._lock = threading.Lock()

    def bytes_moved(self, count: int) -> None:
        with self._lock:
            self.bytes += count

    def file_ended(self, ending: FileEnding) -> None:
        with self._lock:
            self.endings.append(ending)


def one_file(service: StandIn, data: bytes = DATA) -> None:
    service.put(KEY, data)
    service.make_job([KEY])


def leave_part(folder: Path, data: bytes, etag: str | None) -> None:
    (folder / "70000.zip.part").write_bytes(data)
    if etag:
        (folder / "70000.zip.part.etag").write_text(etag)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ranges(service: StandIn) -> list[str | None]:
    return [seen.headers.get("Range") for seen in service.requests("/store/")]


def failures(lorry: Lorry, folder: Path) -> dict[str, str | None]:
    with pytest.raises(DownloadFailed) as raised:
        lorry.download(JOB_ID, folder)
    report = raised.value.report
    return {file.label: file.reason for file in (*report.missing, *report.failed)}


def test_every_file_of_a_job_of_several_pages_arrives_whole(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
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


def test_files_are_downloaded_side_by_side(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70004)]
    for key in keys:
        service.put(key, DATA).hold_after = 10
    service.make_job(keys)
    download = threading.Thread(target=lorry.download, args=(JOB_ID, tmp_path), kwargs={"workers": 4})
    download.start()
    service.wait_for("/store/", count=4)
    service.released.set()
    download.join(10)
    assert len(names_in(tmp_path)) == 4


def test_an_empty_file_is_a_file(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service, b"")
    assert lorry.download(JOB_ID, tmp_path).complete == 1
    assert (tmp_path / "70000.zip").read_bytes() == b""
    assert names_in(tmp_path) == ["70000.zip"]


def test_a_body_that_is_cut_off_is_gone_on_with_where_it_ended(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000, 20_000]
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", "bytes=50000-"]
    assert service.requests("/store/")[1].headers["If-Range"] == service.objects[KEY].etag
    assert tally.bytes == len(DATA)


def test_a_long_file_may_be_cut_more_often_than_a_request_is_tried(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [5_000] * 12
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA


def test_a_file_that_never_gets_further_fails_and_keeps_its_part(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [1_000] + [0] * 20
    reason = failures(lorry, tmp_path)["70000"]
    assert reason is not None
    assert "tried 4 times" in reason
    assert names_in(tmp_path) == ["70000.zip.part", "70000.zip.part.etag"]
    assert (tmp_path / "70000.zip.part").stat().st_size == 1_000


def test_a_part_of_an_earlier_run_is_gone_on_with(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA[:40_000], service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == ["bytes=40000-"]
    assert names_in(tmp_path) == ["70000.zip"]


def test_a_whole_part_is_confirmed_by_its_last_byte(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA, service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [f"bytes={len(DATA) - 1}-"]


@pytest.mark.parametrize("etag", [None, '"of another version"'])
def test_a_part_of_an_unknown_or_other_version_is_started_over(
    lorry: Lorry, service: StandIn, tmp_path: Path, etag: str | None
) -> None:
    one_file(service)
    leave_part(tmp_path, b"z" * 40_000, etag)
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert tally.bytes == len(DATA)


def test_a_part_longer_than_the_file_is_started_over(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA + b"more", service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None]


def test_a_store_that_ignores_range_sends_the_file_anew(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    service.ignore_range = True
    service.objects[KEY].cuts = [30_000]
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert tally.bytes == len(DATA)


@pytest.mark.parametrize("place", ["bytes 0-102399/102400", "bytes 30000-102399/999999", "nonsense", ""])
def test_an_answer_with_another_range_than_asked_for_is_never_joined(
    lorry: Lorry, service: StandIn, tmp_path: Path, place: str
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000]
    service.change_range = lambda _: place
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", None]


def test_a_version_without_a_strong_etag_is_never_joined(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    service.weak_etags = True
    service.objects[KEY].cuts = [30_000]
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, None]


def test_an_object_that_changes_half_way_is_taken_anew_and_not_mixed(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    one_file(service)
    stored = service.objects[KEY]
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", NEW_DATA)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == NEW_DATA


def test_versions_are_not_mixed_by_a_store_that_ignores_if_range(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    one_file(service)
    service.ignore_if_range = True
    stored = service.objects[KEY]
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", NEW_DATA)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == NEW_DATA
    assert ranges(service) == [None, "bytes=30000-", None]


def test_an_object_of_another_size_than_the_job_found_fails(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].data = DATA + b"!"
    assert "has changed since" in str(failures(lorry, tmp_path)["70000"])
    assert names_in(tmp_path) == []


def test_an_expired_link_is_replaced_by_a_fresh_one(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    service.page_limit = 2
    keys = [f"downloads/{number}.zip" for number in range(70000, 70005)]
    for key in keys:
        service.put(key, DATA).hold_after = 10
    service.put(keys[4], DATA)
    service.make_job(keys)
    download = threading.Thread(target=lorry.download, args=(JOB_ID, tmp_path), kwargs={"workers": 2})
    download.start()
    service.wait_for("/store/", count=2)
    service.expire_links()
    service.released.set()
    download.join(10)
    assert names_in(tmp_path) == ["70000.zip", "70001.zip", "70002.zip", "70003.zip", "70004.zip"]
    assert any(seen.query["signature"] == "2" for seen in service.requests("/store/"))


def test_one_reading_of_the_page_renews_the_links_of_all_its_files(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70010)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    service.faults = [Fault("/store/", 403, times=1)]
    service.objects[keys[0]].hold_after = None
    lorry.download(JOB_ID, tmp_path, workers=1)
    assert len(names_in(tmp_path)) == 10
    assert len(service.requests("status")) == 2


def test_a_link_that_is_refused_although_fresh_fails_without_asking_on_and_on(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70010)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    service.faults = [Fault("/store/", 403, times=999)]
    reasons = failures(lorry, tmp_path)
    assert len(reasons) == 10
    assert all("refuses the link, also a fresh one" in str(reason) for reason in reasons.values())
    assert len(service.requests("status")) == 2


def test_a_resumed_file_whose_link_expires_goes_on_with_the_new_link(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000]
    service.objects[KEY].after_cut = service.expire_links
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", "bytes=30000-"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_that_is_busy_is_asked_again(lorry: Lorry, service: StandIn, tmp_path: Path, status: int) -> None:
    one_file(service)
    service.faults = [Fault("/store/", status, {"Retry-After": "0"}, times=2)]
    assert lorry.download(JOB_ID, tmp_path).complete == 1


def test_missing_and_failed_files_are_named_and_the_others_are_there(
    lorry: Lorry, service: StandIn, tmp_path: Path
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


def test_files_of_the_same_name_get_names_of_their_own(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    keys = ["downloads/a/data.zip", "downloads/b/data.zip", "downloads/c/DATA.zip"]
    for key in keys:
        service.put(key, key.encode())
    service.make_job(keys)
    lorry.download(JOB_ID, tmp_path)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "data.zip": "downloads/a/data.zip",
        "data-1.zip": "downloads/b/data.zip",
        "DATA-2.zip": "downloads/c/DATA.zip",
    }


def test_hostile_keys_never_leave_the_folder(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    keys = ["downloads/..", "downloads/.bashrc", "downloads/..\\..\\evil.zip", "downloads/a\nb"]
    for key in keys:
        service.put(key, b"x")
    service.make_job(keys)
    lorry.download(JOB_ID, tmp_path / "out")
    assert names_in(tmp_path) == ["out"]
    assert names_in(tmp_path / "out") == ["_", "_._.._evil.zip", "_bashrc", "a_b"]


def test_existing_files_are_replaced_unless_told_otherwise(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    one_file(service)
    (tmp_path / "70000.zip").write_bytes(b"z" * len(DATA))
    report = lorry.download(JOB_ID, tmp_path, skip_complete=True)
    assert (report.complete, report.skipped, service.requests("/store/")) == (1, 1, [])
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA


def test_a_file_older_than_the_job_or_of_another_size_is_not_taken_for_complete(
    lorry: Lorry, service: StandIn, tmp_path: Path
) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").write_bytes(b"z" * len(DATA))
    os.utime(tmp_path / "70000.zip", (1_000_000_000, 1_000_000_000))
    (tmp_path / "70001.zip").write_bytes(b"short")
    assert lorry.download(JOB_ID, tmp_path, skip_complete=True).skipped == 0
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {DATA}


def test_a_file_that_another_process_is_writing_is_left_to_it(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
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


def test_a_disk_that_refuses_a_file_fails_that_file_alone(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    keys = ["downloads/70000.zip", "downloads/70001.zip"]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    (tmp_path / "70000.zip").mkdir()
    assert list(failures(lorry, tmp_path)) == ["70000"]
    assert (tmp_path / "70001.zip").read_bytes() == DATA


def test_a_job_that_is_not_ready_is_not_downloaded(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    service.make_job([KEY], status="processing")
    with pytest.raises(JobNotReady):
        lorry.download(JOB_ID, tmp_path)
    service.make_job([KEY], status="cancelled")
    with pytest.raises(JobFailed):
        lorry.download(JOB_ID, tmp_path)


def test_no_worker_outlives_a_download_that_could_not_begin(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    before = threading.active_count()
    for _ in range(3):
        with pytest.raises(LorryProblem):
            lorry.download("unknown", tmp_path)
    assert threading.active_count() <= before + len(service.requests("status"))  # the server's own threads
    assert [thread for thread in threading.enumerate() if "_work" in thread.name] == []


def test_memory_does_not_grow_with_the_files_of_a_job(lorry: Lorry, service: StandIn, tmp_path: Path) -> None:
    class Peak(DownloadListener):
        """Memory in use when each page is read."""

        def __init__(self) -> None:
            self.held: list[int] = []

        def job_read(self, job: object) -> None:
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
    assert peak.held[-1] - peak.held[3] < 1800 * 250


def test_an_interrupt_comes_through_at_once_although_the_store_hangs(
    lorry: Lorry, service: StandIn, tmp_path: Path
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
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        lorry.download(JOB_ID, tmp_path, workers=2, listener=Interrupts())
    assert time.monotonic() - started < 5
    service.released.set()
    lorry.download(JOB_ID, tmp_path, skip_complete=True)
    assert len(names_in(tmp_path)) == 50
