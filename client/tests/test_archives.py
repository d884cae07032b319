"""Downloads of archives that are interrupted, rebuilt or expire, against a real HTTP server; complete ZIPs."""

from __future__ import annotations

import tracemalloc
import zipfile
from pathlib import Path

import pytest
from support.fake_server import JOB_ID, FakeServer, StoredObject
from support.zips import zip_of

from lorry import (
    Archive,
    ArchiveDownload,
    ArchiveEnding,
    ArchivesIncomplete,
    DownloadListener,
    JobFailed,
    JobNotReady,
    Lorry,
    NoArchive,
)
from lorry.archives import archive_path, count_entries
from lorry.transfer import TransferFailed

DATA = bytes(range(256)) * 400
ARCHIVE = zip_of({"70000.zip": DATA})
OTHER_ARCHIVE = zip_of({"70000.zip": DATA[::-1]})
SMALL = zip_of({"a.txt": b"aaa", "é/b.txt": b"b" * 1000})
KEY = "downloads/70000.zip"


class Tally(DownloadListener):
    """Adds up bytes and endings."""

    def __init__(self) -> None:
        self.bytes = 0
        self.endings: list[ArchiveEnding] = []

    def bytes_moved(self, count: int) -> None:
        self.bytes += count

    def archive_ended(self, ending: ArchiveEnding) -> None:
        self.endings.append(ending)


@pytest.fixture
def stored(service: FakeServer) -> StoredObject:
    """The archive of a ready job of one file."""
    service.put(KEY, DATA)
    service.make_job([KEY])
    return service.make_archives(ARCHIVE)[0]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ranges(service: FakeServer) -> list[str | None]:
    return [seen.headers.get("Range") for seen in service.requests("/store/archives/")]


def failed(lorry: Lorry, path: Path) -> ArchiveDownload:
    with pytest.raises(ArchivesIncomplete) as raised:
        lorry.download_archives(JOB_ID, path)
    return raised.value.report


def test_an_archive_arrives_complete_at_the_path(lorry: Lorry, stored: StoredObject, tmp_path: Path) -> None:
    tally = Tally()
    report = lorry.download_archives(JOB_ID, tmp_path / "new" / "photos.zip", listener=tally)
    assert (tmp_path / "new" / "photos.zip").read_bytes() == ARCHIVE
    assert names_in(tmp_path / "new") == ["photos.zip"]
    assert report.paths == (tmp_path / "new" / "photos.zip",)
    assert (report.ok, report.total, report.bytes) == (True, 1, len(ARCHIVE))
    assert tally.bytes == len(ARCHIVE)
    assert [ending.path for ending in tally.endings] == [tmp_path / "new" / "photos.zip"]


