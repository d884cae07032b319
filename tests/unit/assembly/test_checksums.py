"""Where CRC-32s come from, and what happens to wrong ones."""

from __future__ import annotations

import zlib

import msgspec
import pytest

from chalicelib.assembly.checksums import crc_of_parts, joined_crc
from chalicelib.assembly.model import BodyCrc, CrcSource, PartReceipt, Phase
from chalicelib.errors import ChecksumsMissing, StorageUnavailable
from chalicelib.jobs.model import JobStatus
from chalicelib.jobs.ports import StoredObject
from chalicelib.messages import BuildChunk, PlanArchive
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 4_000


class WrongStore(FakeStore):
    """HEAD has a wrong CRC-32 for everything."""

    def head(self, key: str) -> StoredObject | None:
        found = super().head(key)
        return msgspec.structs.replace(found, crc32=zlib.crc32(b"something else")) if found else None


@pytest.mark.parametrize("size", [40, 4_000])
@pytest.mark.parametrize("small_bytes", [0, 10**6])
def test_a_wrong_crc_never_comes_into_an_archive(size: int, small_bytes: int) -> None:
    here = AssemblyWorld(WrongStore(SMALL, copies_tell=True), small_bytes=small_bytes)
    job = here.start_archive({70000: b"z" * size})
    here.work_off()
    after = here.job(job.job_id)
    assert after.status is JobStatus.FAILED
    assert after.counts.failed == 1


def test_copies_without_a_crc_fail_with_a_reason() -> None:
    here = AssemblyWorld(FakeStore(SMALL), crcs="copy")
    job = here.start_archive({70000: LARGE})
    message = here.until(BuildChunk)
    here.queue.messages.clear()
    with pytest.raises(ChecksumsMissing, match="CRC_SOURCE"):
        here.handle(message)
    here.lifecycle.give_up(message)
    error = here.job(job.job_id).error
    assert error is not None
    assert error.code == "checksums_missing"


def test_the_store_is_asked_once_whether_copies_tell() -> None:
    class Probed(FakeStore):
        probes = 0

        def probe_copy_checksums(self) -> bool:
            self.probes += 1
            return super().probe_copy_checksums()

    store = Probed(SMALL, copies_tell=True)
    here = AssemblyWorld(store)
    for number in range(3):
        here.start_archive({70000 + number: LARGE})
        here.work_off()
    assert store.probes == 1


@pytest.mark.parametrize(
    ("crcs", "copied"), [("auto", CrcSource.READ), ("head", CrcSource.READ), ("read", CrcSource.READ)]
)
def test_bodies_that_no_store_knows_are_read_once_and_remembered(crcs: str, copied: CrcSource) -> None:
    here = AssemblyWorld(FakeStore(SMALL), crcs=crcs)
    job = here.start_archive({70000: LARGE, 70001: b"small"})
    here.until(BuildChunk)
    (archive,) = here.archives.archives(job.job_id)
    assert (archive.crc_source, archive.phase, archive.work) == (CrcSource.READ, Phase.CHECKSUM, archive.size + 4_000)
    here.work_off()
    read = here.bucket.bytes_read
    again = here.start_archive({70000: LARGE, 70001: b"small"})
    here.until(BuildChunk)
    assert here.archives.archives(again.job_id)[0].crc_source is CrcSource.HEAD
    here.work_off()
    assert here.bucket.bytes_read - read == read - 4_000
    assert here.contents(again) == here.contents(job)


def test_the_job_reads_first_and_builds_then() -> None:
    here = AssemblyWorld(FakeStore(SMALL), max_bytes=5_000)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    here.until(BuildChunk)
    steps = [here.job(job.job_id).step]
    progress = [here.job(job.job_id).progress]
    while here.queue.messages and not here.job(job.job_id).status.ended:
        here.clock.advance(2)
        here.handle(here.queue.messages.pop(0))
        steps.append(here.job(job.job_id).step)
        progress.append(here.job(job.job_id).progress)
    assert [step for place, step in enumerate(steps) if place == 0 or step != steps[place - 1]] == [
        "checksumming",
        "assembling",
        None,
    ]
    assert progress == sorted(progress)
    kinds = [event.kind for event in here.table.trail[job.job_id]]
    assert kinds.count("checksumming") == kinds.count("assembling") == 1


def test_crcs_of_parts_of_an_object_are_combined() -> None:
    class InParts(FakeStore):
        asked = 0

        def head(self, key: str) -> StoredObject | None:
            found = super().head(key)
            return msgspec.structs.replace(found, etag=f"{found.etag}-2") if found else None

        def combined_crc32(self, key: str, etag: str) -> int | None:
            self.asked += 1
            if key.endswith("70001.zip"):
                raise StorageUnavailable(key, "HTTP 503")
            return zlib.crc32(self.source[key].body)

    here = AssemblyWorld(InParts(SMALL))
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    message = here.until(PlanArchive)
    for key, found in here.bucket.source.items():
        here.bucket.source[key] = type(found)(found.body, f"{found.etag}-2")
    here.handle(message)
    (archive,) = here.archives.archives(job.job_id)
    assert archive.work == archive.size + 4_000  # one of them is read
    here.work_off()
    assert here.contents(job) == {"70000.zip": LARGE, "70001.zip": LARGE}


def test_ranges_join_to_the_crc_of_the_whole_if_they_tile_it() -> None:
    ranges = [BodyCrc(1, start, 10, zlib.crc32(LARGE[start : start + 10])) for start in range(0, 50, 10)]
    assert joined_crc(1, 50, crcs=[BodyCrc(1, 0, 0, 0), *reversed(ranges), ranges[0]]) == zlib.crc32(LARGE[:50])
    assert joined_crc(1, 0, crcs=[]) == 0
    for gap in (ranges[1:], ranges[:-1], [*ranges[:2], *ranges[3:]]):
        with pytest.raises(AssertionError, match="member 1"):
            joined_crc(1, 50, crcs=gap)


def test_an_upload_is_not_verified_while_the_crc_of_a_part_is_unknown() -> None:
    parts = [PartReceipt(0, 1, "e", 5, zlib.crc32(b"first")), PartReceipt(0, 2, "e", 6, zlib.crc32(b"second"))]
    assert crc_of_parts("key", parts) == zlib.crc32(b"firstsecond")
    with pytest.raises(ChecksumsMissing):
        crc_of_parts("key", [*parts, PartReceipt(0, 3, "e", 1, None)])
