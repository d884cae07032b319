"""Chunks whose worker is stopped, and uploads whose completion takes the store minutes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.archive.parts import Body
from chalicelib.assembly.builder import COMPLETING_SECONDS, LONGEST_COMPLETION_MS, RESERVE_SECONDS
from chalicelib.assembly.model import MultipartUpload, PartReceipt, Phase
from chalicelib.assembly.worker import Built
from chalicelib.errors import OutOfTime, StorageThrottled, UploadGone, UploadPending, UploadRefused
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import BuildChunk
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 40_000
CALL_SECONDS = 1.0


# --- a worker that is stopped


class Counting(FakeStore):
    """Counts copies; while `busy` is not used up, the store throttles some. Each copy takes the worker a second."""

    def __init__(self) -> None:
        super().__init__(SMALL, copies_tell=True)
        self.copies: list[int] = []
        self.busy = 0
        self.here: AssemblyWorld | None = None

    def copy_part(self, upload: MultipartUpload, number: int, body: Body) -> tuple[str, int | None]:
        assert self.here is not None
        self.here.seconds_left -= CALL_SECONDS
        if self.busy and len(self.copies) % 2:
            self.busy -= 1
            raise StorageThrottled(body.key, "HTTP 503 SlowDown")
        self.copies.append(number)
        return super().copy_part(upload, number, body)


def copying() -> tuple[AssemblyWorld, Counting, Job, BuildChunk]:
    """A job whose next message copies several parts."""
    store = Counting()
    here = store.here = AssemblyWorld(store)
    job = here.start_archive({70000: LARGE})
    message = here.until(BuildChunk)
    here.queue.messages.pop(0)
    assert isinstance(message, BuildChunk)
    return here, store, job, message


def test_a_worker_that_runs_out_of_time_keeps_what_it_has_done() -> None:
    here, store, job, message = copying()
    here.seconds_left = RESERVE_SECONDS + CALL_SECONDS / 2
    with pytest.raises(OutOfTime, match="1 of"):
        here.handle(message)
    assert len(store.copies) == 1
    here.seconds_left = 1e9
    here.handle(message, redelivered=True)
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY
    assert len(store.copies) == len(set(store.copies))
    assert here.contents(job) == {"70000.zip": LARGE}


def test_what_is_out_of_time_before_it_begins_leaves_nothing_and_hardly_counts() -> None:
    here, store, _, message = copying()
    here.seconds_left = RESERVE_SECONDS - 1
    before = set(store.objects)
    with pytest.raises(OutOfTime, match="0 of"):
        here.handle(message, redelivered=True)
    assert (store.copies, set(store.objects)) == ([], before)
    assert set(here.table.runs.values()) == {1}


def test_one_503_costs_one_copy_and_not_the_chunk() -> None:
    here, store, job, message = copying()
    store.busy = 1
    with pytest.raises(StorageThrottled):
        here.handle(message)
    here.handle(replace(message, resume=True))  # as from its dead-letter queue
    here.seconds_left = 1e9
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY
    assert len(store.copies) == len(set(store.copies))


def test_a_chunk_that_is_not_resumed_asks_for_nothing_that_was_left() -> None:
    class Strict(FakeStore):
        def find(self, key: str) -> bytes | None:
            raise AssertionError("it costs a request")

    here = AssemblyWorld(Strict(SMALL, copies_tell=True))
    job = here.start_archive({70000: LARGE})
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


# --- a slow completion


class Completing(FakeStore):
    """Takes until `ready` to complete an upload: the client loses patience, and the upload seems to be gone."""

    def __init__(self) -> None:
        super().__init__(SMALL, heads_tell=True)
        self.working: dict[str, Any] = {}
        self.asked = 0
        self.refuses: Exception | None = None

    def complete(self, upload: MultipartUpload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        self.asked += 1
        if self.refuses is not None:
            refusal, self.refuses = self.refuses, None
            raise refusal
        known = self.uploads.pop(upload.upload_id, None)
        if known is None:
            raise UploadGone(upload.key, "NoSuchUpload")
        self.working[upload.upload_id] = known
        raise TimeoutError  # of the thread that waits

    def finish(self) -> None:
        for known in self.working.values():
            self.objects[known.key] = b"".join(known.parts[number][1] for number in sorted(known.parts))


def finishing() -> tuple[AssemblyWorld, Completing, Job, BuildChunk]:
    """A job whose next message completes the upload."""
    store = Completing()
    here = AssemblyWorld(store)
    job = here.start_archive({70000: LARGE})
    while True:
        message = here.until(BuildChunk)
        here.queue.messages.pop(0)
        assert isinstance(message, BuildChunk)
        if message.phase == Phase.FINISH:
            return here, store, job, message
        here.handle(message)


def test_a_slow_completion_is_waited_for_and_nothing_is_built_again() -> None:
    here, store, job, message = finishing()
    copied, uploaded = store.bytes_copied, store.bytes_uploaded
    for _ in range(4):
        with pytest.raises(UploadPending):
            here.handle(message, redelivered=True)
        here.clock.advance(COMPLETING_SECONDS)
    uploaded_once = store.bytes_uploaded
    store.finish()
    here.handle(message, redelivered=True)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 1)
    assert here.contents(job) == {"70000.zip": LARGE}
    assert (store.bytes_copied, store.bytes_uploaded) == (copied, uploaded_once)
    assert uploaded_once > uploaded  # the directory
    assert sum(here.table.runs.values()) == 0  # waiting is no run in vain


def test_an_upload_that_is_gone_for_longer_than_a_completion_takes_is_built_again() -> None:
    here, _, job, message = finishing()
    with pytest.raises(UploadPending):
        here.handle(message)
    here.clock.advance(LONGEST_COMPLETION_MS / 1000 - 1)
    with pytest.raises(UploadPending):
        here.handle(message)
    here.clock.advance(1)
    here.handle(message)
    assert here.job(job.job_id).generation == 2


def test_an_upload_that_no_worker_asked_to_complete_is_built_again_at_once() -> None:
    here, store, job, message = finishing()
    store.uploads.clear()
    assert here.worker.handle(message, lambda: 80.0) is Built.REPLANNED
    assert here.job(job.job_id).generation == 2


def test_a_completion_that_met_another_request_begins_a_new_upload() -> None:
    here, store, job, message = finishing()
    store.refuses = UploadRefused("archive", "it met another request for the same object")
    assert here.worker.handle(message, lambda: 80.0) is Built.REPLANNED
    assert here.job(job.job_id).generation == 2


def test_a_completion_that_was_asked_for_before_and_is_refused_begins_a_new_upload() -> None:
    here, store, job, message = finishing()
    store.refuses = TimeoutError()  # of the thread that waits
    with pytest.raises(UploadPending):
        here.handle(message)
    store.refuses = UploadRefused("archive", "it met another request for the same object")
    assert here.worker.handle(message, lambda: 80.0) is Built.REPLANNED
    assert here.job(job.job_id).generation == 2


def test_a_completion_that_another_worker_won_is_success() -> None:
    here, store, job, message = finishing()
    with pytest.raises(UploadPending):
        here.handle(message)
    store.finish()
    here.handle(message)
    assert here.job(job.job_id).status is JobStatus.READY
    assert store.asked == 1
