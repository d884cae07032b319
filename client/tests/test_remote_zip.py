"""Entries of a ZIP behind a link, read by Range from a real HTTP server."""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from support.fake_server import JOB_ID, FakeServer, Fault, StoredObject
from support.zips import zip_of

from lorry import ArchiveUnreadable, JobNotReady, Lorry, NoArchive, RetryPolicy
from lorry.remote_zip import LARGEST_WINDOW, FixedLink, RemoteZip

LARGE = hashlib.shake_128(b"large").digest(3 << 20)
SMALL = b"small content"
ARCHIVE = zip_of({"large.bin": LARGE, "a/small.txt": SMALL, "last.bin": LARGE[::-1]})
KEY = "downloads/a.zip"
POLICY = RetryPolicy(tries=3, first=0.01, longest=0.05)


@pytest.fixture
def stored(service: FakeServer) -> StoredObject:
    """The archive of a ready job."""
    service.put(KEY, SMALL)
    service.make_job([KEY])
    return service.make_archives(ARCHIVE)[0]


@contextmanager
def opened(service: FakeServer) -> Iterator[RemoteZip]:
    with RemoteZip(FixedLink(service.link(service.archives[0]["key"])), retries=POLICY) as archive:
        yield archive


def transferred(service: FakeServer) -> int:
    """How many bytes were requested by Range."""
    total = 0
    for seen in service.requests("/store/archives/"):
        first, _, last = seen.headers["Range"].removeprefix("bytes=").partition("-")
        total += int(last) - int(first) + 1 if first else int(last)
    return total


def test_a_small_entry_is_read_without_the_large_ones(service: FakeServer, stored: StoredObject) -> None:
    with opened(service) as archive:
        assert archive.namelist() == ["large.bin", "a/small.txt", "last.bin", "MANIFEST.json"]
        assert archive.read("a/small.txt") == SMALL
    assert transferred(service) <= 4 << 16


def test_a_large_entry_is_read_in_few_requests(service: FakeServer, stored: StoredObject) -> None:
    with opened(service) as archive:
        assert archive.read("large.bin") == LARGE
        assert archive.read("last.bin") == LARGE[::-1]
    assert len(service.requests("/store/archives/")) < 20
    assert LARGEST_WINDOW < 1 << 24


def test_an_archive_of_a_job_is_opened_and_its_expired_link_replaced(
    lorry: Lorry, service: FakeServer, stored: StoredObject
) -> None:
    with lorry.open_archive(JOB_ID) as archive:
        service.expire_links()
        assert archive.read("large.bin") == LARGE
    with pytest.raises(IndexError):
        lorry.open_archive(JOB_ID, 1)
    service.archives = []
    with pytest.raises(NoArchive):
        lorry.open_archive(JOB_ID)
    service.job["status"] = "processing"
    with pytest.raises(JobNotReady):
        lorry.open_archive(JOB_ID)


def test_a_busy_store_is_retried(service: FakeServer, stored: StoredObject) -> None:
    service.faults = [Fault("/store/", 503), Fault("/store/", 0)]
    with opened(service) as archive:
        assert archive.read("a/small.txt") == SMALL


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("/store/", 503, times=9), r"the store answered 503 \(tried 3 times\)"),
        (Fault("/store/", 403, times=9), "the store refuses the link, which may have expired"),
        (Fault("/store/", 404), r"it is no longer in the store \(404\)"),
        (Fault("/store/", 200, body=b"<html>"), "answered 200 to a request for a range"),
    ],
)
def test_a_store_that_does_not_answer_a_range_is_an_error(
    service: FakeServer, stored: StoredObject, fault: Fault, reason: str
) -> None:
    service.faults = [fault]
    with pytest.raises(ArchiveUnreadable, match=reason), opened(service):
        pass


def test_an_archive_that_changes_while_it_is_read_is_an_error(service: FakeServer, stored: StoredObject) -> None:
    with opened(service) as archive:
        stored.data = ARCHIVE[::-1]
        with pytest.raises(ArchiveUnreadable, match="it has changed in the store"):
            archive.read("large.bin")


def test_an_entry_with_other_data_than_its_crc_is_an_error(service: FakeServer, stored: StoredObject) -> None:
    at = ARCHIVE.index(SMALL)
    stored.data = ARCHIVE[:at] + b"?" + ARCHIVE[at + 1 :]
    with opened(service) as archive, pytest.raises(zipfile.BadZipFile, match="Bad CRC-32"):
        archive.read("a/small.txt")


def test_a_link_to_another_file_is_an_error(service: FakeServer, stored: StoredObject) -> None:
    stored.data = b"<Error/>"
    with pytest.raises(zipfile.BadZipFile), opened(service):
        pass
