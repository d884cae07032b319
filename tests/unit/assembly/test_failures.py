"""What may go wrong around an archive, one story a test."""

from __future__ import annotations

import io
import zipfile
import zlib

import msgspec
import pytest

from chalicelib.assembly.model import Phase
from chalicelib.assembly.worker import Built
from chalicelib.checking.ports import StoredObject
from chalicelib.errors import ChecksumsMissing, StorageUnavailable
from chalicelib.jobs.model import ArchiveRequest, Job, JobStatus
from chalicelib.jobs.service import NewJob
from chalicelib.messages import BuildChunk, CheckBatch, PlanArchive
from tests.builders import ALICE, JOB_TTL, SWEEP_AFTER
from tests.support.assembly_world import PLENTY, SMALL, AssemblyWorld
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 4_000


def world(**tells: bool) -> AssemblyWorld:
    return AssemblyWorld(FakeStore(SMALL, **tells))


def until(here: AssemblyWorld, kind: type) -> None:
    """Work messages off until one of `kind` is next."""
    while not isinstance(here.queue.messages[0], kind):
        here.handle(here.queue.messages.pop(0))


def contents(here: AssemblyWorld, job: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(here.archive_bytes(job))) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()[:-1]}


def test_a_dead_letter_of_an_earlier_attempt_does_not_fail_the_retried_job() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    until(here, BuildChunk)
    stale = here.queue.messages.pop(0)
    here.lifecycle.fail(here.job(job.job_id), error=here.lifecycle._reason(stale))
    here.service.retry(job.job_id, ALICE)
    assert here.lifecycle.give_up(stale) is None
    assert here.lifecycle.give_up(CheckBatch(job.job_id, 0)) is None
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_a_retried_job_has_its_whole_time_again() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    here.lifecycle.fail(here.job(job.job_id), error=here.lifecycle._reason(PlanArchive(job.job_id, 1)))
    here.queue.messages.clear()
    here.clock.advance(JOB_TTL * 0.9)
    here.service.retry(job.job_id, ALICE)
    here.clock.advance(JOB_TTL * 0.5)
    here.sweep()
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_cleaning_up_an_ended_job_leaves_its_next_attempt_alone() -> None:
    here = world()
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    until(here, BuildChunk)
    here.lifecycle.fail(here.job(job.job_id), error=here.lifecycle._reason(PlanArchive(job.job_id, 1)))
    seen = here.job(job.job_id)
    here.service.retry(job.job_id, ALICE)
    here.archives.cleaned_up(seen, sweep_at=None)  # the cleaner had read the job before the retry
    assert here.job(job.job_id).sweep_at > 0
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_of_two_planners_that_saw_different_versions_only_one_is_heard() -> None:
    here = world(heads_tell=True)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    until(here, BuildChunk)
    here.bucket.put_source("downloads/70000.zip", b"y" * 4_000)
    here.work_off()
    assert contents(here, job)["70000.zip"] == b"y" * 4_000


class LyingStore(FakeStore):
    """HEAD tells a wrong CRC-32 for everything."""

    def head(self, key: str) -> StoredObject | None:
        found = super().head(key)
        return msgspec.structs.replace(found, crc32=zlib.crc32(b"something else")) if found else None


@pytest.mark.parametrize("size", [40, 4_000])
def test_a_crc_that_the_store_told_wrongly_never_comes_into_an_archive(size: int) -> None:
    here = AssemblyWorld(LyingStore(SMALL, copies_tell=True))
    job = here.start_archive({70000: b"z" * size})
    here.work_off()
    after = here.job(job.job_id)
    assert after.status is JobStatus.FAILED
    assert after.counts.failed == 1


def test_copies_that_tell_nothing_fail_with_a_reason() -> None:
    here = AssemblyWorld(FakeStore(SMALL), crcs="copy")
    job = here.start_archive({70000: LARGE})
    until(here, BuildChunk)
    message = here.queue.messages.pop(0)
    with pytest.raises(ChecksumsMissing, match="CRC_SOURCE"):
        here.handle(message)
    here.lifecycle.give_up(message)
    error = here.job(job.job_id).error
    assert error is not None
    assert error.code == "checksums_missing"


def test_a_late_copy_of_a_chunk_changes_nothing_when_the_upload_is_complete() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True), max_bytes=6_000)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    until(here, BuildChunk)
    late = next(m for m in here.queue.messages if isinstance(m, BuildChunk) and m.archive == 1)
    others = [m for m in here.queue.messages if isinstance(m, BuildChunk) and m.archive == 2]
    here.queue.messages = [m for m in here.queue.messages if m not in others]
    here.work_off()
    assert here.worker.handle(late, lambda: PLENTY) in (Built.REPEATED, Built.DROPPED)
    here.queue.messages = list(others)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 1)


def test_what_a_slow_worker_writes_after_a_cancel_is_removed_too() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    until(here, BuildChunk)
    here.service.cancel(job.job_id, ALICE)
    here.work_off()
    here.bucket.put(f"staging/{job.job_id}/1/late/1/run", b"late")
    here.bucket.create_upload(f"archives/{job.job_id}/1-1.zip", checksummed=False)
    here.clock.advance(10 * SWEEP_AFTER)
    here.sweep()
    here.work_off()
    assert not here.bucket.objects
    assert not here.bucket.uploads
    assert here.job(job.job_id).sweep_at == 0


def test_a_phase_whose_messages_were_never_sent_goes_on_with_the_message_that_comes_back() -> None:
    here = world(copies_tell=True)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    until(here, BuildChunk)
    last = here.queue.messages[-1]
    while here.archives.archives(job.job_id)[0].phase is Phase.BODY:
        last = here.queue.messages.pop(0)
        here.handle(last)
    here.queue.messages.clear()  # the worker died after it had entered the next phase
    here.clock.advance(25)
    here.handle(last)
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_a_store_that_is_down_fails_nothing_by_itself() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    until(here, BuildChunk)
    here.bucket.down = True
    with pytest.raises(StorageUnavailable):
        here.handle(here.queue.messages[0])
    here.bucket.down = False
    here.work_off()
    assert contents(here, job) == {"70000.zip": LARGE}


def test_all_or_nothing_fails_with_the_files_that_are_missing() -> None:
    here = world()
    job = here.start_archive({70000: LARGE, 70001: None}, on_missing="fail")
    here.work_off()
    error = here.job(job.job_id).error
    assert error is not None
    assert error.code == "files_missing"
    assert "70001" in error.message


def test_a_prefix_becomes_an_archive_of_everything_below_it() -> None:

    here = world(heads_tell=True)
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        here.bucket.put_source(f"downloads/{name}", name.encode())
    request = NewJob([], 0, 3600, ArchiveRequest(layout="tree", prefix="downloads/"), prefix="downloads/a/")
    job, _ = here.service.start(request, ALICE)
    assert not here.job(job.job_id).listed
    here.work_off()
    assert contents(here, job) == {"a/1.txt": b"a/1.txt", "a/2.txt": b"a/2.txt"}
