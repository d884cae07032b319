"""How archives move from phase to phase, what clients see of it, and what is left of a job that ended."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.assembly.lifecycle import REPORT_MS, STALL_MS
from chalicelib.assembly.model import Archive, Phase
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Failure, Job, JobStatus, Step
from chalicelib.messages import BuildChunk, PlanArchive
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.builders import ALICE, SWEEP_AFTER
from tests.support.fake_assembly import FakeAssemblyTable, FakeStore
from tests.support.fake_job_table import FakeJobTable

FILES: dict[int, bytes | None] = {70_000 + n: b"%d" % n * 20_000 for n in range(10, 40)}


def building(**options: Any) -> tuple[AssemblyWorld, Job]:
    """An archive whose chunks are sent, and none built."""
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True), **options)
    job = here.start_archive(FILES)
    here.until(BuildChunk)
    return here, job


def the_archive(here: AssemblyWorld, job: Job) -> Archive:
    (archive,) = here.archives.archives(job.job_id)
    assert isinstance(archive, Archive)
    return archive


# --- progress


@pytest.mark.parametrize("max_bytes", [10**12, 300_000])
def test_clients_see_progress_about_once_a_second(max_bytes: int) -> None:
    here, job = building(max_bytes=max_bytes)
    seen = [here.job(job.job_id)]
    started = here.clock.now
    while here.queue.messages and not seen[-1].status.ended:
        here.clock.advance(0.6)
        here.handle(here.queue.messages.pop(0))
        if here.job(job.job_id).version != seen[-1].version:
            seen.append(here.job(job.job_id))

    phases = sum(len(archive.chunks) for archive in here.archives.archives(job.job_id))
    assert len(seen) - 1 <= (here.clock.now - started) // REPORT_MS + phases
    assert len(seen) > 5
    assert [each.assembled for each in seen] == sorted(each.assembled for each in seen)
    assert [each.progress for each in seen] == sorted(each.progress for each in seen)


def test_chunks_at_once_write_the_row_of_the_job_once() -> None:
    here, job = building()
    version = here.job(job.job_id).version
    here.clock.advance(2)
    for _ in range(6):
        here.handle(here.queue.messages.pop(0))

    assert the_archive(here, job).recorded == 6
    assert here.job(job.job_id).version == version + 1


def test_a_phase_that_is_complete_is_seen_at_once() -> None:
    here, job = building()
    while the_archive(here, job).phase is Phase.BODY:
        here.handle(here.queue.messages.pop(0))
    archive = the_archive(here, job)
    assert here.job(job.job_id).assembled == archive.built


# --- messages that are lost


def test_only_the_chunks_that_are_missing_are_sent_again_once_an_archive_lies_still() -> None:
    here, job = building()
    message = here.queue.messages[0]
    lost = here.queue.messages[5:9]
    del here.queue.messages[5:9]
    while here.queue.messages:
        here.handle(here.queue.messages.pop(0))
    assert the_archive(here, job).phase is Phase.BODY

    here.clock.advance((STALL_MS - 1) / 1000)
    here.handle(message)
    assert here.queue.messages == []

    here.clock.advance(1)
    here.handle(message)
    assert here.queue.messages == [replace(each, resume=True) for each in lost]
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_the_sweeper_finds_an_archive_whose_messages_are_all_lost() -> None:
    here, job = building()
    here.queue.messages.clear()
    here.clock.advance(3600)
    here.sweep()
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 1)


# --- phases and the end


def test_a_job_builds_once_none_of_its_archives_reads_any_more() -> None:
    here = AssemblyWorld(FakeStore(SMALL), max_bytes=300_000)
    job = here.start_archive(FILES)
    here.until(BuildChunk)
    steps = set()
    while here.queue.messages and not here.job(job.job_id).status.ended:
        here.handle(here.queue.messages.pop())
        current = here.job(job.job_id)
        phases = {archive.phase for archive in here.archives.archives(job.job_id)}
        steps.add(current.step)
        assert (current.step is Step.CHECKSUMMING) == (Phase.CHECKSUM in phases)
    assert steps == {Step.CHECKSUMMING, Step.ASSEMBLING, None}


def test_the_last_archive_ends_the_job() -> None:
    here, job = building(max_bytes=300_000)
    while any(archive.phase is not Phase.DONE for archive in here.archives.archives(job.job_id)):
        assert here.job(job.job_id).status is JobStatus.PROCESSING
        here.handle(here.queue.messages.pop(0))
    assert here.job(job.job_id).status is JobStatus.READY


# --- beginning again


class Moving(FakeAssemblyTable):
    """Other workers report progress, so many times, between reading the job and beginning again."""

    reports = 0

    def next_generation(self, job: Job, changed: Any, event: Any) -> bool:
        if self.reports:
            self.reports -= 1
            self.report_progress(job, assembled=job.assembled + 1, now=event.at, not_after=None)
        return super().next_generation(job, changed, event)


@pytest.mark.parametrize(("reports", "again"), [(0, True), (3, True), (100, False)])
def test_a_generation_begins_although_progress_is_reported(reports: int, *, again: bool) -> None:
    jobs = FakeJobTable()
    table = Moving(jobs)
    here, job = building(tables=(jobs, table))
    here.queue.messages.clear()
    table.reports = reports
    begin = here.worker.lifecycle.changed
    if not again:
        with pytest.raises(TableUnavailable, match="at each attempt"):
            begin(here.job(job.job_id), "downloads/70010.zip")
        return
    begin(here.job(job.job_id), "downloads/70010.zip")
    begin(job, "downloads/70011.zip")  # another worker, which has not seen it yet

    assert here.queue.messages == [PlanArchive(job.job_id, 2)]
    assert here.job(job.job_id).replans == 1


LARGE = b"x" * 4_000


def test_nothing_of_a_job_planned_in_steps_stays_but_its_archive() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True), plan_ms=0, small_bytes=0)
    job = here.start_archive({70000 + n: LARGE for n in range(3)})
    here.work_off()
    assert list(here.bucket.objects) == [f"archives/{job.job_id}/1-1.zip"]
    assert here.bucket.uploads == {}


def test_cleaning_up_an_ended_job_leaves_its_next_attempt_alone() -> None:
    here = AssemblyWorld(FakeStore(SMALL))
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    here.until(BuildChunk)
    here.lifecycle.fail(here.job(job.job_id), Failure("broken", "for a reason"))
    seen = here.job(job.job_id)
    here.service.retry(job.job_id, ALICE)
    here.archives.cleaned_up(seen, sweep_at=None)  # the cleaner had read the job before the retry
    assert here.job(job.job_id).sweep_at > 0
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_what_a_slow_worker_writes_after_a_cancel_is_removed_too() -> None:
    here = AssemblyWorld(FakeStore(SMALL))
    job = here.start_archive({70000: LARGE})
    here.until(BuildChunk)
    here.service.cancel(job.job_id, ALICE)
    here.work_off()
    here.bucket.put(f"staging/{job.job_id}/1/late/1/bundle", b"late")
    here.bucket.create_upload(f"archives/{job.job_id}/1-1.zip", checksummed=False)
    here.bucket.create_upload(f"staging/{job.job_id}/1/late/1/intermediate-1", checksummed=False)
    here.clock.advance(10 * SWEEP_AFTER)
    here.sweep()
    here.work_off()
    assert not here.bucket.objects
    assert not here.bucket.uploads
    assert here.job(job.job_id).sweep_at == 0
