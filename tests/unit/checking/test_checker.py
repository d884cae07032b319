"""Checking the files of one batch."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from chalicelib.checking.checker import BatchChecker, Checked
from chalicelib.errors import (
    StorageError,
    StorageForbidden,
    StorageThrottled,
    StorageUnavailable,
    TableUnavailable,
    UnreadableMessage,
)
from chalicelib.jobs.model import ArchiveRequest, FileResult, FileState, Job, JobStatus, RequestedFile
from chalicelib.jobs.ports import StoredObject
from chalicelib.jobs.service import NewJob
from chalicelib.messages import CheckBatch, DispatchJob, ListPrefix
from tests.support.builders import ALICE, World
from tests.support.executors import serial_executors
from tests.support.fakes import FakeSourceStore


class FailingStore(FakeSourceStore):
    """Raises at one key; counts the calls."""

    def __init__(self, key: str, error: StorageError) -> None:
        super().__init__()
        self.key, self.error = key, error
        self.calls: list[str] = []

    def head(self, key: str) -> StoredObject | None:
        self.calls.append(key)
        if key == self.key:
            raise self.error
        return super().head(key)


def checker(world: World, store: FakeSourceStore, threads: int = 0) -> BatchChecker:
    """With so many threads, or none."""
    executors = ThreadPoolExecutor if threads else serial_executors
    return BatchChecker(world.table, store, world.lifecycle, executors, world.clock, threads or 1)


def results(world: World, job: Job) -> tuple[FileResult, ...]:
    return world.table.read_results(job, [0]).get(0, ())


def test_results_come_in_the_order_of_the_request_with_what_the_store_told() -> None:
    world = World()
    job = world.start(70000, 70001, 70002, missing=(70001,))
    world.store.put("downloads/70002.zip", size=77)
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.RECORDED
    states = [result.state for result in results(world, job)]
    assert states == [FileState.AVAILABLE, FileState.MISSING, FileState.AVAILABLE]
    last = results(world, job)[2]
    assert (last.size, last.etag, last.modified) == (77, "etag-downloads/70002.zip", 1_600_000_000_000)
    assert results(world, job)[1] == FileResult(FileState.MISSING, reason="not_found")


def test_the_size_of_a_job_is_that_of_its_available_files() -> None:
    world = World()
    job = world.start(70000, 70001, 70002, missing=(70001,))
    world.work_off()
    assert world.job(job.job_id).size == 20


def test_a_message_that_comes_twice_is_counted_once() -> None:
    world = World(files_per_batch=1)
    job = world.start(70000, 70001)
    world.handle(DispatchJob(job.job_id))
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.RECORDED
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.REPEATED
    assert world.job(job.job_id).counts.processed == 1


def test_a_repeated_message_does_not_ask_the_store_again() -> None:
    world = World(files_per_batch=1)
    job = world.start(70000, 70001)
    world.handle(DispatchJob(job.job_id))
    world.handle(CheckBatch(job.job_id, 0))
    world.store.down = True
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.REPEATED


def test_a_message_of_a_cancelled_or_unknown_job_is_dropped() -> None:
    world = World()
    job = world.start(70000)
    world.service.cancel(job.job_id, ALICE)
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.DROPPED
    assert world.checker.check(CheckBatch("nobody", 0), redelivered=False) is Checked.DROPPED
    assert world.table.results == {}


def test_a_batch_that_the_job_does_not_have_cannot_be_checked() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002)
    with pytest.raises(UnreadableMessage, match=r"no batch 2: job .* has 2"):
        world.handle(CheckBatch(job.job_id, 2))
    assert [event.kind for event in world.table.trail[job.job_id]] == ["created", "started"]


class CancellingStore(FakeSourceStore):
    """The job is cancelled while its files are looked up."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def head(self, key: str) -> StoredObject | None:
        for job_id in self.world.table.jobs:
            self.world.service.cancel(job_id, ALICE)
        return super().head(key)


def test_a_cancel_in_the_middle_of_a_batch_wins() -> None:
    world = World()
    job = world.start(70000)
    assert checker(world, CancellingStore(world)).check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.DROPPED
    assert (world.job(job.job_id).status, world.table.results) == (JobStatus.CANCELLED, {})


