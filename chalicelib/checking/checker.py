"""Checks the files of one batch side by side, records what it found, and ends the job with its last batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from enum import StrEnum

import msgspec

from chalicelib.errors import ObjectRefused, SourceChanged, StorageUnavailable, UnreadableMessage
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import (
    ARCHIVED,
    NOT_LINKABLE,
    Failure,
    FileResult,
    FileState,
    Job,
    RequestedFile,
    clipped,
    is_linkable,
)
from chalicelib.jobs.ports import CheckedFile, JobTable, Recorded, SourceStore, StoredObject
from chalicelib.limits import MAX_REASON_BYTES
from chalicelib.messages import CheckBatch

BATCH_MS = 12_000  # then the store is asked for no other file, so that the function, which has 20 s, is not killed
NAMED_FILES = 5  # in the error of a job that wants all files or none
FILES_MISSING = "files_missing"


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
        recorded = self._check_and_record(job, message.batch, files=stored.files)
        return {Recorded.RECORDED: Checked.RECORDED, Recorded.DUPLICATE: Checked.REPEATED}.get(
            recorded, Checked.DROPPED
        )

    def _check_and_record(self, job: Job, batch: int, *, files: Sequence[RequestedFile]) -> Recorded:
        results = self._look_up(job, files)
        recorded, followed = self.lifecycle.dispatcher.record(job, batch, results=results, now=self.now())
        if recorded is Recorded.RECORDED and wants_all(job) and any(map(_is_absent, results)):
            self.lifecycle.fail(job, incomplete(zip(files, results, strict=True), job.total))
        elif recorded is not Recorded.JOB_ENDED and not followed:
            after = self.table.get(job.job_id)
            if after is not None:
                self.lifecycle.finish(after)
        return recorded

    def _look_up(self, job: Job, files: Sequence[RequestedFile]) -> list[FileResult]:
        """Sends a HEAD for every file; a failure stops the rest, because the whole batch is tried again."""
        last_ms = self.now() + BATCH_MS
        with self.executors(min(self.threads, len(files))) as executor:
            results = look_up(
                self.store, [file.key for file in files], executor=executor, in_time=lambda: self.now() <= last_ms
            )
        return [outcome(job, file.key, result=result) for file, result in zip(files, results, strict=True)]


_Found = StoredObject | ObjectRefused | None


def look_up(
    store: SourceStore,
    keys: Sequence[str],
    *,
    executor: Executor,
    read: bool = False,
    in_time: Callable[[], bool] = lambda: True,
) -> list[FileResult]:
    """What the store says of each object; with `read`, a byte of each is read as well.

    Raises StorageError if the store does not answer for each while `in_time`, or refuses all of them and the bucket.
    """

    def find(key: str) -> _Found:
        if not in_time():
            raise StorageUnavailable(key, "it is too slow for all files of a batch")
        return _find(store, key, read=read)

    lookups = [executor.submit(find, key) for key in keys]
    try:
        return _results(store, [lookup.result() for lookup in lookups])
    finally:
        for lookup in lookups:
            lookup.cancel()


def look_up_one(store: SourceStore, key: str) -> FileResult:
    """What the store says of one object. Raises as `look_up`."""
    return _results(store, [_find(store, key, read=False)])[0]


def _find(store: SourceStore, key: str, *, read: bool) -> _Found:
    try:
        stored = store.head(key)
        if read and stored is not None and not stored.archived:
            store.confirm_readable(key)
    except ObjectRefused as error:
        return error
    return stored


def _results(store: SourceStore, found: Sequence[_Found]) -> list[FileResult]:
    """What became of the files, once an object was found or the bucket is known to answer."""
    if None in found or not any(isinstance(each, StoredObject) for each in found):
        store.confirm_bucket()
    return [result_of(each) for each in found]


def result_of(found: _Found) -> FileResult:
    """What the store says of a file."""
    if found is None:
        return FileResult(FileState.MISSING, reason="not_found")
    if isinstance(found, ObjectRefused):
        return FileResult(FileState.FAILED, reason=clipped(f"{found.reason} ({found.cause})", MAX_REASON_BYTES))
    state, reason = (FileState.FAILED, ARCHIVED) if found.archived else (FileState.AVAILABLE, None)
    return FileResult(
        state,
        size=found.size,
        etag=found.etag,
        modified=found.modified,
        crc32=found.crc32,
        reason=reason,
        encoding=found.encoding,
    )


def outcome(job: Job, key: str, *, result: FileResult) -> FileResult:
    """The result as it counts for the job.

    A key that ends in a slash, without bytes, marks a folder. Without an archive, a file is of use by its link only.
    """
    if result.state is FileState.AVAILABLE and key.endswith("/") and not result.size:
        return msgspec.structs.replace(result, state=FileState.FOLDER)
    if result.state is FileState.AVAILABLE and job.archive is None and not is_linkable(key):
        return msgspec.structs.replace(result, state=FileState.FAILED, reason=NOT_LINKABLE)
    return result


def wants_all(job: Job) -> bool:
    """Whether a client wants all files or none."""
    return job.archive is not None and job.archive.on_missing == "fail"


def incomplete(files: Iterable[CheckedFile], total: int) -> Failure:
    """The error of a job that wants all files or none; another attempt may help only where a file kept changing.

    `files` may be fewer than `total`: the job ends with the first batch that lacks one.
    """
    seen = list(files)
    least = "" if len(seen) == total else "at least "
    absent = [(file, result) for file, result in seen if _is_absent(result)]
    named = ", ".join(f"{file.key} ({result.reason or result.state})" for file, result in absent[:NAMED_FILES])
    more = f" and {len(absent) - NAMED_FILES:,} more" if len(absent) > NAMED_FILES else ""
    changing = any(result.reason == SourceChanged.code for _, result in absent)
    code = SourceChanged.code if changing else FILES_MISSING
    return Failure(code, clipped(f"{least}{len(absent):,} of {total:,} files are not available: {named}{more}"))


def _is_absent(result: FileResult) -> bool:
    return result.state not in (FileState.AVAILABLE, FileState.FOLDER)
