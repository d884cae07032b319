"""Files that change while their archive is being built."""

from __future__ import annotations

import io
import zipfile

from chalicelib.jobs.model import FileState, Job, JobStatus
from chalicelib.jobs.service import FilePage
from chalicelib.messages import BuildChunk
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.fake_assembly import FakeStore

BEFORE = {70_000 + n: b"%d" % n * 4_000 for n in range(8)}
AFTER = {file_id: body[::-1] + b"!" for file_id, body in BEFORE.items()}


def until_built(here: AssemblyWorld) -> None:
    """Work off messages until the next one builds a chunk."""
    while not isinstance(here.queue.messages[0], BuildChunk):
        here.handle(here.queue.messages.pop(0))


def entries(here: AssemblyWorld, job: Job) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(here.archive_bytes(job))) as archive:
        return {name: archive.read(name) for name in archive.namelist()[:-1]}


def states(here: AssemblyWorld, job: Job) -> list[FileState]:
    page: FilePage = here.service.files(here.job(job.job_id), first=0, limit=len(BEFORE))
    return [result.state for _, result in page.files]


def test_files_that_change_together_cost_one_generation() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive(dict(BEFORE))
    until_built(here)
    for file_id, body in AFTER.items():
        here.bucket.put_source(f"downloads/{file_id}.zip", body)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 2)
    assert states(here, job) == [FileState.AVAILABLE] * len(BEFORE)
    assert entries(here, job) == {f"{file_id}.zip": body for file_id, body in AFTER.items()}


def test_a_file_that_changes_with_every_generation_is_given_up_alone() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True))
    job = here.start_archive(dict(BEFORE))
    for attempt in range(10):
        if here.job(job.job_id).status.ended or not here.queue.messages:
            break
        until_built(here)
        here.bucket.put_source("downloads/70003.zip", b"version %d" % attempt * 400)
        generation = here.job(job.job_id).generation
        while here.queue.messages and here.job(job.job_id).generation == generation:
            here.handle(here.queue.messages.pop(0))
            if here.job(job.job_id).status.ended:
                break
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.counts.failed, after.counts.available) == (JobStatus.READY, 1, 7)
    assert states(here, job)[3] is FileState.FAILED
    assert entries(here, job) == {f"{n}.zip": body for n, body in BEFORE.items() if n != 70_003}


def test_many_files_of_a_large_job_may_change_once_each_without_being_given_up() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True), look_at_all=0)
    job = here.start_archive(dict(BEFORE))
    until_built(here)
    for file_id, body in AFTER.items():
        here.bucket.put_source(f"downloads/{file_id}.zip", body)
    here.work_off()
    assert states(here, job) == [FileState.AVAILABLE] * len(BEFORE)
    assert entries(here, job) == {f"{file_id}.zip": body for file_id, body in AFTER.items()}
