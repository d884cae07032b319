"""Planning that stops, is killed, is done twice at once, or meets other settings and other code on its way."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.assembly.chunks import ChunkLimits
from chalicelib.assembly.model import Phase
from chalicelib.assembly.worker import Built
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import BuildChunk, PlanArchive
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.builders import ALICE
from tests.support.fake_assembly import FakeStore
from tests.support.fakes import Crash

STORES: dict[str, dict[str, bool]] = {"copies": {"copies_tell": True}, "heads": {"heads_tell": True}, "read": {}}
STOP_SOON: Any = {"plan_ms": 0}  # after each step that may be the last of its message


def bodies(count: int = 60, seed: int = 1) -> dict[int, bytes | None]:
    """Files of all sizes."""
    chance = random.Random(seed)
    return {70_000 + n: chance.randbytes(chance.choice((0, 3, 40, 700, 4_000, 20_000))) for n in range(count)}


def world(store: str = "copies", **options: Any) -> AssemblyWorld:
    return AssemblyWorld(FakeStore(SMALL, **STORES[store]), **options)


def planned(here: AssemblyWorld, files: dict[int, bytes | None] | None = None) -> tuple[Job, int]:
    """A job whose archives are planned, and how many messages that took."""
    job = here.start_archive(files or bodies())
    here.until(PlanArchive)
    return job, plan(here)


def plan(here: AssemblyWorld) -> int:
    messages = 0
    while isinstance(here.queue.messages[0], PlanArchive):
        here.handle(here.queue.messages.pop(0))
        messages += 1
    assert isinstance(here.queue.messages[0], BuildChunk)
    return messages


def known_uploads(here: AssemblyWorld, job: Job) -> set[str]:
    """What the saved archives refer to: their own uploads, and those of their intermediates."""
    archives = here.archives.archives(job.job_id)
    intermediates = [here.bucket.get(archive.intermediates) for archive in archives if archive.intermediates]
    stored = [upload for body in intermediates for _, upload in msgspec.msgpack.decode(body)["uploads"]]
    return {archive.upload.upload_id for archive in archives} | set(stored)


def finished(here: AssemblyWorld, job: Job, archives: int = 1) -> list[bytes]:
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.generation, after.error) == (JobStatus.READY, 1, None)
    return [here.archive_bytes(job, number) for number in range(1, archives + 1)]


# --- stopping


@pytest.mark.parametrize("small_bytes", [0, 1_000_000])
@pytest.mark.parametrize("store", STORES)
def test_a_planner_that_stops_wherever_it_can_plans_the_same_archive(store: str, small_bytes: int) -> None:
    at_once, often = world(store, small_bytes=small_bytes), world(store, small_bytes=small_bytes, **STOP_SOON)
    job, one = planned(at_once)
    again, many = planned(often)

    assert one == 1
    assert many > 20
    assert finished(often, again) == finished(at_once, job)


def test_several_archives_are_planned_in_several_messages() -> None:
    at_once, often = world(max_bytes=60_000), world(max_bytes=60_000, **STOP_SOON)
    job, _ = planned(at_once)
    again, messages = planned(often)

    archives = len(at_once.archives.archives(job.job_id))
    assert archives > 3
    assert messages > 5 * archives
    assert finished(often, again, archives) == finished(at_once, job, archives)


def test_a_small_job_stores_nothing_but_its_plan() -> None:
    here = world()
    job, _ = planned(here, {70_000: b"x", 70_001: b"y" * 4_000})

    assert here.archives.saved_plan(here.job(job.job_id)) is None
    assert [archive.plan for archive in here.archives.archives(job.job_id)] == list(here.bucket.objects)


def test_planning_that_has_little_time_left_is_continued_by_the_next_message() -> None:
    here = world()
    job = here.start_archive(bodies())
    here.until(PlanArchive)
    here.seconds_left = 1.0
    for _ in range(5):
        here.handle(here.queue.messages.pop(0))
    here.seconds_left = 100.0

    assert plan(here) == 1
    finished(here, job)


@pytest.mark.slow
def test_100_000_files_planned_in_a_hundred_messages_become_the_same_archive() -> None:
    chance = random.Random(5)
    files: dict[int, bytes | None] = {n: chance.randbytes(chance.randrange(60)) for n in range(100_000)}
    files |= {n: chance.randbytes(3_000) for n in range(0, 100_000, 1_000)}
    targets = (20_000, 60_000, 180_000)
    limits = replace(SMALL, literal_targets=targets, literal_entries=2_000, max_part=500_000, max_parts=600)
    results: list[tuple[int, bytes]] = []
    for options in ({}, {**STOP_SOON, "small_bytes": 0}):
        here = AssemblyWorld(FakeStore(limits), limits=limits, files_per_batch=100, **options)
        job = here.start_archive(files)
        here.until(PlanArchive)
        messages = plan(here)
        (archive,) = finished(here, job)
        results.append((messages, archive))

    (one, expected), (many, found) = results
    assert one == 1
    assert many > 100
    assert found == expected


# --- other settings, other code


def stopped_at(here: AssemblyWorld, messages: int) -> Job:
    job = here.start_archive(bodies())
    here.until(PlanArchive)
    for _ in range(messages):
        here.handle(here.queue.messages.pop(0))
    assert isinstance(here.queue.messages[0], PlanArchive)
    return job


def test_another_release_with_other_settings_between_two_messages_changes_nothing_that_is_planned() -> None:
    other_release = msgspec.structs.replace(SMALL, literal_targets=(900, 1_800), copy_splits=(4_000, 8_000))
    undisturbed = world()
    expected = finished(undisturbed, planned(undisturbed)[0])

    here = world(**STOP_SOON)
    job = stopped_at(here, 20)
    here.rules = replace(here.rules, max_bytes=10_000, small_bytes=0)
    here.deploy()
    plan(here)
    here.rules = replace(here.rules, max_bytes=50, chunks=ChunkLimits(bodies=2), limits=other_release)
    here.crcs = "read"
    here.deploy()
    assert finished(here, job) == expected


def test_planning_begins_again_where_other_code_left_what_cannot_be_read() -> None:
    here = world(**STOP_SOON)
    job = stopped_at(here, 20)
    state = here.archives.saved_plan(here.job(job.job_id))
    here.bucket.put(state, msgspec.msgpack.encode({"v": 99}))

    assert plan(here) > 20
    finished(here, job)


# --- planners that are killed


@pytest.mark.parametrize("after_write", [False, True])
@pytest.mark.parametrize("options", [{}, {"max_bytes": 60_000}, STOP_SOON], ids=["once", "archives", "stops"])
def test_a_planner_killed_at_any_write_loses_one_message(options: Any, *, after_write: bool) -> None:
    files = bodies(25)
    undisturbed = world(**options)
    job, messages = planned(undisturbed, files)
    archives = len(undisturbed.archives.archives(job.job_id))
    expected = finished(undisturbed, job, archives)

    write, crashed = 0, True
    while crashed:
        write += 1
        here = world(**options)
        job = here.start_archive(files)
        here.until(PlanArchive)
        here.table.crash_in, here.table.crash_after_write = write, after_write
        handled, crashed = plan_with_crash(here)
        assert handled <= messages + 1
        assert set(here.bucket.uploads) == known_uploads(here, job)
        if write % 7 == 1:  # the archive itself is the same with each; some are enough
            assert finished(here, job, archives) == expected
    assert write > 2


def plan_with_crash(here: AssemblyWorld) -> tuple[int, bool]:
    """Plan; the message of a planner that was killed comes back."""
    handled, crashed = 0, False
    while isinstance(message := here.queue.messages[0], PlanArchive):
        handled += 1
        try:
            here.handle(message)
        except Crash:
            crashed, here.table.crash_in = True, None
            here.clock.advance(120)  # until the queue shows the message again
            here.deploy()
            continue
        here.queue.messages.pop(0)
    here.table.crash_in = None
    return handled, crashed


# --- planners at once


class Meeting(FakeStore):
    """Calls a function once, before it stores a key with a certain end or creates an upload for it."""

    place = ""
    waiting: tuple[Callable[[], None], ...] = ()

    def meet_at(self, place: str, meet: Callable[[], None]) -> None:
        self.place, self.waiting = place, (meet,)

    def _pause(self, key: str) -> None:
        if key.endswith(self.place):
            waiting, self.waiting = self.waiting, ()
            for meet in waiting:
                meet()

    def put(self, key: str, body: bytes | bytearray) -> None:
        self._pause(key)
        super().put(key, body)

    def create_upload(self, key: str, *, checksummed: bool) -> Any:
        self._pause(key)
        return super().create_upload(key, checksummed=checksummed)


@pytest.mark.parametrize(("place", "stops"), [("state", 0), ("shape", 2), ("state", 15), ("plan", 0), (".zip", 0)])
def test_of_two_planners_at_once_one_is_heard(place: str, stops: int) -> None:
    undisturbed = world()
    expected = finished(undisturbed, planned(undisturbed)[0])

    store = Meeting(SMALL, copies_tell=True)
    options = STOP_SOON if place in ("state", "shape") else {}
    here = AssemblyWorld(store, **options)
    job = stopped_at(here, stops)
    message = here.queue.messages.pop(0)
    sent_by_other = []

    def other() -> None:
        here.handle(message)
        sent_by_other.extend(here.queue.messages)

    store.meet_at(place, other)
    here.handle(message)

    assert not store.waiting, "they met"
    assert here.queue.messages == sent_by_other, "the planner that lost sends nothing"
    if not options:
        assert set(store.uploads) == known_uploads(here, job)
    assert finished(here, job) == expected


def test_a_copy_of_the_message_after_the_archives_are_opened_sends_what_may_be_lost() -> None:
    here = world()
    job = here.start_archive(bodies())
    message = here.until(PlanArchive)
    plan(here)
    sent = list(here.queue.messages)
    here.queue.messages.clear()  # the planner was killed before it could send
    here.clock.advance(60)
    here.handle(message)

    resumed = [replace(message, resume=True) for message in sent]
    assert sorted(here.queue.messages, key=repr) == sorted(resumed, key=repr)
    finished(here, job)


@pytest.mark.parametrize("late", ["other generation", "ended", "unknown"])
def test_a_message_that_is_too_late_plans_nothing(late: str) -> None:
    here = world()
    job = here.start_archive(bodies())
    message = here.until(PlanArchive)
    assert isinstance(message, PlanArchive)
    if late == "other generation":
        message = replace(message, generation=7)
    elif late == "ended":
        here.service.cancel(job.job_id, ALICE)
    else:
        message = replace(message, job_id="another")
    before = len(here.bucket.objects), list(here.queue.messages)
    assert here.worker.handle(message, lambda: 100.0) is Built.REPEATED
    assert (len(here.bucket.objects), here.queue.messages) == before


# --- what cannot be planned


def test_a_job_of_too_many_archives_fails() -> None:
    here = world(max_bytes=100)
    job = here.start_archive({70_000 + n: b"x" * 90 for n in range(100)})
    here.work_off()

    after = here.job(job.job_id)
    assert after.status is JobStatus.FAILED
    assert after.error is not None
    assert after.error.code == "archive_too_large"
    assert here.bucket.uploads == {}


def test_an_archive_whose_files_are_not_those_that_were_counted_is_not_planned() -> None:
    here = world()
    job = here.start_archive(bodies())
    here.until(PlanArchive)
    here.table.jobs[job.job_id] = replace(here.job(job.job_id), available=59)

    with pytest.raises(TableUnavailable, match="60 of 60 files are available by their results, 59 of 60"):
        here.handle(here.queue.messages[0])


def test_first_chunks_of_a_single_message_phase_are_built_right_away() -> None:
    here = world(seconds_left=900.0)
    job = here.start_archive({70_000: b"x"})
    here.until(PlanArchive)
    here.handle(here.queue.messages.pop(0))

    assert here.archives.archives(job.job_id)[0].phase is Phase.DONE
