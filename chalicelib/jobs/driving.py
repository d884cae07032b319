"""Driving jobs to their end: which messages set one going, dispatching, finishing, giving up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from chalicelib.errors import QueueUnavailable
from chalicelib.jobs.model import Job, JobError, JobEvent, JobStatus, Origin
from chalicelib.jobs.ports import Change, JobTable, WorkQueue
from chalicelib.jobs.state_machine import Trigger
from chalicelib.messages import CheckBatch, DispatchJob, Message

WORKER = Origin(by="worker")

NO_FILES_AVAILABLE = JobError("no_files_available", "none of the requested files is available")


def first_messages(job: Job) -> list[Message]:
    """What sets a job going: its only batch at once, or the message that sends all its batches."""
    return [CheckBatch(job.job_id, 0)] if job.batches == 1 else [DispatchJob(job.job_id)]


@dataclass(frozen=True, slots=True)
class JobDriver:
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
        """End a job whose batches are all recorded. The ended job, or None if there was nothing to end."""
        if job.status is not JobStatus.PROCESSING or not job.all_checked:
            return None
        if job.counts.available:
            return self._end(job.job_id, Trigger.SUCCEED, None, all_checked=True)
        return self._end(job.job_id, Trigger.FAIL, NO_FILES_AVAILABLE, all_checked=True)

    def fail(self, job_id: str, error: JobError) -> Job | None:
        """End a job as failed; None if it had ended before."""
        return self._end(job_id, Trigger.FAIL, error, all_checked=False)

    def give_up(self, message: Message) -> Job | None:
        """A message came to its dead-letter queue: fail its job with the trouble its worker last had."""
        batch = message.batch if isinstance(message, CheckBatch) else None
        trouble = self.table.read_trouble(message.job_id, batch)
        what = "dispatching" if batch is None else f"checking batch {batch}"
        if trouble is None:
            sentence = f"{what} never finished: its worker crashed or lost the job table on every attempt"
            return self.fail(message.job_id, JobError("gave_up", sentence))
        sentence = f"{what} was given up after repeated attempts: {trouble.message}"
        return self.fail(message.job_id, JobError(trouble.code, sentence))

    def _note(self, job_id: str, error: QueueUnavailable) -> None:
        details = {"code": error.code, "message": str(error)}
        event = JobEvent("dispatch_retried", self.now(), WORKER, details)
        self.table.note_trouble(job_id, None, JobError(error.code, str(error)), event)

    def _end(self, job_id: str, trigger: Trigger, error: JobError | None, *, all_checked: bool) -> Job | None:
        now = self.now()
        details = {"code": error.code, "message": error.message} if error else {}
        event = JobEvent("ready" if trigger is Trigger.SUCCEED else "failed", now, WORKER, details)
        change = Change(
            job_id=job_id,
            trigger=trigger,
            event=event,
            error=error,
            expires_at=now + self.job_ttl * 1000,
            all_checked=all_checked,
        )
        return self.table.apply(change)


def _batch_messages(job: Job) -> Iterator[Message]:
    return (CheckBatch(job.job_id, batch) for batch in job.unfinished_batches)
