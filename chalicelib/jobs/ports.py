"""What jobs and checking need from the outside. tests/contracts has a suite per port, run on fake and real adapter."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from chalicelib.jobs.model import PENDING_RESULT, Failure, FileResult, Job, JobEvent, JobStatus, RequestedFile
from chalicelib.jobs.state_machine import Trigger
from chalicelib.messages import AnyMessage

BATCHES_AT_ONCE = 25  # 5,000 files, some megabytes

CheckedFile = tuple[RequestedFile, FileResult]


class Recorded(StrEnum):
    """What became of a batch's results."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"  # the batch has its results already
    JOB_ENDED = "job_ended"  # the job is not processing any more, or was retried since; nothing was written


class Advance(msgspec.Struct, frozen=True):
    """Moves a job's position: `batches` are to be sent, and all others before `position` were or have results."""

    position: int
    batches: tuple[int, ...]


class StoredBatch(msgspec.Struct, frozen=True):
    """A batch as it is stored. `following` is the batch that was to be sent once this one was recorded."""

    files: tuple[RequestedFile, ...]
    recorded: bool = False
    following: int | None = None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One transition of a job together with its audit event: both are written, or neither."""

    job_id: str
    trigger: Trigger
    event: JobEvent
    error: Failure | None = None
    expires_at: int | None = None
    generation: int | None = None  # only if the job is in this generation
    all_checked: bool = False  # only if every batch of the job is recorded
    batch_open: int | None = None  # only if this batch is not recorded
    listing: str = ""  # that the batch is cut from
    min_progress: int | None = None  # progress that the job keeps, because it had reached it
    retry_key: str = ""  # of the caller, for a retry
    unlisted: Job | None = None  # for a retry: the job before a listing that was not complete, and is begun again
    sweep_at: int | None = None  # when the sweeper looks at it next; None for an ended job: never


class JobFilter(msgspec.Struct, frozen=True):
    """Which jobs are wanted: all that has a value must match. Creation from `after` to `before`, epoch milliseconds."""

    status: JobStatus | None = None
    label: str | None = None
    after: int | None = None
    before: int | None = None

    def matches(self, job: Job) -> bool:
        """Whether a job is wanted."""
        return (
            self.status in (None, job.status)
            and self.label in (None, job.label)
            and (self.after is None or self.after <= job.created_at)
            and (self.before is None or job.created_at <= self.before)
        )


class JobPage(msgspec.Struct, frozen=True):
    """Jobs, newest first, and where the next page starts (None: there is none)."""

    jobs: tuple[Job, ...]
    next_cursor: str | None


class EventPage(msgspec.Struct, frozen=True):
    """Events, oldest first, and where the next page starts (None: there is none)."""

    events: tuple[JobEvent, ...]
    next_cursor: str | None


class JobTable(Protocol):
    """Durable state of jobs. Every method may raise TableUnavailable."""

    def create(self, job: Job, batches: Iterable[Sequence[RequestedFile]], *, event: JobEvent) -> bool:
        """Store the request in batches, then the job with its event, both or neither. False if the id is taken."""

    def get(self, job_id: str) -> Job | None:
        """The job as of now (a consistent read)."""

    def apply(self, change: Change) -> Job | None:
        """Make the transition if the state machine allows it now. The job afterwards, or None if it lost."""

    def advance(self, job: Job, advance: Advance) -> Job | None:
        """Move the job's position. The job afterwards; None if it has ended, was retried, or moved meanwhile."""

    def read_batch(self, job: Job, batch: int) -> StoredBatch:
        """One batch, with its files in the order of the request."""

    def record_batch(
        self, job: Job, batch: int, *, results: Sequence[FileResult], advance: Advance | None, now: int
    ) -> Recorded | Job:
        """Store the results of a batch and count them, once, and only while the job is processing.

        The same transaction moves the job's position by `advance`. If it has moved since `job` was read, nothing is
        written and the job is returned as it is now.
        """

    def reopen(self, job: Job, batch: int, *, results: Sequence[FileResult]) -> bool:
        """Forget the results of a batch and count them no more, before any batch of this attempt is sent.

        False if that has begun, or the batch has no results.
        """

    def purge(self, job: Job, *, event: JobEvent) -> bool:
        """Let an ended job expire at the event, and the sweeper see to it. False if it has changed meanwhile."""

    def forget_files(self, job: Job) -> None:
        """Delete the requested files of a job, their results, and what its archives were made of."""

    def unrecorded(self, job: Job, batches: Sequence[int]) -> list[int]:
        """Those among `batches` that have no results, in their order."""

    def record_listing(self, job: Job, listed: Job, *, found: Sequence[CheckedFile], now: int) -> bool:
        """Store files of a prefix, all checked by being listed, and make them the job's: it becomes `listed`.

        They are the batches of the last stretch of its listing; all but the job's last batch are full. False if the
        job has ended or another worker was first: the rows of this one are then of no use.
        """

    def read_requests(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[RequestedFile, ...]]:
        """The requested files of `batches`."""

    def read_results(self, job: Job, batches: Sequence[int]) -> dict[int, tuple[FileResult, ...]]:
        """The recorded results among `batches`."""

    def note(self, job_id: str, event: JobEvent) -> None:
        """Append to the audit trail."""

    def note_links(self, job_id: str, event: JobEvent, *, count: int) -> None:
        """Append to the audit trail, or add to the line of the same moment and actor: `count` links, and one read."""

    def events(self, job_id: str, *, limit: int, cursor: str | None) -> EventPage:
        """The audit trail, oldest first. Raises InvalidRequest for a cursor that is not ours."""

    def note_error(self, job_id: str, batch: int | None, *, error: Failure, event: JobEvent) -> None:
        """Remember the latest error of a batch (None: of the job as a whole), with its event."""

    def last_error(self, job_id: str, batch: int | None) -> Failure | None:
        """The latest error of a batch, if it had any."""

    def count_run(self, job_id: str, work: str, *, cost: int, now: int) -> None:
        """Add to the cost of the runs of a message, which `work` names."""

    def cost_of_runs(self, job_id: str, work: str) -> int:
        """What the runs of a message cost so far."""

    def due(self, *, now: int) -> Iterator[str]:
        """Ids of the jobs whose sweep_at has come, the longest waiting first; read as they are asked for."""

    def postpone_sweep(self, job: Job, *, sweep_at: int, event: JobEvent | None) -> bool:
        """Move the job's next sweep; with an event, count a sweep too. False if another sweeper was here first."""

    def owned_by(self, owner: str, *, wanted: JobFilter, limit: int, cursor: str | None) -> JobPage:
        """The wanted jobs of a principal, newest first. Raises InvalidRequest for a cursor that is not ours."""


