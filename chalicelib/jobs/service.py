"""What the API does with jobs: start one, read it, list, cancel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import msgspec

from chalicelib.errors import (
    IdempotencyKeyReused,
    JobAlreadyEnded,
    JobExpired,
    JobNotFound,
    NothingToRetry,
    QueueUnavailable,
    TableUnavailable,
)
from chalicelib.jobs.dispatching import batch_size
from chalicelib.jobs.lifecycle import first_messages
from chalicelib.jobs.model import (
    PENDING_RESULT,
    UNCHECKED_RESULT,
    Actor,
    ArchiveRequest,
    FileResult,
    Job,
    JobEvent,
    JobStatus,
    RequestedFile,
    Stretch,
)
from chalicelib.jobs.outcomes import may_find_more
from chalicelib.jobs.ports import Change, CheckedFile, EventPage, JobFilter, JobPage, JobTable, WorkQueue, files_of
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import MAX_FILES_PER_BATCH, MiB
from chalicelib.messages import CleanUp, Message
from chalicelib.observability import logger

# Errors that say what is there, not what went wrong: another attempt would find the same.
FINAL_CODES = frozenset({"no_files_available", "files_missing", "too_many_files", "archive_too_large"})


PURGE_ATTEMPTS = 5
LINKS_WINDOW_MS = 300_000  # reads in it that give out links are one line of the audit trail

# What a file takes in an answer: a link with a role's token, and its key in several encodings.
PAGE_BYTES = 5 * MiB
FILE_BYTES = 2_500
KEY_COPIES = 5


class NewJob(msgspec.Struct, frozen=True):
    """A valid request: the files without repetition, how many repetitions were dropped, and the life of its links."""

    files: Sequence[RequestedFile]
    duplicates: int
    link_ttl: int
    archive: ArchiveRequest | None = None
    prefix: str = ""
    callback_url: str = ""
    label: str = ""
    named_by: str = "file_ids"


class FilePage(msgspec.Struct, frozen=True):
    """Files `first` .. `first + len(files) - 1` of a job with what is known of each."""

    first: int
    files: tuple[tuple[RequestedFile, FileResult], ...]
    next_index: int | None


class RequestKey(msgspec.Struct, frozen=True):
    """A request that its caller named by an Idempotency-Key.

    The key determines the id of the job; `fingerprint` is what must be equal in each request with this key.
    """

    key: str
    job_id: str
    fingerprint: str


class JobService(msgspec.Struct, frozen=True):
    """Jobs as a principal sees them.

    `now()` is epoch milliseconds, `new_id()` a random UUID; `job_ttl` and `sweep_after` are seconds.
    """

    table: JobTable
    queue: WorkQueue
    now: Callable[[], int]
    new_id: Callable[[], str]
    job_ttl: int
    sweep_after: int
    files_per_batch: int = MAX_FILES_PER_BATCH

    def start(self, request: NewJob, actor: Actor, *, key: RequestKey | None = None) -> tuple[Job, bool]:
        """Makes the request durable, then sets it going. Once this returns, the job will end, whatever crashes.

        Returns the job as it is created, and whether an earlier request with the same key created it. Raises
        IdempotencyKeyReused if that request was different, and JobExpired.
        """
        job = self._new_job(request, actor.by, key=key)
        if key and self._exists(job, key):
            return job, True
        event = JobEvent("created", job.created_at, actor, {"total": job.total})
        if self.table.create(job, _batches(request.files, job.batch_size), event=event):
            self._send(job, first_messages(job))
            return job, False
        return job, key is not None and self._exists(job, key)

    def _exists(self, job: Job, key: RequestKey) -> bool:
        existing = self.table.get(job.job_id)
        if existing is None:
            return False
        if existing.fingerprint != key.fingerprint:
            raise IdempotencyKeyReused(key.key)
        if existing.has_expired(self.now()):
            raise JobExpired(job.job_id)
        return True

    def read(self, job_id: str, owner: str | None) -> Job:
        """The job. Raises JobNotFound, also for another owner's job (None: any owner), and JobExpired."""
        job = self.known(job_id, owner)
        if job.has_expired(self.now()):
            raise JobExpired(job_id)
        return job

    def known(self, job_id: str, owner: str | None) -> Job:
        """The job, also if it has expired. Raises JobNotFound as `read`."""
        job = self.table.get(job_id)
        if job is None or owner not in (None, job.owner):
            raise JobNotFound(job_id)
        return job

    def files(self, job: Job, *, first: int, limit: int) -> FilePage:
        """At most `limit` files from index `first` on, in the order of the request."""
        known = job.total if job.listed else 0  # an unfinished listing may begin again
        last = min(first + limit, known)
        numbers = range(first // job.batch_size, -(-last // job.batch_size)) if first < last else range(0)
        unknown = UNCHECKED_RESULT if job.status.ended else PENDING_RESULT
        files = files_of(self.table, job, numbers=numbers, unknown=unknown)
        skipped = first - numbers.start * job.batch_size
        page = _fitting(files[skipped : skipped + last - first])
        following = first + len(page)
        return FilePage(first, page, following if following < known else None)

    def cancel(self, job_id: str, actor: Actor) -> Job:
        """Cancels a job that has not ended; cancelling twice is fine. Raises JobAlreadyEnded, and as `read`."""
        change = self._cancelling(self.read(job_id, actor.by), actor)
        job = self.table.apply(change) or self.read(job_id, actor.by)
        if job.status is not JobStatus.CANCELLED:
            raise JobAlreadyEnded(job_id, status=job.status)
        if job.archive:
            self._send(job, [CleanUp(job_id)])
        return job

    def purge(self, job_id: str, actor: Actor) -> None:
        """Removes a job, which is cancelled if it runs: its files and archives go, and it counts as expired.

        Its audit trail stays as long as that of other jobs. Purging twice is fine. Raises JobNotFound.
        """
        for _ in range(PURGE_ATTEMPTS):
            job = self.known(job_id, actor.by)
            if job.purged:
                return
            if not job.status.ended:
                job = self.table.apply(self._cancelling(job, actor)) or job
            if job.status.ended and self.table.purge(job, event=JobEvent("purged", self.now(), actor)):
                self._send(job, [CleanUp(job_id)])
                return
        raise TableUnavailable(f"the row of job {job_id} changed at each attempt to purge it")

    def _cancelling(self, job: Job, actor: Actor) -> Change:
        now = self.now()
        return Change(
            job_id=job.job_id,
            trigger=Trigger.CANCEL,
            event=JobEvent("cancelled", now, actor),
            expires_at=self.expiry(now),
            sweep_at=now if job.archive else None,
        )

    def retry(self, job_id: str, actor: Actor, *, key: str = "") -> tuple[Job, bool]:
        """Runs again what failed: batches without results, files that may be readable by now, an assembly.

        Returns the job, and whether it was its last retry that had the same `key`: then nothing is done. Raises
        NothingToRetry, and as `read`.
        """
        before = self.read(job_id, actor.by)
        if key and before.retry_key == key:
            return before, True
        ended = before.status in (JobStatus.READY, JobStatus.FAILED)
        if not retryable(before) and not (ended and may_find_more(self.table, before)):
            raise NothingToRetry(job_id, status=before.status)
        now = self.now()
        change = Change(
            job_id=job_id,
            trigger=Trigger.RETRY,
            event=JobEvent("retried", now, actor),
            expires_at=now + 2 * self.job_ttl * 1000,
            sweep_at=now + self.sweep_after * 1000,
            min_progress=0 if before.status is JobStatus.READY else before.progress,
            retry_key=key,
            unlisted=None if before.listed else before.unlisted(),
        )
        job = self.table.apply(change)
        if job is None:
            current = self.read(job_id, actor.by)
            if key and current.retry_key == key:
                return current, True
            raise NothingToRetry(job_id, status=current.status)
        self._send(job, first_messages(job))
        return job, False

    def issued_links(self, job: Job, actor: Actor, *, count: int) -> None:
        """Note in the audit trail that a read gave out links: one line for all of a caller's reads in a window."""
        window = self.now() // LINKS_WINDOW_MS * LINKS_WINDOW_MS
        at = max(window, job.finished_at or job.created_at)  # in its place behind the job's end
        self.table.note_links(job.job_id, JobEvent("links_issued", at, actor), count=count)

    def events(self, job: Job, *, limit: int, cursor: str | None) -> EventPage:
        """The job's audit trail, oldest first. Raises InvalidRequest for a cursor that is not ours."""
        return self.table.events(job.job_id, limit=limit, cursor=cursor)

    def jobs(self, owner: str, *, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """The principal's jobs that are wanted, newest first, without those that have expired."""
        page = self.table.owned_by(owner, wanted=wanted, limit=limit, cursor=cursor)
        return JobPage(tuple(job for job in page.jobs if not job.has_expired(self.now())), page.next_cursor)

    def expiry(self, ended_at: int) -> int:
        """When a job that ends at `ended_at` is gone."""
        return ended_at + self.job_ttl * 1000

    def _send(self, job: Job, messages: list[Message]) -> None:
        """What the table says is durable; a message that cannot be sent now is the sweeper's to send."""
        try:
            self.queue.send(messages)
        except QueueUnavailable:
            logger.warning("the queue took no message; the sweeper will drive the job", job_id=job.job_id)

    def _new_job(self, request: NewJob, owner: str, *, key: RequestKey | None) -> Job:
        now = self.now()
        size = batch_size([file.key for file in request.files], self.files_per_batch)
        alone = 0 < len(request.files) <= size  # a job of one batch is dispatched by its first message
        return Job(
            job_id=key.job_id if key else self.new_id(),
            owner=owner,
            status=JobStatus.QUEUED,
            total=len(request.files),
            batch_size=size,
            dispatched=int(alone),
            in_flight=int(alone),
            duplicates=request.duplicates,
            link_ttl=request.link_ttl,
            created_at=now,
            updated_at=now,
            # A job that has not ended by then has failed; ending it moves this on by its own time to live.
            expires_at=now + 2 * self.job_ttl * 1000,
            sweep_at=now + self.sweep_after * 1000,
            archive=request.archive,
            prefix=request.prefix,
            callback_url=request.callback_url,
            label=request.label,
            named_by=request.named_by,
            # Of two requests with one key, one becomes the job; the rows of the other's files are not its.
            listing=() if request.prefix else (Stretch(self.new_id()[:8], -(-len(request.files) // size)),),
            fingerprint=key.fingerprint if key else "",
        )


def _fitting(files: Sequence[CheckedFile]) -> tuple[CheckedFile, ...]:
    """As many of the files as one answer holds: with keys of a kilobyte, 1,000 would be more than Lambda returns."""
    room = PAGE_BYTES
    for count, (file, _) in enumerate(files):
        room -= FILE_BYTES + KEY_COPIES * len(file.key.encode())
        if room < 0:
            return tuple(files[: max(1, count)])
    return tuple(files)


def retryable(job: Job) -> bool:
    """Whether the job failed for a reason that another attempt may remove."""
    return job.status is JobStatus.FAILED and not (job.error and job.error.code in FINAL_CODES)


def _batches(files: Sequence[RequestedFile], size: int) -> Iterator[Sequence[RequestedFile]]:
    return (files[start : start + size] for start in range(0, len(files), size))
