"""Sends the batches of a job to be checked: a window of them at a time, from a position that the job's row keeps.

A position is saved before its batches are sent. The worker that records a batch takes the next one in the same
transaction and notes in the result which it took, so that its message, delivered again, sends that one and no other.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib.jobs.model import FileResult, Job
from chalicelib.jobs.ports import Advance, JobTable, Recorded, WorkQueue
from chalicelib.limits import (
    DYNAMODB_MAX_BATCH_GET,
    MAX_BATCH_KEY_BYTES,
    MAX_FILES_PER_BATCH,
    SQS_MAX_BATCH_ENTRIES,
)
from chalicelib.messages import CheckBatch

WINDOW = 100  # batches of one job in flight: twice as many as are checked at the same time by default
STEP = SQS_MAX_BATCH_ENTRIES  # batches whose position is saved together: what one request to the queue takes
LOOKUP = DYNAMODB_MAX_BATCH_GET  # batches that are looked up together


class Dispatcher(msgspec.Struct, frozen=True):
    """`window` is the largest number of batches of one job in flight."""

    table: JobTable
    queue: WorkQueue
    window: int

    def dispatch(self, job: Job) -> int:
        """Sends batches until the window is full and returns how many. Raises QueueUnavailable."""
        sent = 0
        current: Job | None = job
        while current and current.dispatched < current.batches and current.in_flight < self.window:
            advance = self._advance(current, min(STEP, self.window - current.in_flight))
            after = self.table.advance(current, advance)
            if after is None:  # another worker was first, or the job has ended
                current = self._same_attempt(job)
                continue
            self._send(after, advance.batches)
            sent += len(advance.batches)
            current = after
        return sent

    def resend(self, job: Job, most: int) -> int:
        """Sends again at most so many of the batches in flight, the latest first, and returns how many."""
        lost: list[int] = []
        end = job.dispatched
        while end and len(lost) < most:
            start = max(0, end - LOOKUP)
            lost += reversed(self.table.unrecorded(job, range(start, end)))
            end = start
        self._send(job, lost[:most])
        return len(lost[:most])

    def resend_one(self, job: Job, batch: int | None) -> None:
        """Sends a batch again, unless it is None or has its results."""
        if batch is not None:
            self._send(job, self.table.unrecorded(job, [batch]))

    def record(self, job: Job, batch: int, *, results: Sequence[FileResult], now: int) -> tuple[Recorded, bool]:
        """Records a batch and sends the next one in its place. Returns what became of it and whether one followed.

        Raises QueueUnavailable, after the batch was recorded.
        """
        current: Job | None = job
        if job.dispatched < job.batches:
            current = self._same_attempt(job)  # other workers have moved on while the files were looked up
        while current is not None:
            advance = self._after_recording(current)
            outcome = self.table.record_batch(current, batch, results=results, advance=advance, now=now)
            if isinstance(outcome, Recorded):
                following = advance.batches if advance and outcome is Recorded.RECORDED else ()
                self._send(current, following)
                return outcome, bool(following)
            current = outcome
        return Recorded.JOB_ENDED, False

    def _after_recording(self, job: Job) -> Advance | None:
        """The batch that takes the place of one that is recorded, if any is left and the window has room for it."""
        if job.dispatched >= job.batches or job.in_flight > self.window:
            return None
        return self._advance(job, 1)

    def _advance(self, job: Job, most: int) -> Advance:
        """The next batches without results, at most so many, and the position after them."""
        if not job.recorded_ahead:
            position = min(job.dispatched + most, job.batches)
            return Advance(position, tuple(range(job.dispatched, position)))
        position, batches = job.dispatched, list[int]()
        while position < job.batches and len(batches) < most:
            stretch = range(position, min(position + LOOKUP, job.batches))
            batches += self.table.unrecorded(job, stretch)[: most - len(batches)]
            position = batches[-1] + 1 if len(batches) == most else stretch.stop
        return Advance(position, tuple(batches))

    def _same_attempt(self, job: Job) -> Job | None:
        """The job as it is now; None if it has ended or was retried since."""
        current = self.table.get(job.job_id)
        return current if current and current.step and current.generation == job.generation else None

    def _send(self, job: Job, batches: Sequence[int]) -> None:
        if batches:
            self.queue.send([CheckBatch(job.job_id, batch, job.generation) for batch in batches])


def batch_size(keys: Sequence[str], most: int = MAX_FILES_PER_BATCH) -> int:
    """One size for all batches of a job, so that a file's batch follows from its index; less where keys are long."""
    longest = max((len(key.encode()) for key in keys), default=1)
    return max(1, min(most, MAX_BATCH_KEY_BYTES // longest))
