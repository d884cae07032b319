"""Finds the files of a job of a prefix. A listing tells all that a HEAD would, so nothing is left to check."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from msgspec.structs import replace

from chalicelib.checking.checker import Checked, result_of
from chalicelib.checking.ports import SourceStore
from chalicelib.errors import StorageError, TooManyFiles
from chalicelib.jobs.files import CheckedFile, batch_size
from chalicelib.jobs.lifecycle import NO_FILES_AVAILABLE, WORKER, JobLifecycle
from chalicelib.jobs.model import Failure, Job, JobEvent, RequestedFile
from chalicelib.jobs.ports import JobTable
from chalicelib.limits import MAX_FILES_PER_JOB
from chalicelib.messages import ListPrefix


@dataclass(frozen=True, slots=True)
class PrefixLister:
    """`now()` is epoch milliseconds."""

    table: JobTable
    store: SourceStore
    lifecycle: JobLifecycle
    now: Callable[[], int]

    def find(self, message: ListPrefix) -> Checked:
        """Handle one message. Raises StorageError, after noting it, if the store does not tell all keys."""
        job = self.lifecycle.begin(message.job_id)
        if job is None:
            return Checked.DROPPED
        if job.listed:
            self.lifecycle.finish(job)
            return Checked.REPEATED
        try:
            found = self._listed(job)
        except StorageError as error:
            self._note(job, error)
            raise
        return self._record(job, found)

    def _listed(self, job: Job) -> list[CheckedFile]:
        """At most one more than a job may have. Keys that end in a slash only mark folders."""
        objects = (item for item in self.store.list_below(job.prefix) if not item[0].endswith("/"))
        return [(RequestedFile(key), result_of(stored)) for key, stored in islice(objects, MAX_FILES_PER_JOB + 1)]

    def _record(self, job: Job, found: list[CheckedFile]) -> Checked:
        if len(found) > MAX_FILES_PER_JOB:
            sentence = f"there are more than {MAX_FILES_PER_JOB:,} files below {job.prefix}; ask for a longer prefix"
            self.lifecycle.fail(job, Failure(TooManyFiles.code, sentence))
            return Checked.DROPPED
        if not found:
            self.lifecycle.fail(job, NO_FILES_AVAILABLE)
            return Checked.DROPPED
        sized = replace(job, total=len(found), batch_size=batch_size([file.key for file, _ in found]))
        recorded = self.table.record_listing(sized, secrets.token_hex(4), found, now=self.now())
        after = self.table.get(job.job_id)
        if after is not None:
            self.lifecycle.finish(after)
        return Checked.RECORDED if recorded else Checked.REPEATED

    def _note(self, job: Job, error: StorageError) -> None:
        event = JobEvent("listing_retried", self.now(), WORKER, {"code": error.code, "message": str(error)})
        self.table.note_error(job.job_id, None, Failure(error.code, str(error)), event)
