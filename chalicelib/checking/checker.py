"""Checks the files of one batch side by side, records what it found, and ends the job with its last batch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum

from chalicelib.checking.ports import SourceStore, StoredObject
from chalicelib.errors import StorageError
from chalicelib.jobs.lifecycle import WORKER, JobLifecycle
from chalicelib.jobs.model import Failure, FileResult, FileState, JobEvent, RequestedFile
from chalicelib.jobs.ports import JobTable, Recorded
from chalicelib.messages import CheckBatch

ARCHIVED = "archived_storage_class"


class Checked(StrEnum):
    """What came of a message."""

    RECORDED = "recorded"
    REPEATED = "repeated"  # the batch was recorded before
    DROPPED = "dropped"  # the job does not exist or has ended


@dataclass(frozen=True, slots=True)
class BatchChecker:
    """`threads` is the number of HEAD requests in flight, `now()` epoch milliseconds."""

    table: JobTable
    store: SourceStore
    lifecycle: JobLifecycle
    now: Callable[[], int]
    threads: int

    def check(self, message: CheckBatch) -> Checked:
        """Handle one message. Raises StorageError, after noting it, if the store does not answer for each file."""
        job = self.lifecycle.begin(message.job_id)
        if job is None:
            return Checked.DROPPED
        if message.batch in job.done:
            self.lifecycle.finish(job)
            return Checked.REPEATED
        outcome = self._check_and_record(message)
        if outcome is Recorded.JOB_ENDED:
            return Checked.DROPPED
        after = self.table.get(message.job_id)
        if after is not None:
            self.lifecycle.finish(after)
        return Checked.RECORDED if outcome is Recorded.RECORDED else Checked.REPEATED

    def _check_and_record(self, message: CheckBatch) -> Recorded:
        files = self.table.read_batch(message.job_id, message.batch)
        try:
            results = self._look_up(files)
        except StorageError as error:
            self._note(message, error)
            raise
        return self.table.record_batch(message.job_id, message.batch, results, now=self.now())

    def _look_up(self, files: Sequence[RequestedFile]) -> list[FileResult]:
        """HEAD every file; the first failure stops the rest, because the whole batch is tried again."""
        with ThreadPoolExecutor(min(self.threads, len(files))) as pool:
            lookups = [pool.submit(self.store.head, file.key) for file in files]
            _, unfinished = wait(lookups, return_when=FIRST_EXCEPTION)
            for lookup in unfinished:
                lookup.cancel()
        found = [lookup.result() for lookup in lookups if not lookup.cancelled()]
        if None in found:
            self.store.confirm_bucket()
        return [result_of(stored) for stored in found]

    def _note(self, message: CheckBatch, error: StorageError) -> None:
        last_error = Failure(error.code, str(error))
        details = {"batch": message.batch, "code": error.code, "message": str(error)}
        event = JobEvent("batch_retried", self.now(), WORKER, details)
        self.table.note_error(message.job_id, message.batch, last_error, event)


def result_of(stored: StoredObject | None) -> FileResult:
    """What a HEAD says of a file."""
    if stored is None:
        return FileResult(FileState.MISSING, reason="not_found")
    state, reason = (FileState.FAILED, ARCHIVED) if stored.archived else (FileState.AVAILABLE, None)
    return FileResult(
        state, size=stored.size, etag=stored.etag, modified=stored.modified, crc32=stored.crc32, reason=reason
    )