def test_an_interrupted_archive_is_resumed_where_it_ended(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    stored.cuts = [30_000, 20_000]
    tally = Tally()
    lorry.download_archives(JOB_ID, tmp_path / "out.zip", listener=tally)
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE
    assert ranges(service) == [None, "bytes=30000-", "bytes=50000-"]
    assert service.requests("/store/archives/")[1].headers["If-Range"] == stored.etag
    assert tally.bytes == len(ARCHIVE)


def test_a_part_of_an_earlier_run_is_resumed(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    stored.cuts = [40_000] + [0] * 12
    assert "tried 12 times" in str(failed(lorry, tmp_path / "out.zip").broken[0].reason)
    assert names_in(tmp_path) == ["out.zip.part", "out.zip.part.etag"]
    stored.cuts = []
    lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert ranges(service)[-1] == "bytes=40000-"
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE
    assert names_in(tmp_path) == ["out.zip"]


@pytest.mark.parametrize("ignores", [False, True])
def test_an_archive_that_is_rebuilt_half_way_is_downloaded_again_and_not_mixed(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path, ignores: bool
) -> None:
    service.ignore_if_range = ignores
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", OTHER_ARCHIVE)
    lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == OTHER_ARCHIVE


def test_a_link_that_expires_is_replaced_and_the_archive_resumed(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    stored.cuts = [30_000]
    stored.after_cut = service.expire_links
    lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE
    assert ranges(service) == [None, "bytes=30000-", "bytes=30000-"]


def test_several_archives_are_numbered_after_the_path(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    service.put(KEY, DATA)
    service.make_job([KEY])
    contents = [zip_of({f"{number}.txt": DATA}) for number in range(3)]
    service.make_archives(*contents, filename="other.zip")
    report = lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert [path.name for path in report.paths] == ["out-1-of-3.zip", "out-2-of-3.zip", "out-3-of-3.zip"]
    assert [path.read_bytes() for path in report.paths] == contents
    assert report.bytes == sum(map(len, contents))


@pytest.mark.parametrize(
    ("name", "index", "count", "expected"),
    [
        ("out.zip", 0, 1, "out.zip"),
        ("out", 0, 1, "out"),
        ("out.zip", 1, 3, "out-2-of-3.zip"),
        ("OUT.ZIP", 1, 3, "OUT-2-of-3.zip"),
        ("my.photos", 8, 12, "my.photos-09-of-12.zip"),
    ],
)
def test_numbers_have_the_same_width(tmp_path: Path, name: str, index: int, count: int, expected: str) -> None:
    assert archive_path(tmp_path / name, index, count=count) == tmp_path / expected


def test_an_archive_of_another_size_than_the_job_says_fails(lorry: Lorry, stored: StoredObject, tmp_path: Path) -> None:
    stored.data = ARCHIVE + b"!"
    report = failed(lorry, tmp_path / "out.zip")
    assert f"its size is {len(ARCHIVE) + 1} bytes" in str(report.broken[0].reason)
    assert names_in(tmp_path) == []


def test_a_broken_zip_gets_no_name_and_the_other_archives_are_downloaded(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    service.put(KEY, DATA)
    service.make_job([KEY])
    service.make_archives(ARCHIVE[:-1] + b"!" + b"x" * 80_000, ARCHIVE)
    with pytest.raises(
        ArchivesIncomplete, match=r"1 of 2 archives could not be downloaded: .*out-1-of-2.zip"
    ) as raised:
        lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert str(raised.value.report.broken[0].reason) == "it is not a complete ZIP: it has no end record"
    assert raised.value.report.paths == (tmp_path / "out-2-of-2.zip",)
    assert names_in(tmp_path) == ["out-2-of-2.zip"]


def test_an_archive_with_another_number_of_entries_fails(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    service.archives[0]["entries"] = 9
    report = failed(lorry, tmp_path / "out.zip")
    assert report.broken[0].reason == "it has 2 entries, but the job put 9 into it"
    assert names_in(tmp_path) == []


def test_an_archive_without_some_files_is_kept_and_they_are_named(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    service.page_limit = 2
    service.put(KEY, DATA)
    service.make_job([f"downloads/{number}.zip" for number in (70000, 70001, 70002, 70003, 70004)])
    service.files[2] |= {"state": "failed", "reason": "source_changed"}
    service.files[3] |= {"state": "available", "size": 1}
    service.job["counts"] = {"available": 2, "missing": 2, "failed": 1}
    service.make_archives(ARCHIVE)
    with pytest.raises(ArchivesIncomplete) as raised:
        lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    report = raised.value.report
    assert [file.id for file in report.missing] == [70001, 70004]
    assert [file.id for file in report.failed] == [70002]
    assert str(raised.value) == (
        "3 of 5 files are in no archive: 70001 (missing), 70004 (missing), 70002 (source_changed)"
    )
    assert (report.paths, report.broken, report.ok) == ((tmp_path / "out.zip",), (), False)
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE


def test_files_are_not_read_when_none_is_lost(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    assert [seen.query["limit"] for seen in service.requests("status")] == ["1"]


def test_a_complete_archive_of_the_job_is_kept_on_request(
    lorry: Lorry, service: FakeServer, stored: StoredObject, tmp_path: Path
) -> None:
    lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    report = lorry.download_archives(JOB_ID, tmp_path / "out.zip", skip_complete=True)
    assert [ending.skipped for ending in report.archives] == [True]
    assert len(ranges(service)) == 1
    (tmp_path / "out.zip").write_bytes(bytes(len(ARCHIVE)))
    report = lorry.download_archives(JOB_ID, tmp_path / "out.zip", skip_complete=True)
    assert [ending.skipped for ending in report.archives] == [False]
    assert (tmp_path / "out.zip").read_bytes() == ARCHIVE


def test_a_job_that_is_not_ready_or_has_no_archive_is_not_downloaded(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    service.make_job([KEY], status="processing")
    with pytest.raises(JobNotReady):
        lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    service.make_job([KEY], status="failed")
    with pytest.raises(JobFailed):
        lorry.download_archives(JOB_ID, tmp_path / "out.zip")
    service.make_job([KEY])
    with pytest.raises(NoArchive, match="without an archive"):
        lorry.download_archives(JOB_ID, tmp_path / "out.zip")


def test_a_folder_is_refused_as_the_path_of_an_archive(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        lorry.download_archives(JOB_ID, tmp_path)
    assert service.seen == []


def refusal(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    with pytest.raises(TransferFailed) as raised:
        count_entries(path)
    return str(raised.value)


@pytest.mark.parametrize(
    ("data", "entries"), [(SMALL, 3), (zip_of({}), 1), (b"PK\x05\x06" + bytes(18), 0)], ids=["3", "1", "0"]
)
def test_entries_are_counted(tmp_path: Path, data: bytes, entries: int) -> None:
    (tmp_path / "a.zip").write_bytes(data)
    assert count_entries(tmp_path / "a.zip") == entries


def test_entries_of_a_zip64_are_counted_in_constant_memory(tmp_path: Path) -> None:
    path = tmp_path / "many.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(66_000):
            archive.writestr(zipfile.ZipInfo(str(number)), b"")
    tracemalloc.start()
    assert count_entries(path) == 66_000
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000
    data = path.read_bytes()
    at = data.rindex(b"PK\x06\x06")
    assert "not where its end record says" in refusal(path, data[: at + 3] + b"\x00" + data[at + 4 :])


def test_an_archive_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    for length in range(len(SMALL)):
        refusal(tmp_path / "a.zip", SMALL[:length])


@pytest.mark.parametrize("lost", [1, 100])
def test_an_archive_that_lost_bytes_in_the_middle_is_refused(tmp_path: Path, lost: int) -> None:
    assert "not where its end record says" in refusal(tmp_path / "a.zip", SMALL[:200] + SMALL[200 + lost :])


def test_an_archive_without_a_directory_is_refused(tmp_path: Path) -> None:
    spoilt = SMALL.replace(b"PK\x01\x02", b"PK\x01\x00")
    assert "not where its end record says" in refusal(tmp_path / "a.zip", spoilt)


@pytest.mark.parametrize("data", [b"", b"PK\x05\x06", b"<Error/>" * 100])
def test_a_file_that_is_not_a_zip_is_refused(tmp_path: Path, data: bytes) -> None:
    assert refusal(tmp_path / "a.zip", data) == "it is not a complete ZIP: it has no end record"


def test_an_archive_whose_data_is_damaged_gets_no_name(lorry: Lorry, stored: StoredObject, tmp_path: Path) -> None:
    stored.data = ARCHIVE.replace(DATA[:100], bytes(100), 1)
    report = failed(lorry, tmp_path / "out.zip")
    assert "70000.zip is broken: Bad CRC-32" in str(report.broken[0].reason)
    assert names_in(tmp_path) == []
    lorry.download_archives(JOB_ID, tmp_path / "out.zip", verify=False)
    assert (tmp_path / "out.zip").read_bytes() == stored.data


def test_verification_reports_its_progress(lorry: Lorry, stored: StoredObject, tmp_path: Path) -> None:
    class Verified(DownloadListener):
        read: list[str]
        verified = 0

        def archive_read(self, archive: Archive) -> None:
            self.read = [archive.filename]

        def bytes_verified(self, count: int) -> None:
            self.verified += count

    listener = Verified()
    lorry.download_archives(JOB_ID, tmp_path / "out.zip", listener=listener)
    assert (listener.read, listener.verified) == (["out.zip"], len(DATA) + 2)
