"""Jobs under everything that can go wrong at once, in any order, as Hypothesis finds it."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec.structs import replace

from chalicelib.errors import JobAlreadyEnded, JobExpired, JobNotFound, LorryError
from chalicelib.jobs.model import Counts, FileResult, FileState, Job, JobStatus
from chalicelib.jobs.outcomes import NO_FILES_AVAILABLE
from chalicelib.jobs.ports import Advance, Change, Recorded, StoredBatch
from chalicelib.jobs.service import NewJob, RequestKey
from chalicelib.jobs.sweeper import MAX_DOUBLINGS
from chalicelib.messages import CheckBatch, Message
from tests.support.builders import ALICE, JOB_TTL, SWEEP_AFTER, World, files
from tests.support.fake_job_table import FakeJobTable, place_of
from tests.support.fakes import Crash

FILES_PER_BATCH = 2
WINDOW = 2
ENDS = {"ready", "failed", "cancelled"}
LONGEST_PAUSE = SWEEP_AFTER * 2**MAX_DOUBLINGS
NUMBER = st.integers(0, 1_000)


class InterruptedTable(FakeJobTable):
    """A table at which somebody else is quicker: an action of another worker happens just before one of our calls."""

    def __init__(self) -> None:
        super().__init__()
        self.interrupt_in = 0
        self.interruption: Callable[[], object] | None = None

    def get(self, job_id: str) -> Job | None:
        self._let_the_other_one_go_first()
        return super().get(job_id)

    def apply(self, change: Change) -> Job | None:
        self._let_the_other_one_go_first()
        return super().apply(change)

    def advance(self, job: Job, advance: Advance) -> Job | None:
        self._let_the_other_one_go_first()
        return super().advance(job, advance)

    def read_batch(self, job: Job, batch: int) -> StoredBatch:
        self._let_the_other_one_go_first()
        return super().read_batch(job, batch)

    def record_batch(
        self, job: Job, batch: int, *, results: Sequence[FileResult], advance: Advance | None, now: int
    ) -> Recorded | Job:
        self._let_the_other_one_go_first()
        return super().record_batch(job, batch, results=results, advance=advance, now=now)

    def _let_the_other_one_go_first(self) -> None:
        if self.interruption is None:
            return
        self.interrupt_in -= 1
        if self.interrupt_in < 0:
            interruption, self.interruption = self.interruption, None
            interruption()


class JobMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.table = InterruptedTable()
        self.world = World(files_per_batch=FILES_PER_BATCH, table=self.table, window=WINDOW)
        self.next_file = 10_000
        self.broken = False
        self.received: list[Message] = []  # messages that a worker has had before
        self.before: dict[str, Job] = {}  # as they were after the last step

    # --- what clients do ---------------------------------------------------------------

    @initialize(present=st.lists(st.booleans(), min_size=3, max_size=9))
    def start_a_job_of_several_batches(self, present: list[bool]) -> None:
        self.start(present)

    @rule(present=st.lists(st.booleans(), min_size=1, max_size=9))
    def start(self, present: list[bool]) -> None:
        numbers = range(self.next_file, self.next_file + len(present))
        self.next_file += len(present)
        missing = tuple(number for number, there in zip(numbers, present, strict=True) if not there)
        started: list[Job] = []
        self._attempt(lambda: started.append(self.world.start(*numbers, missing=missing)))
        assert all(job.job_id in self.table.jobs for job in started), "a job is durable before its id is given out"

    @rule(key=st.sampled_from("abc"), body=st.integers(0, 1))
    def start_with_a_key(self, key: str, body: int) -> None:
        """A request that its caller may have sent before, with this body or another one."""
        numbers = range(20_000 + body, 20_003)
        asked = RequestKey(key, str(uuid.uuid5(uuid.NAMESPACE_OID, key)), fingerprint=str(body))
        before = self.table.jobs.get(asked.job_id)
        started: list[tuple[Job, bool]] = []
        request = NewJob(files(*numbers), 0, 3_600)
        self._attempt(lambda: started.append(self.world.service.start(request, ALICE, key=asked)))
        assert not (before and started) or (before.fingerprint, started[0][1]) == (asked.fingerprint, True)
        if started:
            job = self.table.jobs[asked.job_id]
            stored = [file for batch in range(job.batches) for file in self.table.requests[place_of(job, batch)]]
            assert (started[0][0].job_id, stored) == (job.job_id, list(request.files))

    @precondition(lambda self: self.table.jobs)
    @rule(number=NUMBER)
    def cancel(self, number: int) -> None:
        job_id = self._some_job(number)
        self._attempt(lambda: self._cancel(job_id))

    @precondition(lambda self: self.table.jobs)
    @rule(number=NUMBER)
    def retry(self, number: int) -> None:
        job_id = self._some_job(number)
        before = self.table.jobs[job_id]
        try:
            after, _ = self.world.service.retry(job_id, ALICE)
        except (LorryError, Crash):
            return
        assert (before.status, after.generation) == (JobStatus.FAILED, before.generation + 1)
        assert after.progress >= before.progress

    # --- what SQS does -----------------------------------------------------------------

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER)
    def deliver(self, number: int) -> None:
        self._deliver(self._some_message(number))

    @precondition(lambda self: self.messages)
    @rule(times=st.integers(1, 6))
    def deliver_several_in_order(self, times: int) -> None:
        for _ in range(min(times, len(self.messages))):
            self._deliver(self.messages[0])

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER)
    def deliver_and_keep_it_for_a_second_time(self, number: int) -> None:
        message = self._some_message(number)
        self._attempt(lambda: self._handle(message))

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER)
    def send_a_message_twice(self, number: int) -> None:
        """As after a send whose answer got lost: another message, which no worker has had."""
        message = self._some_message(number)
        self.messages.append(replace(message))

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER, other=NUMBER, calls=st.integers(0, 6), cancels=st.booleans())
    def deliver_while_another_worker_is_quicker(self, number: int, other: int, calls: int, cancels: bool) -> None:
        message, job_id = self._some_message(number), self._some_job(other)
        self.table.interrupt_in = calls
        quicker = (lambda: self._cancel(job_id)) if cancels else (lambda: self._handle(message))
        self.table.interruption = lambda: self._attempt(quicker)
        self._deliver(message)
        self.table.interruption = None

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER)
    def lose_a_message(self, number: int) -> None:
        self._delete(self._some_message(number))

    @precondition(lambda self: self.messages)
    @rule(number=NUMBER)
    def give_a_message_up(self, number: int) -> None:
        message = self._some_message(number)
        before = self.table.jobs[message.job_id]
        if self._attempt(lambda: self.world.lifecycle.give_up(message)):
            self._delete(message)
        if isinstance(message, CheckBatch) and self._recorded(before, message.batch):
            after = self.table.jobs[message.job_id]
            assert after.error == before.error or (after.error and after.error.code == NO_FILES_AVAILABLE)

    # --- what the world does -----------------------------------------------------------

    @rule(writes=st.integers(0, 3), after=st.booleans())
    def crash_at_a_coming_write(self, writes: int, after: bool) -> None:
        self.table.crash_in, self.table.crash_after_write = writes, after

    @precondition(lambda self: not self.broken)
    @rule(what=st.sampled_from(["store", "bucket", "table", "queue"]))
    def something_breaks(self, what: str) -> None:
        self.broken = True
        self.world.store.down = what == "store"
        self.world.store.bucket_exists = what != "bucket"
        self.table.down = what == "table"
        self.world.queue.down = what == "queue"

    @precondition(lambda self: self.broken)
    @rule()
    def everything_recovers(self) -> None:
        self.broken = self.world.store.down = self.table.down = self.world.queue.down = False
        self.world.store.bucket_exists = True

    @rule(seconds=st.sampled_from([1, 60, SWEEP_AFTER, LONGEST_PAUSE, JOB_TTL // 2]))
    def time_passes(self, seconds: int) -> None:
        self.world.clock.advance(seconds)

    @rule()
    def sweep(self) -> None:
        self._attempt(self.world.sweep)

    # --- what holds all the time -------------------------------------------------------

    @invariant()
    def an_ended_job_never_changes_and_no_other_goes_back(self) -> None:
        for job_id, before in self.before.items():
            job = self.table.jobs[job_id]
            assert not before.status.ended or job == before or job.generation > before.generation
            assert job.progress >= before.progress
            assert job.counts.processed >= before.counts.processed
            assert job.checked >= before.checked
        self.before = dict(self.table.jobs)

    @invariant()
    def counts_are_those_of_the_recorded_batches(self) -> None:
        for job in self.table.jobs.values():
            results = self._results(job)
            states = [result.state for batch in results.values() for result in batch]
            tally = Counts(*(states.count(s) for s in (FileState.AVAILABLE, FileState.MISSING, FileState.FAILED)))
            assert (job.counts, job.checked) == (tally, len(results))
            assert job.counts.processed == len(states) <= job.total
            assert 0 <= job.progress <= 100

    @invariant()
    def what_is_in_flight_is_what_was_sent_and_not_recorded_and_fits_the_window(self) -> None:
        for job in self.table.jobs.values():
            sent = {*range(job.dispatched)}
            assert job.in_flight == len(sent - self._results(job).keys()) <= WINDOW
            assert job.recorded_ahead == len(self._results(job).keys() - sent)

    @invariant()
    def a_ready_job_is_complete_and_has_something_to_download(self) -> None:
        for job in self.table.jobs.values():
            if job.status is JobStatus.READY:
                assert job.counts.processed == job.total and job.all_checked and job.counts.available

    @invariant()
    def missing_is_said_only_of_what_is_not_there(self) -> None:
        for place, results in self.table.results.items():
            for file, result in zip(self.table.requests[place], results, strict=True):
                assert (result.state is FileState.AVAILABLE) == (file.key in self.world.store.objects)
                assert result.state in (FileState.AVAILABLE, FileState.MISSING)

    @invariant()
    def each_transition_has_exactly_one_event(self) -> None:
        for job in self.table.jobs.values():
            kinds = [event.kind for event in self.table.trail[job.job_id]]
            retries = kinds.count("retried")
            since = kinds[len(kinds) - kinds[::-1].index("retried") :] if retries else kinds
            assert kinds.count("created") == 1
            assert job.generation == 1 + retries
            assert since.count("swept") == job.sweeps
            assert kinds.count("started") <= 1
            assert "started" in kinds or retries or job.status not in (JobStatus.PROCESSING, JobStatus.READY)
            assert job.status is not JobStatus.QUEUED or kinds.count("started") == 0
            ends = ["failed"] * retries + ([str(job.status)] if job.status.ended else [])
            assert [kind for kind in kinds if kind in ENDS] == ends

    # --- what comes out in the end -----------------------------------------------------

    def teardown(self) -> None:
        """Once everything works again, sweeping and working off brings every job to its end, without a time-out."""
        open_jobs = {job_id for job_id, job in self.table.jobs.items() if not job.status.ended}
        too_old = {job_id for job_id in open_jobs if self._age(job_id) + 2 * LONGEST_PAUSE >= JOB_TTL}
        self.everything_recovers()
        self.table.crash_in = None
        for _ in range(2):
            self.world.clock.advance(LONGEST_PAUSE)
            self.world.sweep()
            self.world.work_off()
        for job_id in open_jobs - too_old:
            self._assert_ended_as_its_files_deserve(job_id)
        assert all(job.status.ended for job in self.table.jobs.values())

    # --- how ---------------------------------------------------------------------------

    @property
    def messages(self) -> list[Message]:
        return self.world.queue.messages

    def _attempt(self, action: Callable[[], object]) -> bool:
        """Whether the worker lived through it without an error."""
        try:
            action()
        except (LorryError, Crash):
            return False
        return True

    def _cancel(self, job_id: str) -> None:
        before = self.table.jobs[job_id].status
        try:
            assert self.world.service.cancel(job_id, ALICE).status is JobStatus.CANCELLED
        except JobAlreadyEnded:
            assert self.table.jobs[job_id].status in (JobStatus.READY, JobStatus.FAILED)
        except (JobExpired, JobNotFound):
            assert self.table.jobs[job_id].status is before

    def _deliver(self, message: Message) -> None:
        """As SQS does: the message is deleted when its worker succeeds, and comes back when not."""
        if self._attempt(lambda: self._handle(message)):
            self._delete(message)

    def _handle(self, message: Message) -> None:
        """SQS counts how often it has delivered this very message; another one may say the same."""
        redelivered = any(message is other for other in self.received)
        self.received.append(message)
        self.world.handle(message, redelivered=redelivered)

    def _delete(self, message: Message) -> None:
        self.messages[:] = [other for other in self.messages if other is not message]

    def _some_message(self, number: int) -> Message:
        return self.messages[number % len(self.messages)]

    def _some_job(self, number: int) -> str:
        return list(self.table.jobs)[number % len(self.table.jobs)]

    def _age(self, job_id: str) -> float:
        return (self.world.clock.now - self.table.jobs[job_id].created_at) / 1000

    def _results(self, job: Job) -> dict[int, tuple[FileResult, ...]]:
        """By batch, also of a table that is down."""
        places = {batch: place_of(job, batch) for batch in range(job.batches)}
        return {batch: self.table.results[place] for batch, place in places.items() if place in self.table.results}

    def _recorded(self, job: Job, batch: int) -> bool:
        return batch in self._results(job)

    def _assert_ended_as_its_files_deserve(self, job_id: str) -> None:
        job = self.table.jobs[job_id]
        wanted = [file for batch in range(job.batches) for file in self.table.requests[place_of(job, batch)]]
        if any(file.key in self.world.store.objects for file in wanted):
            assert (job.status, job.error) == (JobStatus.READY, None)
        else:
            assert job.status is JobStatus.FAILED and job.error is not None
            assert job.error.code == "no_files_available"


TestJobMachine = JobMachine.TestCase
TestJobMachine.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
