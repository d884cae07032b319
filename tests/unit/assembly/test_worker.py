"""Archives from the first message to the finished object; messages late, repeated, lost, failing."""

from __future__ import annotations

import io
import json
import random
import zipfile

import pytest
from msgspec.structs import replace

from chalicelib.assembly.lifecycle import INLINE_SECONDS
from chalicelib.assembly.model import Phase
from chalicelib.assembly.worker import Built
from chalicelib.errors import QueueUnavailable, StorageUnavailable, UnreadableMessage
from chalicelib.jobs.model import ArchiveRequest, Failure, JobStatus
from chalicelib.jobs.service import NewJob
from chalicelib.messages import BuildChunk, CheckBatch, CleanUp, PlanArchive
from tests.support.assembly_world import PLENTY, SMALL, AssemblyWorld
from tests.support.builders import ALICE, JOB_TTL
from tests.support.fake_assembly import FakeStore

LARGE = b"x" * 4_000
BROKEN = Failure("broken", "for a reason")


def world(**tells: bool) -> AssemblyWorld:
    return AssemblyWorld(FakeStore(SMALL, **tells))


def test_a_dead_letter_of_an_earlier_attempt_does_not_fail_the_retried_job() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    stale = here.until(BuildChunk)
    here.queue.messages.clear()
    here.lifecycle.fail(here.job(job.job_id), BROKEN)
    here.service.retry(job.job_id, ALICE)
    assert here.lifecycle.give_up(stale) is None
    assert here.lifecycle.give_up(CheckBatch(job.job_id, 0)) is None
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_a_retried_job_has_its_whole_time_again() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    here.lifecycle.fail(here.job(job.job_id), BROKEN)
    here.queue.messages.clear()
    here.clock.advance(JOB_TTL * 0.9)
    here.service.retry(job.job_id, ALICE)
    here.clock.advance(JOB_TTL * 0.5)
    here.sweep()
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_a_late_copy_of_a_chunk_changes_nothing_when_the_upload_is_complete() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True), max_bytes=6_000)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    here.until(BuildChunk)
    late = next(m for m in here.queue.messages if isinstance(m, BuildChunk) and m.archive == 1)
    others = [m for m in here.queue.messages if isinstance(m, BuildChunk) and m.archive == 2]
    here.queue.messages = [m for m in here.queue.messages if m not in others]
    here.work_off()
    assert here.worker.handle(late, lambda: PLENTY) in (Built.REPEATED, Built.DROPPED)
    here.queue.messages = list(others)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation) == (JobStatus.READY, 1)


def test_a_worker_that_records_its_chunk_when_another_has_finished_the_archive_has_nothing_left_to_do() -> None:
    here = AssemblyWorld(FakeStore(SMALL, heads_tell=True), max_bytes=6_000)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    here.until(BuildChunk)
    current, archive = here.job(job.job_id), here.archives.archives(job.job_id)[0]
    finished = replace(archive, phase=Phase.DONE, recorded=0)
    assert here.worker.lifecycle.recorded(current, finished, inline=True) is None
    assert here.job(job.job_id).status is JobStatus.PROCESSING


def test_a_phase_whose_messages_were_never_sent_goes_on_with_the_message_that_comes_back() -> None:
    here = world(copies_tell=True)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    last = here.until(BuildChunk)
    while here.archives.archives(job.job_id)[0].phase is Phase.BODY:
        last = here.queue.messages.pop(0)
        here.handle(last)
    here.queue.messages.clear()  # the worker died after it had entered the next phase
    here.clock.advance(25)
    here.handle(last)
    here.work_off()
    assert here.job(job.job_id).status is JobStatus.READY


def test_a_chunk_that_is_recorded_is_not_built_again() -> None:
    here = world(heads_tell=True)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    first = here.until(BuildChunk)
    here.handle(first)
    copied = here.bucket.bytes_copied
    assert isinstance(first, BuildChunk)
    assert here.worker.handle(first, lambda: PLENTY) is Built.REPEATED
    assert here.bucket.bytes_copied == copied
    assert here.archives.archives(job.job_id)[0].recorded == 1


