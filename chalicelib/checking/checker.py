"""Checks the files of one batch side by side, records what it found, and ends the job with its last batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from enum import StrEnum

import msgspec

from chalicelib.errors import UnreadableMessage
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import FileResult, FileState, Job, RequestedFile
from chalicelib.jobs.ports import JobTable, Recorded, SourceStore, StoredObject
from chalicelib.messages import CheckBatch

ARCHIVED = "archived_storage_class"


class Checked(StrEnum):
    """What came of a message."""

    RECORDED = "recorded"
    REPEATED = "repeated"  # the batch was recorded before
    DROPPED = "dropped"  # the job does not exist, has ended, or was retried since


class BatchChecker(msgspec.Struct, frozen=True):
    """`executors` makes one that runs so many calls at once; `threads` is the number of HEAD requests in flight.

    `now()` is epoch milliseconds.
    """

    table: JobTable
    store: SourceStore
    lifecycle: JobLifecycle
    executors: Callable[[int], Executor]
    now: Callable[[], int]
    threads: int

    def check(self, message: CheckBatch, *, redelivered: bool) -> Checked:
        """Handles one message.

        Raises StorageError if the store does not answer for each file, and UnreadableMessage for a batch that the job
        does not have. Of a message that was handled before, a `redelivered` one sends the following batch again: its
        worker may have died before it did.
        """
        job = self.lifecycle.begin(message)
        if job is None:
            return Checked.DROPPED
        if message.batch >= job.batches:
            raise UnreadableMessage(f"there is no batch {message.batch}: job {job.job_id} has {job.batches}")
        stored = self.table.read_batch(job, message.batch)
        if stored.recorded:
            if redelivered:
                self.lifecycle.dispatcher.resend_one(job, stored.following)
            self.lifecycle.finish(job)
            return Checked.REPEATED
        outcome = self._check_and_record(job, message.batch, files=stored.files)
        return {Recorded.RECORDED: Checked.RECORDED, Recorded.DUPLICATE: Checked.REPEATED}.get(outcome, Checked.DROPPED)

    def _check_and_record(self, job: Job, batch: int, *, files: Sequence[RequestedFile]) -> Recorded:
        outcome, followed = self.lifecycle.dispatcher.record(job, batch, results=self._look_up(files), now=self.now())
        if outcome is not Recorded.JOB_ENDED and not followed:
            after = self.table.get(job.job_id)
            if after is not None:
                self.lifecycle.finish(after)
        return outcome

    def _look_up(self, files: Sequence[RequestedFile]) -> list[FileResult]:
        """Sends a HEAD for every file; a failure stops the rest, because the whole batch is tried again."""
        with self.executors(min(self.threads, len(files))) as executor:
            lookups = [executor.submit(self.store.head, file.key) for file in files]
            try:
                found = [lookup.result() for lookup in lookups]
            finally:
                for lookup in lookups:
                    lookup.cancel()
        if None in found:
            self.store.confirm_bucket()
        return [result_of(stored) for stored in found]


def result_of(stored: StoredObject | None) -> FileResult:
    """What a HEAD says of a file."""
    if stored is None:
        return FileResult(FileState.MISSING, reason="not_found")
    state, reason = (FileState.FAILED, ARCHIVED) if stored.archived else (FileState.AVAILABLE, None)
    return FileResult(
        state, size=stored.size, etag=stored.etag, modified=stored.modified, crc32=stored.crc32, reason=reason
    )