def files_of(table: JobTable, job: Job, *, numbers: range, unknown: FileResult = PENDING_RESULT) -> list[CheckedFile]:
    """The files of consecutive batches; `unknown` stands for results that are not recorded."""
    requests = table.read_requests(job, numbers)
    results = table.read_results(job, numbers)
    files: list[CheckedFile] = []
    for number in numbers:
        found = results.get(number) or (unknown,) * len(requests[number])
        files.extend(zip(requests[number], found, strict=True))
    return files


class WorkQueue(Protocol):
    """Where messages wait for workers. May raise QueueUnavailable; then some of the messages may have been sent."""

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        """Send each message to the queue of its kind, where it is hidden for `delay` seconds."""


class StoredObject(msgspec.Struct, frozen=True):
    """An object as a HEAD describes it. Size in bytes, modified in epoch milliseconds; `etag` without quotes.

    `crc32` is the CRC-32 of the whole object where the store knows it, else None. `archived` objects (cold storage
    classes) cannot be read without being restored first. `encoding` is the Content-Encoding, None in listings.
    """

    size: int
    etag: str
    modified: int
    crc32: int | None = None
    archived: bool = False
    encoding: str | None = None


ListedObject = tuple[str, StoredObject]  # with its key


class Listing(msgspec.Struct, frozen=True):
    """A page of what lies below a prefix, by key. `folders` end in the delimiter; `token` leads to the next page."""

    objects: tuple[ListedObject, ...]
    folders: tuple[str, ...] = ()
    token: str | None = None


class SourceStore(Protocol):
    """The bucket that holds the files. Only read."""

    def head(self, key: str) -> StoredObject | None:
        """The object, or None if the store says that there is none (404).

        Raises ObjectRefused if the store does not let us read it, and StorageUnavailable, StorageThrottled or
        StorageForbidden for every other answer, and for none.
        """

    def sha256(self, key: str, etag: str) -> str | None:
        """The SHA-256 of this version in hex digits; None where the store does not know that of the whole object."""

    def confirm_readable(self, key: str) -> None:
        """Read a byte, because a HEAD may describe what we may not read. Raises as `head`."""

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        """Every object whose key begins with `prefix` and sorts behind `after`, in the order of the keys.

        As far as a listing describes them, and a page at a time: the next one is asked for when it is wanted.
        """

    def page_below(self, prefix: str, *, delimiter: str, token: str | None, limit: int) -> Listing | None:
        """A page of the objects and folders below `prefix`; without a delimiter there are no folders.

        `token` is that of the page before; None if the store does not know it.
        """

    def confirm_bucket(self) -> None:
        """Raise StorageError unless the bucket is there: a HEAD cannot tell an absent key from an absent bucket."""

    def combined_crc32(self, key: str, etag: str) -> int | None:
        """The CRC-32 of this version, combined from its parts' checksums; None where the store does not tell them."""
