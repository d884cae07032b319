"""Finds the files of a job of a prefix. A listing has all that a HEAD would, so nothing is left to check."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import asdict, replace

from chalicelib.checking.checker import Checked, outcome, result_of
from chalicelib.errors import StorageError, TooManyFiles
from chalicelib.jobs.dispatching import batch_size
from chalicelib.jobs.lifecycle import JobLifecycle, first_messages
from chalicelib.jobs.model import Failure, Job, RequestedFile, Stretch, clipped, tally
from chalicelib.jobs.outcomes import NO_FILES_AVAILABLE
from chalicelib.jobs.ports import CheckedFile, JobTable, ListedObject, SourceStore
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_JOB, S3_MAX_KEY_BYTES
from chalicelib.messages import ListPrefix
from chalicelib.observability import logger

SLICE_MS = 20_000  # of listing in one message; a page that takes longer is waited for
SMALLEST_BATCH = MAX_BATCH_KEY_BYTES // S3_MAX_KEY_BYTES  # fits whatever keys come


class PrefixLister(msgspec.Struct, frozen=True):
    """`token()` names a stretch by random letters and digits; `now()` is epoch milliseconds.

    After `slice_ms` of listing, what was found is saved, and another message continues.
    """

    table: JobTable
    store: SourceStore
    lifecycle: JobLifecycle
    now: Callable[[], int]
    token: Callable[[], str]
    slice_ms: int = SLICE_MS

    def find(self, message: ListPrefix) -> Checked:
        """Handles one message. Raises StorageError if the store does not list all keys."""
        job = self.lifecycle.begin(message)
        if job is None:
            return Checked.DROPPED
        if job.listed:
            self.lifecycle.finish(job)
            return Checked.REPEATED
        found, complete = self._found(job)
        if job.total + len(found) > MAX_FILES_PER_JOB:
            sentence = f"there are more than {MAX_FILES_PER_JOB:,} files below {job.prefix}; ask for a longer prefix"
            return self._failed(job, Failure(TooManyFiles.code, clipped(sentence)))
        if complete and not job.total + len(found):
            return self._failed(job, Failure(NO_FILES_AVAILABLE, clipped(f"there is no file below {job.prefix}")))
        return self._record(job, found, complete=complete)

    def _found(self, job: Job) -> tuple[list[ListedObject], bool]:
        """What follows what is known, and whether that is all. At least a batch, unless it is.

        A page that the store refuses costs nothing that was found before it: the next message asks for it again.
        """
        until = self.now() + self.slice_ms
        found: list[ListedObject] = []
        try:
            for page in self.store.pages_below(job.prefix, after=job.listed_to):
                found.extend(page.objects)
                if job.total + len(found) > MAX_FILES_PER_JOB:
                    break
                if page.token and self.now() >= until and len(found) >= job.batch_size:
                    return found, False
        except StorageError as error:
            if len(found) < job.batch_size:
                raise
            logger.warning("listing interrupted", job_id=job.job_id, found=len(found), error=str(error))
            return found, False
        return found, True

    def _failed(self, job: Job, error: Failure) -> Checked:
        self.lifecycle.fail(job, error)
        return Checked.DROPPED

    def _record(self, job: Job, found: Sequence[ListedObject], *, complete: bool) -> Checked:
        size = batch_size([key for key, _ in found], job.batch_size)
        files: Sequence[CheckedFile] = ()
        if job.total and size < job.batch_size > SMALLEST_BATCH:
            listed = replace(job.unlisted(), batch_size=SMALLEST_BATCH)  # its batches were made for shorter keys
        else:
            sized = job if job.total else replace(job, batch_size=size)
            whole = len(found) if complete else len(found) // sized.batch_size * sized.batch_size
            files = [(RequestedFile(key), outcome(job, key, result=result_of(one))) for key, one in found[:whole]]
            listed = self._extended(sized, files, complete=complete)
        recorded = self.table.record_listing(job, listed, found=files, now=self.now())
        after = self.table.get(job.job_id)
        if after is not None and after.listed:
            self.lifecycle.finish(after)
        elif after is not None and after.listing == listed.listing:  # also if only the answer to the write was lost
            self.lifecycle.queue.send(first_messages(after))
        return Checked.RECORDED if recorded else Checked.REPEATED

    def _extended(self, job: Job, files: Sequence[CheckedFile], *, complete: bool) -> Job:
        """The job with these files, too."""
        counts, size = tally([result for _, result in files])
        more: dict[str, int] = {name: getattr(job, name) + count for name, count in asdict(counts).items()}
        longer = replace(job, total=job.total + len(files), size=job.size + size, **more)
        return replace(
            longer,
            listing=(*job.listing, Stretch(self.token(), longer.batches)),
            listed_to="" if complete else files[-1][0].key,
            checked=longer.batches,
            dispatched=longer.batches,
        )
