"""What is left of a job that ended."""

from __future__ import annotations

from chalicelib.jobs.model import Failure, JobStatus
from chalicelib.messages import BuildChunk
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.builders import ALICE, SWEEP_AFTER
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 4_000


def test_nothing_of_a_finished_job_stays_but_its_archive() -> None:
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