def test_a_store_that_is_down_fails_nothing_by_itself() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    here.until(BuildChunk)
    here.bucket.down = True
    with pytest.raises(StorageUnavailable):
        here.handle(here.queue.messages[0])
    assert here.table.last_error(job.job_id, None) is not None
    here.bucket.down = False
    here.work_off()
    assert here.contents(job) == {"70000.zip": LARGE}


def test_a_queue_that_is_down_is_noted() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    message = here.until(PlanArchive)
    here.queue.down = True
    with pytest.raises(QueueUnavailable):
        here.handle(message)
    assert here.table.last_error(job.job_id, None) is not None


def test_a_prefix_becomes_an_archive_of_everything_below_it() -> None:
    here = world(heads_tell=True)
    for name in ("a/1.txt", "a/2.txt", "b/3.txt"):
        here.bucket.put_source(f"downloads/{name}", name.encode())
    request = NewJob([], 0, 3600, ArchiveRequest(layout="tree", prefix="downloads/"), prefix="downloads/a/")
    job, _ = here.service.start(request, ALICE)
    assert not here.job(job.job_id).listed
    here.work_off()
    assert here.contents(job) == {"a/1.txt": b"a/1.txt", "a/2.txt": b"a/2.txt"}


@pytest.mark.parametrize("phase", [Phase.GATHER, Phase.HEADERS, Phase.FINISH])
def test_a_chunk_of_a_phase_that_has_not_begun_does_nothing(phase: Phase) -> None:
    here = world(copies_tell=True)
    job = here.start_archive({70000: LARGE})
    here.until(BuildChunk)
    before = here.archives.archives(job.job_id)
    assert here.worker.handle(BuildChunk(job.job_id, 1, 1, phase, 0), lambda: PLENTY) is Built.REPEATED
    assert here.archives.archives(job.job_id) == before


def test_messages_of_nothing_are_dropped() -> None:
    here = world()
    job = here.start_archive({70000: LARGE})
    here.until(BuildChunk)
    for message in (
        BuildChunk("nobody", 1, 1, Phase.BODY, 0),
        BuildChunk(job.job_id, 2, 1, Phase.BODY, 0),
        BuildChunk(job.job_id, 1, 7, Phase.BODY, 0),
        CleanUp(job.job_id),
        CleanUp("nobody"),
    ):
        assert here.worker.handle(message, lambda: PLENTY) is Built.DROPPED
    assert here.worker.handle(PlanArchive("nobody", 1), lambda: PLENTY) is Built.REPEATED
    with pytest.raises(UnreadableMessage):
        here.worker.handle(BuildChunk(job.job_id, 1, 1, "no phase", 0), lambda: PLENTY)


def test_an_upload_that_was_aborted_from_outside_is_replaced() -> None:
    here = world(heads_tell=True)
    job = here.start_archive({70000: LARGE, 70001: LARGE})
    here.until(BuildChunk)
    here.bucket.uploads.clear()
    here.work_off()
    assert here.job(job.job_id).generation == 2
    assert here.contents(job) == {"70000.zip": LARGE, "70001.zip": LARGE}
    (aborted,) = [event for event in here.table.trail[job.job_id] if event.kind == "upload_aborted"]
    assert aborted.details == {"archive": 1, "generation": 1}
    assert "source_changed" not in [event.kind for event in here.table.trail[job.job_id]]


# --- building on ----------------------------------------------------------------------------


def test_a_small_archive_is_planned_and_built_by_one_message() -> None:
    here = AssemblyWorld(FakeStore(SMALL), seconds_left=PLENTY)
    job = here.start_archive({70000: b"small", 70001: b"too"})
    here.until(PlanArchive)
    here.handle(here.queue.messages.pop(0))
    assert here.job(job.job_id).status is JobStatus.READY
    assert here.queue.messages == [CleanUp(job.job_id)]
    assert here.contents(job) == {"70000.zip": b"small", "70001.zip": b"too"}