@pytest.mark.parametrize(
    "error",
    [
        StorageUnavailable("downloads/70001.zip", "HTTP 500"),
        StorageThrottled("downloads/70001.zip", "HTTP 503 SlowDown"),
        StorageForbidden("downloads/70001.zip", "HTTP 403"),
    ],
)
def test_an_outage_is_noted_and_retried_and_never_reported_as_missing(error: StorageError) -> None:
    world = World()
    job = world.start(70000, 70001, 70002, missing=(70001,))
    world.checker = checker(world, FailingStore("downloads/70001.zip", error))
    with pytest.raises(type(error)):
        world.handle(CheckBatch(job.job_id, 0))
    assert (results(world, job), world.job(job.job_id).counts.processed) == ((), 0)
    assert world.table.errors[job.job_id, 0].code == error.code
    last = world.table.trail[job.job_id][-1]
    assert (last.kind, last.details["batch"], last.details["code"]) == ("batch_retried", 0, error.code)


def test_after_an_outage_the_same_message_succeeds() -> None:
    world = World()
    job = world.start(70000, missing=())
    world.store.down = True
    with pytest.raises(StorageUnavailable):
        world.checker.check(CheckBatch(job.job_id, 0), redelivered=False)
    world.store.down = False
    assert world.checker.check(CheckBatch(job.job_id, 0), redelivered=False) is Checked.RECORDED
    assert world.job(job.job_id).status is JobStatus.READY


def test_an_absent_bucket_is_an_outage_and_no_missing_file() -> None:
    world = World()
    job = world.start(70000, 70001)
    world.store.bucket_exists = False
    with pytest.raises(StorageUnavailable):
        world.checker.check(CheckBatch(job.job_id, 0), redelivered=False)
    assert results(world, job) == ()


def test_the_first_failure_stops_the_rest_of_the_batch() -> None:
    world = World()
    job = world.start(*range(70000, 70100))
    store = FailingStore("downloads/70000.zip", StorageUnavailable("downloads/70000.zip", "it is down"))
    with pytest.raises(StorageUnavailable):
        checker(world, store, threads=1).check(CheckBatch(job.job_id, 0), redelivered=False)
    assert len(store.calls) < 100


