"""Driving jobs to their end: which messages set one going, dispatching, finishing, giving up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.errors import QueueUnavailable
from chalicelib.jobs.model import Actor, Failure, Job, JobEvent, JobStatus, Step
from chalicelib.jobs.ports import Change, JobTable, WorkQueue
from chalicelib.jobs.state_machine import Trigger
from chalicelib.messages import BuildChunk, CheckBatch, CleanUp, DispatchJob, ListPrefix, Message, PlanArchive

WORKER = Actor(by="worker")

STALL_MS = 20_000  # less than it takes a lost message to come back
NO_FILES_AVAILABLE = Failure("no_files_available", "none of the requested files is available")


def first_messages(job: Job) -> list[Message]:
    """What sets a job going: listing its files, its archive's plan once it is checked, or its batches."""
    if not job.listed:
        return [ListPrefix(job.job_id, job.generation)]
    if job.step in (Step.CHECKSUMMING, Step.ASSEMBLING):
        return [PlanArchive(job.job_id, job.generation)]
    if job.batches == 1:
        return [CheckBatch(job.job_id, 0, job.generation)]
    return [DispatchJob(job.job_id, job.generation)]


@dataclass(frozen=True, slots=True)
class JobLifecycle:
    """Moves jobs on behalf of workers. `job_ttl` is seconds, `now()` epoch milliseconds."""

    table: JobTable
    queue: WorkQueue
    now: Callable[[], int]
    job_ttl: int

    def begin(self, job_id: str) -> Job | None:
        """The job, processing, or None if it does not exist or has ended."""
        job = self.table.get(job_id)
        if job is not None and job.status is JobStatus.QUEUED:
            event = JobEvent("started", self.now(), WORKER)
            job = self.table.apply(Change(job_id=job_id, trigger=Trigger.START, event=event)) or self.table.get(job_id)
        return job if job is not None and job.status is JobStatus.PROCESSING else None

    def dispatch(self, job_id: str) -> int:
        """Send a message for each batch that has no result; the number sent. Repeating it is harmless."""
        job = self.begin(job_id)
        if job is None:
            return 0
        try:
            self.queue.send(_batch_messages(job))
        except QueueUnavailable as error:
            self._note(job_id, error)
            raise
        self.finish(job)
        return len(job.unfinished_batches)

    def finish(self, job: Job) -> Job | None:
        """What follows when all batches are recorded: the end, or the archive. None if there was nothing to do."""
        if job.status is not JobStatus.PROCESSING or not job.all_checked:
            return None
        if not job.counts.available:
            return self._end(job, Trigger.FAIL, NO_FILES_AVAILABLE, all_checked=True)
        if job.archive is None:
            return self._end(job, Trigger.SUCCEED, None, all_checked=True)
        return self._assemble(job)

    def succeed(self, job: Job) -> Job | None:
        """End a job whose archives are complete; None if it had ended before."""
        return self._end(job, Trigger.SUCCEED, None, all_checked=True)

    def fail(self, job: Job, error: Failure) -> Job | None:
        """End a job as failed; None if it had ended before."""
        return self._end(job, Trigger.FAIL, error)

    def give_up(self, message: Message) -> Job | None:
        """A message came to its dead-letter queue: fail its job with the last_error its worker last had.

        None if the job had ended before, or if another copy of the message had done its work.
        """
        job = self.table.get(message.job_id)
        if job is None or job.status.ended or isinstance(message, CleanUp):
            return None
        if message.generation != job.generation:
            return None  # of an attempt before the client asked for another, or before a file changed
        if _done_already(job, message):
            self.finish(job)
            return None
        return self._end(job, Trigger.FAIL, self._reason(message), batch_open=_batch_of(message))

    def _reason(self, message: Message) -> Failure:
        last_error = self.table.last_error(message.job_id, _batch_of(message))
        what = _work_of(message)
        if last_error is None:
            return Failure("gave_up", f"{what} never finished: its worker crashed or lost the job table every time")
        return Failure(last_error.code, f"{what} was given up after repeated attempts: {last_error.message}")

    def _assemble(self, job: Job) -> Job | None:
        """Checking is over, the archive begins. A job that lies still after that gets its message again."""
        event = JobEvent("checked", self.now(), WORKER, {"available": job.counts.available})
        change = Change(job_id=job.job_id, trigger=Trigger.ASSEMBLE, event=event, all_checked=True)
        after = self.table.apply(change) if job.step is Step.CHECKING else None
        if after is not None or self.now() - job.updated_at >= STALL_MS:
            self.queue.send([PlanArchive(job.job_id, job.generation)])
        return after

    def _note(self, job_id: str, error: QueueUnavailable) -> None:
        details = {"code": error.code, "message": str(error)}
        event = JobEvent("dispatch_retried", self.now(), WORKER, details)
        self.table.note_error(job_id, None, Failure(error.code, str(error)), event)

    def _end(
        self,
        job: Job,
        trigger: Trigger,
        error: Failure | None,
        *,
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
            all_checked=all_checked,
            batch_open=batch_open,
            sweep_at=now if job.archive else None,
        )
        after = self.table.apply(change)
        if after is not None and job.archive:
            self.queue.send([CleanUp(job.job_id)])
        return after


def _batch_messages(job: Job) -> Iterator[Message]:
    return (CheckBatch(job.job_id, batch, job.generation) for batch in job.unfinished_batches)


def _batch_of(message: Message) -> int | None:
    return message.batch if isinstance(message, CheckBatch) else None


def _done_already(job: Job, message: Message) -> bool:
    """Whether another copy of the message did its work; of a chunk that is not known here."""
    match message:
        case CheckBatch(_, batch, _):
            return batch in job.done
        case DispatchJob():
            return bool(job.done)  # its batches were sent; what got lost of them is the sweeper's
        case ListPrefix():
            return job.all_checked
    return False


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