def test_phases_of_one_chunk_follow_in_the_same_message() -> None:
    here = AssemblyWorld(FakeStore(SMALL, copies_tell=True), seconds_left=PLENTY, small_bytes=0)
    job = here.start_archive({70000: LARGE})
    here.until(PlanArchive)
    phases = []
    while here.queue.messages:
        message = here.queue.messages.pop(0)
        phases += [message.phase] if isinstance(message, BuildChunk) else []
        here.handle(message)
    assert phases == []  # every phase of this archive is one chunk
    assert here.contents(job) == {"70000.zip": LARGE}


def test_without_time_left_each_chunk_is_a_message() -> None:
    here = AssemblyWorld(FakeStore(SMALL), seconds_left=INLINE_SECONDS - 1)
    job = here.start_archive({70000: b"small"})
    message = here.until(BuildChunk)
    assert message == BuildChunk(job.job_id, 1, 1, Phase.FINISH, 0)


def test_a_chunk_that_fails_while_a_worker_builds_on_gets_a_message_of_its_own() -> None:
    class FailingOnce(FakeStore):
        failing = True

        def complete(self, *args: object, **named: object) -> None:
            if self.failing:
                self.failing = False
                raise StorageUnavailable("archive", "HTTP 503")
            super().complete(*args, **named)  # type: ignore[arg-type]

    here = AssemblyWorld(FailingOnce(SMALL), seconds_left=PLENTY)
    job = here.start_archive({70000: b"small"})
    message = here.until(PlanArchive)
    here.queue.messages.clear()
    with pytest.raises(StorageUnavailable):
        here.handle(message)
    assert here.queue.messages == [BuildChunk(job.job_id, 1, 1, Phase.FINISH, 0)]
    here.work_off()
    assert here.contents(job) == {"70000.zip": b"small"}


SHAPES = {
    "one small file": [10],
    "one large file": [9_000],
    "three": [10, 700, 9_000],
    "many tiny": [7] * 150,
    "large only": [4_000] * 12,
    "around the smallest part": [499, 500, 501, 1_499, 1_500, 1_501],
    "a mix": [5, 12_000, 0, 800, 3, 3, 3, 30_000, 1_200, 70_000, 0],
    "past the part limit": [1_600] * 100,
    "empty files": [0, 0, 0],
}
STORES = {
    "copies tell": ("auto", {"copies_tell": True}),
    "heads tell": ("auto", {"heads_tell": True}),
    "both tell": ("auto", {"copies_tell": True, "heads_tell": True}),
    "nobody tells": ("auto", {}),
    "read anyway": ("read", {"copies_tell": True, "heads_tell": True}),
}


def bodies_of(sizes: list[int]) -> dict[int, bytes | None]:
    chance = random.Random(1)
    return {70_000 + n: chance.randbytes(size) for n, size in enumerate(sizes)}


def world_of(name: str) -> AssemblyWorld:
    crcs, tells = STORES[name]
    return AssemblyWorld(FakeStore(SMALL, **tells), crcs=crcs)


@pytest.mark.parametrize("store", STORES)
@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_becomes_a_valid_archive(shape: str, store: str) -> None:
    here, wanted = world_of(store), bodies_of(SHAPES[shape])
    job = here.start_archive(wanted)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.error) == (JobStatus.READY, None)
    with zipfile.ZipFile(io.BytesIO(here.archive_bytes(job))) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()[:-1]} == {
            f"{number}.zip": body for number, body in wanted.items()
        }
        manifest = json.loads(archive.read("MANIFEST.json"))
    assert [file["file_id"] for file in manifest["files"]] == list(wanted)


def test_nothing_stays_of_a_job_but_its_archive() -> None:
    here = world_of("copies tell")
    job = here.start_archive(bodies_of(SHAPES["a mix"]))
    here.work_off()
    assert list(here.bucket.objects) == [f"archives/{job.job_id}/1-1.zip"]
    assert here.bucket.uploads == {}
