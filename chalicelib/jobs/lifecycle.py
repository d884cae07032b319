"""Moves jobs to their end: which messages set one going, beginning, dispatching, finishing, giving up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
from msgspec.structs import replace

from chalicelib.errors import LorryError, TableUnavailable, UnreadableMessage, UploadPending
from chalicelib.jobs.dispatching import STEP, WINDOW, Dispatcher
from chalicelib.jobs.model import Actor, Failure, Job, JobEvent, JobStatus, Step, clipped
from chalicelib.jobs.outcomes import doubtful_batches, nothing_available
from chalicelib.jobs.ports import Change, JobTable, WorkQueue
from chalicelib.jobs.state_machine import Trigger
from chalicelib.messages import (
    BuildChunk,
    CheckBatch,
    CleanUp,
    DispatchJob,
    ListPrefix,
    Message,
    PlanArchive,
    work_of,
)
from chalicelib.observability import logger

WORKER = Actor(by="worker")

# Events of work that failed and is tried again; of every other message the assembly's.
_RETRIED = {DispatchJob: "dispatch_retried", CheckBatch: "batch_retried", ListPrefix: "listing_retried"}

RUN_COST = 10  # of a run that failed or whose worker was killed
OUTAGE_COST = 1  # of a run that met an outage, for which its message is not to blame
MAX_RUNS = 10

STALL_MS = 20_000  # less than it takes a lost message to come back


def first_messages(job: Job, *, resume: bool = False) -> list[Message]:
    """What sets a job going: listing its files, its archive's plan once it is checked, or its batches.

    With `resume`, batches that are dispatched and have no results are sent again: their messages may be lost.
    """
    if not job.listed:
        return [ListPrefix(job.job_id, job.generation, job.batches)]
    if job.step in (Step.CHECKSUMMING, Step.ASSEMBLING):
        return [PlanArchive(job.job_id, job.generation)]
    if job.batches == job.dispatched == 1:
        return [CheckBatch(job.job_id, 0, job.generation)]
    return [DispatchJob(job.job_id, job.generation, resume)]


class JobLifecycle(msgspec.Struct, frozen=True):
    """Moves jobs on behalf of workers.

    `job_ttl` is seconds, `now()` epoch milliseconds, `window` the largest number of batches of one job in flight. A
    message is given up after `max_runs` runs.
    """

    table: JobTable
    queue: WorkQueue
    now: Callable[[], int]
    job_ttl: int
    window: int = WINDOW
    max_runs: int = MAX_RUNS

    @property
    def dispatcher(self) -> Dispatcher:
        """Sends the batches of jobs."""
        return Dispatcher(self.table, self.queue, self.window)

    def begin(self, message: DispatchJob | CheckBatch | ListPrefix) -> Job | None:
        """The job, processing; None if it does not exist, has ended, or was retried since the message was sent."""
        job = self.table.get(message.job_id)
        if job is not None and job.status is JobStatus.QUEUED:
            event = JobEvent("started", self.now(), WORKER)
            change = Change(job_id=job.job_id, trigger=Trigger.START, event=event)
            job = self.table.apply(change) or self.table.get(job.job_id)
        if job is None or job.status is not JobStatus.PROCESSING or job.generation != message.generation:
            return None
        return job

    def dispatch(self, message: DispatchJob, *, redelivered: bool) -> int:
        """Sends batches until the job's window is full and returns how many. Repeating it is harmless.

        A `redelivered` message may have been handled half-way, so the last step is sent again. Another copy of a
        message that was handled does nothing.
        """
        job = self.begin(message)
        if job is None:
            return 0
        if job.generation > 1 and not job.dispatched:
            job = self._reopened(job)
        sent = 0
        if message.resume or redelivered:
            sent += self.dispatcher.resend(job, job.in_flight if message.resume else STEP)
        if message.resume or redelivered or not job.dispatched:
            sent += self.dispatcher.dispatch(job)
        self.finish(job)
        return sent

    def _reopened(self, job: Job) -> Job:
        """A retried job, after batches with files that may be readable by now have lost their results."""
        for number, results in doubtful_batches(self.table, job):
            self.table.reopen(job, number, results=results)
        return self.table.get(job.job_id) or job

    @contextmanager
    def running(self, message: Message, *, redelivered: bool = False) -> Iterator[None]:
        """Counts a run that is in vain, notes why it fails, and raises the error all the same.

        An error for want of what was removed when the job ended, or began again, is none: the message is dropped.
        The note is an event of the audit trail, and the latest error of the batch or job, which giving up will name.
        A run that may end its worker has to be counted before it begins: that of a `redelivered` message.
        """
        if redelivered:
            self._count_run(message, RUN_COST)
        try:
            yield
        except (UnreadableMessage, TableUnavailable):
            raise  # the one says nothing of the job, the other would not answer for this either
        except Exception as error:
            with suppress(TableUnavailable):
                if self._is_over(message):
                    logger.info("message dropped: its job has ended", job_id=message.job_id, error=str(error))
                    return
                self._count_run(message, _cost_of(error) - (RUN_COST if redelivered else 0))
                self._note_failure(message, Failure.of(error))
            raise
        if redelivered:
            with suppress(TableUnavailable):
                self._count_run(message, -RUN_COST)  # copies of the message may come

    def _is_over(self, message: Message) -> bool:
        """Whether nothing waits for a message's work any more. Cleaning up is for jobs that have ended."""
        if isinstance(message, CleanUp):
            return False
        job = self.table.get(message.job_id)
        return job is None or job.status.ended or message.generation != job.generation

    def _count_run(self, message: Message, cost: int) -> None:
        if cost:
            self.table.count_run(message.job_id, work_of(message), cost=cost, now=self.now())

    def _note_failure(self, message: Message, failure: Failure) -> None:
        batch = _batch_of(message)
        details: dict[str, Any] = {"code": failure.code, "message": failure.message}
        details |= {"work": _work_of(message)} if batch is None else {"batch": batch}
        event = JobEvent(_RETRIED.get(type(message), "assembly_retried"), self.now(), WORKER, details)
        self.table.note_error(message.job_id, batch, error=failure, event=event)

    def finish(self, job: Job) -> Job | None:
        """What follows when all batches are recorded: the end, or the archive. None if there was nothing to do."""
        if job.status is not JobStatus.PROCESSING or not job.all_checked:
            return None
        if not job.available:
            return self._end(job, Trigger.FAIL, error=nothing_available(self.table, job), all_checked=True)
        if job.archive is None:
            return self._end(job, Trigger.SUCCEED, all_checked=True)
        return self._assemble(job)

    def succeed(self, job: Job) -> Job | None:
        """Ends a job whose archives are complete; None if it had ended before."""
        return self._end(job, Trigger.SUCCEED, all_checked=True)

    def fail(self, job: Job, error: Failure) -> Job | None:
        """Ends a job as failed; None if it had ended before."""
        return self._end(job, Trigger.FAIL, error=error)

    def send_again(self, message: Message, *, delay: int) -> bool:
        """Sends a message again that came to its dead-letter queue before its worker had it so often as it may.

        Receives count towards a queue's limit even if Lambda is throttled, and those of an outage count little. False
        if it is to be given up: it was tried often enough, or the job has ended or lived too long.
        """
        job = self.table.get(message.job_id)
        if job is None or not self._concerns(job, message) or self._done_already(job, message):
            return False
        if self.now() >= job.expires_at - self.job_ttl * 1000:
            return False
        if self.table.cost_of_runs(job.job_id, work_of(message)) >= RUN_COST * (self.max_runs - 1):
            return False  # the first run is counted only if it failed
        if isinstance(message, DispatchJob | BuildChunk):
            message = replace(message, resume=isinstance(message, BuildChunk) or job.dispatched > 0)
        self.queue.send([message], delay=delay)
        return True

    def give_up(self, message: Message) -> Job | None:
        """Fails the job of a message that came to its dead-letter queue, with the latest error of its worker.

        None if the job had ended before, or if another copy of the message had done its work.
        """
        job = self.table.get(message.job_id)
        if job is None or not self._concerns(job, message):
            return None
        if self._done_already(job, message):
            self.finish(job)
            return None
        return self._end(job, Trigger.FAIL, error=self._reason(message), batch_open=_batch_of(message))

    def _concerns(self, job: Job, message: Message) -> bool:
        """Whether a job may depend on a message: it is of this attempt and asks for what the job is busy with."""
        if job.status.ended or isinstance(message, CleanUp) or message.generation != job.generation:
            return False
        match message:
            case PlanArchive() | BuildChunk():
                return job.step in (Step.CHECKSUMMING, Step.ASSEMBLING)
            case DispatchJob() | CheckBatch():
                return job.listed and job.step in (None, Step.CHECKING)
        return bool(job.prefix)

    def _done_already(self, job: Job, message: Message) -> bool:
        """Whether another copy of the message did its work; of a chunk that is not known here."""
        match message:
            case CheckBatch():
                if message.batch >= job.batches:
                    return True  # there is no such batch
                if self.table.unrecorded(job, [message.batch]):
                    return False
                self.dispatcher.resend_one(job, self.table.read_batch(job, message.batch).following)
                return True
            case DispatchJob():
                return job.checked > 0  # its batches were sent; the sweeper sends those that got lost
            case ListPrefix():
                return job.listed or message.batch < job.batches
        return False

    def _reason(self, message: Message) -> Failure:
        last_error = self.table.last_error(message.job_id, _batch_of(message))
        what = _work_of(message)
        if last_error is None:
            return Failure("gave_up", f"{what} never finished: its worker crashed or lost the job table every time")
        return Failure(last_error.code, clipped(f"{what} was given up after repeated attempts: {last_error.message}"))

    def _assemble(self, job: Job) -> Job | None:
        """Checking is over, the archive begins. A job that lies still after that gets its message again."""
        event = JobEvent("checked", self.now(), WORKER, {"available": job.available})
        change = Change(job_id=job.job_id, trigger=Trigger.ASSEMBLE, event=event, all_checked=True)
        after = self.table.apply(change) if job.step is Step.CHECKING else None
        if after is not None or self.now() - job.updated_at >= STALL_MS:
            self.queue.send([PlanArchive(job.job_id, job.generation)])
        return after

    def _end(
        self,
        job: Job,
        trigger: Trigger,
        *,
        error: Failure | None = None,
        all_checked: bool = False,
        batch_open: int | None = None,
    ) -> Job | None:
        now = self.now()
        details = {"code": error.code, "message": error.message} if error else {}
        event = JobEvent("ready" if trigger is Trigger.SUCCEED else "failed", now, WORKER, details)
        change = Change(
            job_id=job.job_id,
            trigger=trigger,
            event=event,
            error=error,
            expires_at=now + self.job_ttl * 1000,
            generation=job.generation,
            all_checked=all_checked,
            batch_open=batch_open,
            listing="" if batch_open is None else job.listing_of(batch_open),
            sweep_at=now if job.archive else None,
        )
        after = self.table.apply(change)
        if after is not None and job.archive:
            self.queue.send([CleanUp(job.job_id)])
        return after


def _cost_of(error: Exception) -> int:
    """What a run that raised adds to the count of its message. Waiting has an end of its own."""
    if isinstance(error, UploadPending):
        return 0
    return OUTAGE_COST if isinstance(error, LorryError) and error.outage else RUN_COST


def _batch_of(message: Message) -> int | None:
    return message.batch if isinstance(message, CheckBatch) else None


def _work_of(message: Message) -> str:
    match message:
        case CheckBatch(_, batch, _):
            return f"checking batch {batch}"
        case BuildChunk(_, _, archive, phase, chunk):
            return f"building archive {archive} (chunk {chunk} of phase {phase})"
        case PlanArchive():
            return "planning the archive"
        case DispatchJob():
            return "dispatching"
        case ListPrefix():
            return "listing the prefix"
    return "cleaning up"
