"""Jobs as a principal sees them."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from chalicelib.errors import JobAlreadyEnded, JobExpired, JobNotFound, TableUnavailable
from chalicelib.jobs.model import Actor, FileState, Job, JobEvent, JobStatus, RequestedFile
from chalicelib.jobs.ports import JobFilter
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_BATCH
from chalicelib.messages import AnyMessage, CheckBatch, DispatchJob
from tests.support.builders import ALICE, JOB_TTL, SWEEP_AFTER, World, files, new_id
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Crash

BOB = Actor(by="bob")


class WatchingQueue:
    """Notes whether the job of each message was durable when the message was sent."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.durable: list[bool] = []

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        self.durable.extend(message.job_id in self.world.table.jobs for message in messages)


# --- starting ---------------------------------------------------------------------------


def test_a_job_is_durable_before_its_message_is_sent() -> None:
    world = World()
    queue = WatchingQueue(world)
    JobService(world.table, queue, world.clock, new_id, JOB_TTL, SWEEP_AFTER).start(
        NewJob(files(70000), 0, 3600), ALICE
    )
    assert queue.durable == [True]


def test_a_new_job_is_queued_and_belongs_to_who_asked() -> None:
    world = World()
    job = world.start(70000, 70001)
    assert world.job(job.job_id) == job
    assert (job.status, job.owner, job.total, job.progress) == (JobStatus.QUEUED, "alice", 2, 0)
    assert [(event.kind, event.actor) for event in world.table.trail[job.job_id]] == [("created", ALICE)]


def test_a_job_of_one_batch_needs_no_second_hop() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001)
    assert world.queue.messages == [CheckBatch(job.job_id, 0)]


def test_a_job_of_several_batches_is_dispatched() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002)
    assert world.queue.messages == [DispatchJob(job.job_id)]


def test_a_job_is_started_although_the_queue_is_down() -> None:
    world = World()
    world.queue.down = True
    job = world.start(70000)
    assert world.job(job.job_id).status is JobStatus.QUEUED


def test_nothing_is_sent_of_a_job_that_the_table_did_not_take() -> None:
    world = World()
    world.table.down = True
    with pytest.raises(TableUnavailable):
        world.start(70000)
    assert (world.queue.messages, world.table.jobs) == ([], {})


def test_a_crash_before_the_job_is_written_leaves_no_job() -> None:
    world = World()
    world.table.crash_in = 0
    with pytest.raises(Crash):
        world.start(70000)
    assert (world.queue.messages, world.table.jobs) == ([], {})


def test_each_batch_holds_its_share_of_the_files_in_order() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002)
    assert world.table.read_requests(job, [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}


def test_long_keys_make_batches_smaller() -> None:
    world = World()
    long = [RequestedFile(f"downloads/{number:0>1000}", number) for number in range(100)]
    job, _ = world.service.start(NewJob(long, 0, 3600), ALICE)
    assert job.batch_size < MAX_FILES_PER_BATCH
    sizes = [sum(len(file.key) for file in batch) for batch in world.table.requests.values()]
    assert max(sizes) <= MAX_BATCH_KEY_BYTES


# --- reading ----------------------------------------------------------------------------


def test_an_unknown_job_is_not_found() -> None:
    with pytest.raises(JobNotFound):
        World().service.read("nobody", "alice")


def test_somebody_elses_job_is_not_found_either() -> None:
    world = World()
    job = world.start(70000)
    with pytest.raises(JobNotFound):
        world.service.read(job.job_id, "bob")
    with pytest.raises(JobNotFound):
        world.service.cancel(job.job_id, BOB)
    assert world.job(job.job_id).status is JobStatus.QUEUED


def test_an_ended_job_lives_for_its_time_and_not_a_millisecond_longer() -> None:
    world = World()
    job = world.start(70000)
    world.clock.advance(50)
    world.work_off()
    world.clock.advance(JOB_TTL - 0.001)
    assert world.service.read(job.job_id, "alice").status is JobStatus.READY
    world.clock.advance(0.001)
    with pytest.raises(JobExpired):
        world.service.read(job.job_id, "alice")


@pytest.mark.parametrize(
    ("first", "limit", "expected"), [(0, 7, 7), (0, 3, 3), (1, 3, 3), (2, 2, 2), (5, 9, 2), (6, 1, 1)]
)
def test_pages_of_files_may_cross_batches(first: int, limit: int, expected: int) -> None:
    world = World(files_per_batch=2)
    numbers = range(70000, 70007)
    job = world.start(*numbers, missing=(70003,))
    world.work_off()
    page = world.service.files(world.job(job.job_id), first=first, limit=limit)
    wanted = numbers[first : first + limit]
    assert [file.file_id for file, _ in page.files] == list(wanted)
    assert len(page.files) == expected
    assert [result.state for _, result in page.files] == [
        FileState.MISSING if number == 70003 else FileState.AVAILABLE for number in wanted
    ]
    assert page.next_index == (first + limit if first + limit < 7 else None)


def test_following_the_pages_gives_every_file_once() -> None:
    world = World(files_per_batch=2)
    job = world.start(*range(70000, 70009))
    seen: list[int | None] = []
    first: int | None = 0
    while first is not None:
        page = world.service.files(job, first=first, limit=4)
        seen.extend(file.file_id for file, _ in page.files)
        first = page.next_index
    assert seen == list(range(70000, 70009))


@pytest.mark.parametrize("first", [3, 4, 100_000])
def test_a_page_past_the_end_is_empty(first: int) -> None:
    world = World(files_per_batch=2)
    page = world.service.files(world.start(70000, 70001, 70002), first=first, limit=10)
    assert (page.files, page.next_index) == ((), None)


def test_a_file_that_nobody_has_looked_at_is_pending_and_after_the_end_unchecked() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002)
    world.handle(world.queue.messages.pop(0))
    world.handle(CheckBatch(job.job_id, 1))
    assert _states(world, job) == [FileState.PENDING, FileState.PENDING, FileState.AVAILABLE]
    world.service.cancel(job.job_id, ALICE)
    assert _states(world, job) == [FileState.UNCHECKED, FileState.UNCHECKED, FileState.AVAILABLE]


