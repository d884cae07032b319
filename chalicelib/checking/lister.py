"""Finds the files of a job of a prefix. A listing has all that a HEAD would, so nothing is left to check."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import msgspec

from chalicelib.checking.checker import Checked, outcome, result_of
from chalicelib.errors import TooManyFiles
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Failure, Job, RequestedFile, batch_size, clipped
from chalicelib.jobs.outcomes import NO_FILES_AVAILABLE
from chalicelib.jobs.ports import CheckedFile, JobTable, SourceStore
from chalicelib.limits import MAX_FILES_PER_JOB
from chalicelib.messages import ListPrefix


class PrefixLister(msgspec.Struct, frozen=True):
    """`token()` names a listing by random letters and digits; `now()` is epoch milliseconds."""

    table: JobTable
    store: SourceStore
    lifecycle: JobLifecycle
    now: Callable[[], int]
    token: Callable[[], str]

    def find(self, message: ListPrefix) -> Checked:
        """Handles one message. Raises StorageError if the store does not list all keys."""
        job = self.lifecycle.begin(message)
        if job is None:
            return Checked.DROPPED
        if job.listed:
            self.lifecycle.finish(job)
            return Checked.REPEATED
        return self._record(job, self._listed(job))

    def _listed(self, job: Job) -> list[CheckedFile]:
        """At most one more than a job may have."""
        found = islice(self.store.list_below(job.prefix), MAX_FILES_PER_JOB + 1)
        return [(RequestedFile(key), outcome(job, key, result=result_of(stored))) for key, stored in found]

    def _record(self, job: Job, found: list[CheckedFile]) -> Checked:
        if len(found) > MAX_FILES_PER_JOB:
            sentence = f"there are more than {MAX_FILES_PER_JOB:,} files below {job.prefix}; ask for a longer prefix"
            self.lifecycle.fail(job, Failure(TooManyFiles.code, clipped(sentence)))
            return Checked.DROPPED
        if not found:
            self.lifecycle.fail(job, Failure(NO_FILES_AVAILABLE, clipped(f"there is no file below {job.prefix}")))
            return Checked.DROPPED
        sized = msgspec.structs.replace(job, total=len(found), batch_size=batch_size([file.key for file, _ in found]))
        recorded = self.table.record_listing(sized, found, listing=self.token(), now=self.now())
        after = self.table.get(job.job_id)
        if after is not None:
            self.lifecycle.finish(after)
        return Checked.RECORDED if recorded else Checked.REPEATED
