"""Files that change while their archive is being built."""

from __future__ import annotations

import pytest

from chalicelib.jobs.model import FileState, Job, JobStatus
from chalicelib.jobs.service import FilePage
from chalicelib.messages import BuildChunk
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.builders import ALICE
from tests.support.fake_assembly import FakeStore

BEFORE = {70_000 + n: b"%d" % n * 4_000 for n in range(8)}
AFTER = {file_id: body[::-1] + b"!" for file_id, body in BEFORE.items()}


def states(here: AssemblyWorld, job: Job) -> list[FileState]:
    page: FilePage = here.service.files(here.job(job.job_id), first=0, limit=len(BEFORE))
    return [result.state for _, result in page.files]


def test_files_that_change_together_cost_one_generation() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive(dict(BEFORE))
    here.until(BuildChunk)
    for file_id, body in AFTER.items():
        here.bucket.put_source(f"downloads/{file_id}.zip", body)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 2)
    assert states(here, job) == [FileState.AVAILABLE] * len(BEFORE)
    assert here.contents(job) == {f"{file_id}.zip": body for file_id, body in AFTER.items()}


def test_a_file_that_changes_with_every_generation_is_given_up_alone() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive(dict(BEFORE))
    seen = 0
    while here.queue.messages:
        message = here.queue.messages.pop(0)
        if isinstance(message, BuildChunk) and message.generation > seen:
            seen = message.generation
            here.bucket.put_source("downloads/70003.zip", b"version %d" % seen * 400)
        here.handle(message)
    after = here.job(job.job_id)
    assert (after.status, after.counts.failed, after.counts.available) == (JobStatus.READY, 1, 7)
    assert states(here, job)[3] is FileState.FAILED
    assert here.contents(job) == {f"{n}.zip": body for n, body in BEFORE.items() if n != 70_003}


def test_objects_that_are_described_and_cannot_be_read_are_left_out_by_one_generation() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive(dict(BEFORE))
    here.until(BuildChunk)
    here.bucket.unreadable = {f"downloads/{file_id}.zip" for file_id in (70_001, 70_002, 70_005)}
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation, after.counts.failed) == (JobStatus.READY, 2, 3)
    page = here.service.files(after, first=0, limit=len(BEFORE))
    assert page.files[1][1].reason == "forbidden (AccessDenied: no key)"
    assert set(here.contents(job)) == {f"{n}.zip" for n in BEFORE if n not in (70_001, 70_002, 70_005)}


def test_many_files_of_a_large_job_may_change_once_each_without_being_given_up() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True), look_at_all=0)
    job = here.start_archive(dict(BEFORE))
    here.until(BuildChunk)
    for file_id, body in AFTER.items():
        here.bucket.put_source(f"downloads/{file_id}.zip", body)
    here.work_off()
    assert states(here, job) == [FileState.AVAILABLE] * len(BEFORE)
    assert here.contents(job) == {f"{file_id}.zip": body for file_id, body in AFTER.items()}


def test_of_two_planners_that_saw_different_versions_only_one_is_heard() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True))
    job = here.start_archive({70000: b"x" * 4_000, 70001: b"x" * 4_000})
    here.until(BuildChunk)
    here.bucket.put_source("downloads/70000.zip", b"y" * 4_000)
    here.work_off()
    assert here.contents(job)["70000.zip"] == b"y" * 4_000


@pytest.mark.parametrize(("missing", "named"), [(1, "1 of 2"), (9, "at least 3 of 10")])
def test_all_or_nothing_fails_with_the_first_batch_that_lacks_a_file(missing: int, named: str) -> None:
    here = AssemblyWorld(FakeStore(SMALL))
    job = here.start_archive({70000: b"x"} | {70001 + n: None for n in range(missing)}, on_missing="fail")
    here.work_off()
    error = here.job(job.job_id).error
    assert error is not None
    assert error.code == "files_missing"
    assert error.message.startswith(f"{named} files are not available: downloads/70001.zip (not_found)")


def test_a_file_that_changed_before_a_retry_gets_another_chance() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive({70000: b"x" * 4_000, 70001: b"x"}, on_missing="fail")
    versions = 0
    while here.queue.messages:
        message = here.queue.messages.pop(0)
        if isinstance(message, BuildChunk):
            versions += 1
            here.bucket.put_source("downloads/70000.zip", b"%d" % versions * 4_000)
        here.handle(message)
    failed = here.job(job.job_id)
    assert (failed.status, failed.error and failed.error.code) == (JobStatus.FAILED, "source_changed")
    here.service.retry(job.job_id, ALICE)
    here.work_off()
    assert here.contents(job) == {"70000.zip": b"%d" % versions * 4_000, "70001.zip": b"x"}


def test_keys_of_changed_files_are_not_in_the_row_of_the_job() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive({70000: b"x" * 4_000})
    here.until(BuildChunk)
    here.bucket.put_source("downloads/70000.zip", b"y" * 4_000)
    here.handle(here.queue.messages.pop(0))
    assert here.archives.changed_keys(here.job(job.job_id)) == ["downloads/70000.zip"]