def _states(world: World, job: Job) -> list[FileState]:
    page = world.service.files(world.job(job.job_id), first=0, limit=10)
    return [result.state for _, result in page.files]


# --- cancelling -------------------------------------------------------------------------


def test_a_cancelled_job_never_turns_ready() -> None:
    world = World(files_per_batch=2)
    job = world.start(70000, 70001, 70002)
    world.handle(world.queue.messages.pop(0))
    world.service.cancel(job.job_id, ALICE)
    world.work_off()
    after = world.job(job.job_id)
    assert (after.status, after.counts.processed) == (JobStatus.CANCELLED, 0)


def test_cancelling_twice_is_fine_and_told_once() -> None:
    world = World()
    job = world.start(70000)
    first = world.service.cancel(job.job_id, ALICE)
    world.clock.advance(10)
    assert world.service.cancel(job.job_id, ALICE) == first
    assert [event.kind for event in world.table.trail[job.job_id]] == ["created", "cancelled"]


def test_a_cancelled_job_expires_after_its_time_to_live() -> None:
    world = World()
    job = world.start(70000)
    after = world.service.cancel(job.job_id, ALICE)
    assert after.expires_at == world.clock() + JOB_TTL * 1000


@pytest.mark.parametrize("missing", [(), (70000,)])
def test_an_ended_job_cannot_be_cancelled_and_stays_as_it_is(missing: tuple[int, ...]) -> None:
    world = World()
    job = world.start(70000, missing=missing)
    world.work_off()
    ended = world.job(job.job_id)
    with pytest.raises(JobAlreadyEnded, match=str(ended.status)):
        world.service.cancel(job.job_id, ALICE)
    assert world.job(job.job_id) == ended


def test_an_expired_job_cannot_be_cancelled() -> None:
    world = World()
    job = world.start(70000)
    world.work_off()
    world.clock.advance(JOB_TTL)
    with pytest.raises(JobExpired):
        world.service.cancel(job.job_id, ALICE)


def test_a_purge_that_meets_a_retry_is_repeated() -> None:
    world = World()
    job = world.start(70000)
    world.work_off()

    class Retried(FakeJobTable):
        def purge(self, job: Job, *, event: JobEvent) -> bool:
            if job.generation == 1:
                self.jobs[job.job_id] = replace(job, generation=2)
            return super().purge(job, event=event)

    table = Retried()
    table.__dict__.update(world.table.__dict__)
    replace(world.service, table=table).purge(job.job_id, ALICE)
    assert world.job(job.job_id).purged


# --- listing ----------------------------------------------------------------------------


def test_a_principal_lists_only_its_own_jobs() -> None:
    world = World()
    mine = world.start(70000)
    theirs, _ = world.service.start(NewJob(files(70001), 0, 3600), BOB)
    assert [job.job_id for job in _listed(world, "alice")] == [mine.job_id]
    assert [job.job_id for job in _listed(world, "bob")] == [theirs.job_id]
    assert _listed(world, "carol") == ()


def _listed(world: World, owner: str) -> tuple[Job, ...]:
    return world.service.jobs(owner, wanted=JobFilter(), limit=10, cursor=None).jobs
