"""The end of an archive: manifest and directory, in one message or in many."""

from __future__ import annotations

import io
import random
import zipfile
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.archive.parts import Body
from chalicelib.assembly.chunks import ChunkLimits
from chalicelib.assembly.model import Archive, Phase
from chalicelib.jobs.model import ArchiveRequest, Job, JobStatus, RequestedFile
from chalicelib.jobs.service import NewJob
from chalicelib.limits import S3, S3Limits
from chalicelib.messages import BuildChunk
from tests.support.assembly_world import PLENTY, SMALL, AssemblyWorld
from tests.support.builders import ALICE
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 4_000
SMALL_TARGETS = S3Limits(
    min_part=5_000, max_part=500_000, literal_targets=(16_000,), copy_splits=(50_000,), literal_entries=100
)
STORES: dict[str, dict[str, bool]] = {"copies": {"copies_tell": True}, "heads": {"heads_tell": True}, "read": {}}


def bodies(count: int) -> dict[int, bytes | None]:
    chance = random.Random(count)
    return {70_000 + n: chance.randbytes(chance.choice((0, 3, 40, 700, 4_000, 20_000))) for n in range(count)}


def chunks_of(here: AssemblyWorld, files: dict[int, bytes | None]) -> tuple[Job, dict[Phase, int]]:
    """A job that is planned, and the chunks of its archive."""
    job = here.start_archive(files)
    here.until(BuildChunk)
    (archive,) = here.archives.archives(job.job_id)
    return job, archive.chunks


def finished(here: AssemblyWorld, job: Job) -> bytes:
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY
    return here.archive_bytes(job)


@pytest.mark.parametrize("seconds_left", [80.0, PLENTY])
@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("count", [1, 2, 90])
def test_one_message_and_many_write_the_same_end(count: int, store: str, seconds_left: float) -> None:
    one = AssemblyWorld(FakeStore(SMALL, **STORES[store]))
    many = AssemblyWorld(FakeStore(SMALL, **STORES[store]), small_bytes=0, seconds_left=seconds_left)
    job, chunks = chunks_of(one, bodies(count))
    assert not {Phase.CRCS, Phase.MANIFEST, Phase.DIRECTORY} & set(chunks)

    assert finished(many, many.start_archive(bodies(count))) == finished(one, job)


def test_each_part_of_a_large_manifest_and_directory_is_a_chunk() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True), small_bytes=0)
    job, chunks = chunks_of(here, bodies(90))

    assert chunks[Phase.CRCS] == chunks[Phase.FINISH] == 1
    assert chunks[Phase.MANIFEST] > 3
    assert chunks[Phase.DIRECTORY] > 3
    finished(here, job)


def test_the_last_files_are_gathered_before_the_end_is_written() -> None:
    """They are too few bytes for a part of their own, but may be too many bodies for one message."""
    tiny: dict[int, bytes | None] = {70_000 + n: b"%d" % n for n in range(25)}
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    here.rules = replace(here.rules, limits=SMALL_TARGETS, chunks=ChunkLimits(bodies=5))
    here.deploy()
    job, chunks = chunks_of(here, tiny)

    assert chunks == {Phase.GATHER: 1, Phase.FINISH: 1}
    finished(here, job)
    assert here.contents(job) == {f"{number}.zip": body for number, body in tiny.items()}


def test_an_end_that_is_written_twice_is_the_same() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True), small_bytes=0)
    job = here.start_archive(bodies(30))
    here.until(BuildChunk)
    while here.queue.messages:
        message = here.queue.messages.pop(0)
        before = here.archives.archives(job.job_id)
        here.handle(message)
        if isinstance(message, BuildChunk) and before:
            forget(here, before[0], message)
            here.handle(message)
    assert here.job(job.job_id).status is JobStatus.READY
    here.contents(job)


def forget(here: AssemblyWorld, before: Archive, message: BuildChunk) -> None:
    """The worker was killed before it could record its chunk, unless that was the last of its phase."""
    (now,) = here.archives.archives(before.job_id)
    if now.phase is before.phase:
        del here.archives.kept[now.job_id, now.generation, now.number, now.phase, message.chunk]
        here.archives.rows[now.job_id, now.generation, now.number] = before


def test_an_archive_that_another_worker_has_completed_is_done() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True))
    job = here.start_archive({70000: LARGE})
    message = here.until(BuildChunk)
    while not (isinstance(message, BuildChunk) and message.phase == Phase.FINISH):
        here.handle(here.queue.messages.pop(0))
        message = here.queue.messages[0]
    (archive,) = here.archives.archives(job.job_id)
    here.worker.finisher.build(archive, 0, seconds_left=lambda: PLENTY)
    read = here.bucket.bytes_read

    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY
    assert here.bucket.bytes_read == read


def test_a_copy_that_answers_with_another_crc_than_was_known_names_the_file() -> None:
    class Bent(FakeStore):
        """Knows the CRC-32 of another body than it copies."""

        def copy_part(self, upload: Any, number: int, body: Body) -> tuple[str, int | None]:
            etag, crc = super().copy_part(upload, number, body)
            return etag, crc and crc ^ (body.key == "downloads/70001.zip")

        def complete(self, *args: Any, **named: Any) -> None:
            raise AssertionError("an archive with a wrong CRC-32 is never completed")

    here = AssemblyWorld(Bent(SMALL, copies_tell=True, heads_tell=True))
    job = here.start_archive({70000: LARGE, 70001: LARGE}, on_missing="fail")
    here.work_off()

    error = here.job(job.job_id).error
    assert error is not None
    assert error.code == "source_changed"
    assert "downloads/70001.zip" in error.message
    assert "downloads/70000.zip" not in error.message


@pytest.mark.slow
def test_a_directory_of_100_mb_is_written_by_several_messages() -> None:
    store = FakeStore(S3, copies_tell=True)
    here = AssemblyWorld(store, limits=S3, files_per_batch=100)
    names = [f"{number:06d}/{'/'.join('abcdefghi'[n % 9] * 80 for n in range(12))}" for number in range(100_000)]
    for name in names:
        store.put_source(name, b"")
    request = ArchiveRequest(layout="tree")
    files = [RequestedFile(name, number) for number, name in enumerate(names)]
    job, _ = here.service.start(NewJob(files, 0, 3600, request), ALICE)
    here.until(BuildChunk)
    (archive,) = here.archives.archives(job.job_id)

    assert archive.chunks[Phase.MANIFEST] > 5
    assert archive.chunks[Phase.DIRECTORY] > 5
    whole = finished(here, job)
    with zipfile.ZipFile(io.BytesIO(whole)) as built:
        assert len(whole) - built.start_dir > 100_000_000
        assert built.namelist() == [*names, "MANIFEST.json"]
        assert built.testzip() is None