class SlowStore(FakeSourceStore):
    """Takes a second for each file."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.asked = world, 0

    def head(self, key: str) -> StoredObject | None:
        self.asked += 1
        self.world.clock.advance(1.0)
        return super().head(key)


def test_a_batch_that_takes_too_long_is_given_back_before_its_function_is_killed() -> None:
    world = World()
    job = world.start(*range(70000, 70030))
    store = SlowStore(world)
    with pytest.raises(StorageUnavailable, match="too slow for all files of a batch"):
        checker(world, store).check(CheckBatch(job.job_id, 0), redelivered=False)
    assert store.asked == 13  # the last one begins within 12 s


def test_a_file_in_cold_storage_is_failed_with_a_reason() -> None:
    world = World()
    job = world.start(70000, 70001)
    key = "downloads/70000.zip"
    world.store.objects[key] = replace(world.store.objects[key], archived=True)
    world.work_off()
    assert (results(world, job)[0].state, results(world, job)[0].reason) == (FileState.FAILED, "archived")
    after = world.job(job.job_id)
    assert (after.status, after.counts.failed, after.size) == (JobStatus.READY, 1, 10)


def test_objects_that_the_store_refuses_cost_those_files_only() -> None:
    world = World()
    job = world.start(70000, 70001, 70002)
    world.store.refused = {"downloads/70000.zip": "forbidden", "downloads/70002.zip": "customer_key"}
    world.work_off()
    reasons = ["forbidden (AccessDenied: Access Denied)", None, "customer_key (AccessDenied: Access Denied)"]
    assert [result.reason for result in results(world, job)] == reasons
    after = world.job(job.job_id)
    assert (after.status, after.counts.failed, after.counts.available) == (JobStatus.READY, 2, 1)


def test_objects_that_are_all_refused_are_an_outage_only_if_the_bucket_is_refused_too() -> None:
    world = World()
    job = world.start(70000)
    world.store.refused = {"downloads/70000.zip": "forbidden"}
    world.store.bucket_exists = False
    with pytest.raises(StorageUnavailable):
        world.checker.check(CheckBatch(job.job_id, 0), redelivered=False)
    assert results(world, job) == ()
    world.store.bucket_exists = True
    world.checker.check(CheckBatch(job.job_id, 0), redelivered=False)
    after = world.job(job.job_id)
    assert (after.status, after.error and after.error.code) == (JobStatus.FAILED, "no_files_available")


@pytest.mark.parametrize("trouble", ["refused", "missing"])
def test_a_job_that_wants_all_files_ends_with_the_first_batch_that_lacks_one(trouble: str) -> None:
    world = World(files_per_batch=1)
    job = world.start(70000, 70001, 70002, archive=ArchiveRequest(on_missing="fail"))
    if trouble == "refused":
        world.store.refused = {"downloads/70000.zip": "forbidden"}
    else:
        del world.store.objects["downloads/70000.zip"]
    world.handle(DispatchJob(job.job_id))
    world.handle(CheckBatch(job.job_id, 0))
    after = world.job(job.job_id)
    assert after.status is JobStatus.FAILED
    assert after.error is not None
    assert after.error.code == "files_missing"
    assert after.error.message.startswith("at least 1 of 3 files are not available: downloads/70000.zip")


def test_the_error_of_a_job_that_wants_all_files_names_the_first_of_them() -> None:
    world = World()
    numbers = range(70000, 70010)
    job = world.start(*numbers, missing=tuple(numbers[1:]), archive=ArchiveRequest(on_missing="fail"))
    world.work_off()
    error = world.job(job.job_id).error
    assert error is not None
    assert error.message.startswith("9 of 10 files are not available: downloads/70001.zip (not_found)")
    assert error.message.endswith(" and 4 more")


class MeetingStore(FakeSourceStore):
    """Answers only once all the threads have asked."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self.meeting = threading.Barrier(threads)

    def head(self, key: str) -> StoredObject | None:
        self.meeting.wait(timeout=10)
        return None


def test_files_are_looked_up_side_by_side() -> None:
    world = World()
    job = world.start(*range(70000, 70004))
    checker(world, MeetingStore(4), threads=4).check(CheckBatch(job.job_id, 0), redelivered=False)
    assert world.job(job.job_id).counts.processed == 4


def test_a_table_that_is_down_leaves_the_message_for_later() -> None:
    world = World()
    job = world.start(70000)
    world.table.down = True
    with pytest.raises(TableUnavailable):
        world.checker.check(CheckBatch(job.job_id, 0), redelivered=False)


DOTTED = ["downloads/../a", "downloads/./a", "downloads/a/.", "downloads/a/.."]


@pytest.mark.parametrize("key", DOTTED)
def test_a_key_that_clients_would_resolve_is_of_use_in_an_archive_only(key: str) -> None:
    for archive, state, reason in (
        (None, FileState.FAILED, "key_not_linkable"),
        (ArchiveRequest(), FileState.AVAILABLE, None),
    ):
        world = World()
        world.store.put(key)
        files = [RequestedFile(key), RequestedFile("downloads/..missing/..")]
        job, _ = world.service.start(NewJob(files, 0, 3_600, archive), ALICE)
        checker(world, world.store).check(CheckBatch(job.job_id, 0), redelivered=False)
        found, missing = results(world, job)
        assert (found.state, found.reason) == (state, reason)
        assert (missing.state, missing.reason) == (FileState.MISSING, "not_found")


def test_a_listing_treats_keys_alike() -> None:
    world = World()
    for key in (*DOTTED, "downloads/a//b"):
        world.store.put(key)
    job, _ = world.service.start(NewJob([], 0, 3_600, None, "downloads/"), ALICE)
    world.lister.find(ListPrefix(job.job_id))
    rows = world.service.files(world.job(job.job_id), first=0, limit=10).files
    assert {file.key: result.state for file, result in rows} == {
        **dict.fromkeys(DOTTED, FileState.FAILED),
        "downloads/a//b": FileState.AVAILABLE,
    }
