"""The values of a job. Frozen; times are epoch milliseconds, sizes bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from operator import sub
from typing import Any, Literal

import msgspec

from chalicelib.errors import LorryError
from chalicelib.limits import MAX_ERROR_BYTES


class JobStatus(StrEnum):
    """Ready, failed and cancelled are ends; a client may retry a job that failed, or that lacks files."""

    QUEUED = "queued"
    PROCESSING = "processing"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether no worker changes the job any more."""
        return self in ENDED


ENDED = frozenset({JobStatus.READY, JobStatus.FAILED, JobStatus.CANCELLED})


class Step(StrEnum):
    """What a processing job is busy with."""

    CHECKING = "checking"  # also listing, for jobs of a prefix
    CHECKSUMMING = "checksumming"  # reading bodies whose CRC-32 the store does not know
    ASSEMBLING = "assembling"


class FileState(StrEnum):
    """What is known of a file: an unchecked one was never looked at, because its job ended first."""

    AVAILABLE = "available"
    MISSING = "missing"
    FAILED = "failed"
    FOLDER = "folder"  # a marker: a key that ends in a slash, without bytes
    PENDING = "pending"
    UNCHECKED = "unchecked"  # the job ended first


class Failure(msgspec.Struct, frozen=True):
    """Why a job failed, or what a batch stumbled over. `code` is one of chalicelib.errors or a job's own."""

    code: str
    message: str

    @classmethod
    def of(cls, error: Exception) -> Failure:
        """The error as a value, for clients: of one that was not foreseen only its kind."""
        if isinstance(error, LorryError):
            return cls(error.code, clipped(str(error)))  # a key may be long, and rows have a bound
        return cls(LorryError.code, f"an unexpected {type(error).__name__} in a worker, whose log has the details")


def clipped(text: str, most: int = MAX_ERROR_BYTES) -> str:
    """At most so many bytes of the text, in UTF-8."""
    if len(text.encode()) <= most:
        return text
    return text.encode()[: most - len("…".encode())].decode(errors="ignore") + "…"


class Counts(msgspec.Struct, frozen=True):
    """Files by what became of them."""

    available: int = 0
    missing: int = 0
    failed: int = 0
    folders: int = 0

    @property
    def processed(self) -> int:
        """Files that were checked, whatever became of them."""
        return self.available + self.missing + self.failed + self.folders

    def __sub__(self, other: Counts) -> Counts:
        return Counts(*map(sub, msgspec.structs.astuple(self), msgspec.structs.astuple(other)))


class RequestedFile(msgspec.Struct, frozen=True, array_like=True):
    """One file as it was asked for. `file_id` is None where it was named by key."""

    key: str
    file_id: int | None = None


# Reasons of files that the store has and does not let us read. What the store itself says may follow in brackets.
ARCHIVED = "archived"
CUSTOMER_KEY = "customer_key"
FORBIDDEN = "forbidden"
NOT_LINKABLE = "key_not_linkable"


def is_linkable(key: str) -> bool:
    """Whether a link leads to this object: clients resolve `.` and `..` in paths, encoded or not."""
    return not any(segment in (".", "..") for segment in key.split("/"))


class FileResult(msgspec.Struct, frozen=True, array_like=True):
    """What the check found out about one file. `crc32` is an unsigned integer, None where the store has none.

    `encoding` is the object's Content-Encoding, of which a listing says nothing.
    """

    state: FileState
    size: int | None = None
    etag: str | None = None
    modified: int | None = None
    crc32: int | None = None
    reason: str | None = None
    encoding: str | None = None

    @property
    def code(self) -> str:
        """The reason without what the store says, else the state."""
        return (self.reason or "").partition(" ")[0] if self.state is FileState.FAILED else str(self.state)


PENDING_RESULT = FileResult(FileState.PENDING)
UNCHECKED_RESULT = FileResult(FileState.UNCHECKED)


class Actor(msgspec.Struct, frozen=True):
    """Who caused a change: a principal and the request it came by. Empty strings where there is none."""

    by: str
    request_id: str = ""
    trace_id: str = ""


class JobEvent(msgspec.Struct, frozen=True):
    """One line of a job's audit trail."""

    kind: str
    at: int
    actor: Actor
    details: dict[str, Any] = {}


Layout = Literal["flat", "tree"]  # of the names in an archive
OnMissing = Literal["skip", "fail"]
NamedBy = Literal["file_ids", "keys", "prefix"]


class ArchiveRequest(msgspec.Struct, frozen=True):
    """The ZIP that a client asked for. In a tree, `prefix` is cut off the keys; if it is empty, the job's prefix is.

    With `manifest`, its last entry lists all files.
    """

    filename: str = ""
    layout: str = "flat"
    on_missing: str = "skip"
    prefix: str = ""
    manifest: bool = True


CHECKING_SHARE = 30  # percent of the progress of a job with an archive that checking takes


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """The batches before `until`, as one message stored them; `name` is part of the keys of their rows."""

    name: str
    until: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as its table row has it: small, however many files it has.

    Its files are cut into batches of `batch_size`. Batches below the position `dispatched` were sent to be checked in
    this generation, or had their results before it; the results of `checked` batches are recorded, and `in_flight` are
    sent and not recorded yet.

    A job of everything below `prefix` has no files until they are listed. `listing` says which of the stored lists of
    files count, as several workers may have stored some. While it is not complete, it ends with the key `listed_to`.

    `generation` counts plans of its archives, from 1; `replans` those among them because files changed, since a client
    last started or retried the job; `replanned` is the last generation for which these files were looked up again.
    `assembled` of `to_assemble` bytes of work on the archives were done when progress was last reported, and
    `min_progress` is the progress that was reached before this generation.

    `fingerprint` is that of the request, if its caller named it by a key; `retry_key` is the key of the last retry.
    `label` is what its owner calls it, `named_by` the field of the request that named its files. `version` counts the
    changes that a client can see. A `purged` job is expired, and its files are forgotten.
    """

    job_id: str
    owner: str
    status: JobStatus
    step: Step | None = None
    total: int
    batch_size: int
    duplicates: int = 0
    available: int = 0
    missing: int = 0
    failed: int = 0
    folders: int = 0
    size: int = 0
    checked: int = 0
    dispatched: int = 0
    in_flight: int = 0
    error: Failure | None = None
    link_ttl: int
    created_at: int
    updated_at: int
    finished_at: int | None = None
    expires_at: int
    sweep_at: int = 0
    sweeps: int = 0
    archive: ArchiveRequest | None = None
    generation: int = 1
    replans: int = 0
    replanned: int = 1
    min_progress: int = 0
    assembled: int = 0
    to_assemble: int = 0
    prefix: str = ""
    listing: tuple[Stretch, ...] = ()
    listed_to: str = ""
    callback_url: str = ""
    fingerprint: str = ""
    retry_key: str = ""
    version: int = 1
    purged: bool = False
    label: str = ""
    named_by: str = "file_ids"

    @property
    def counts(self) -> Counts:
        """The checked files by what became of them."""
        return Counts(self.available, self.missing, self.failed, self.folders)

    @property
    def listed(self) -> bool:
        """Whether it is known which files the job has."""
        return not self.prefix or (bool(self.listing) and not self.listed_to)

    def listing_of(self, batch: int) -> str:
        """The name of the stored list of files that a batch is cut from; empty for a batch that is not listed."""
        return next((stretch.name for stretch in self.listing if batch < stretch.until), "")

    def unlisted(self) -> Job:
        """The job as it was before its listing."""
        none = dict.fromkeys(("total", "size", "checked", "dispatched", *msgspec.structs.asdict(Counts())), 0)
        return msgspec.structs.replace(self, listing=(), listed_to="", **none)

    @property
    def batches(self) -> int:
        """How many batches the files make."""
        return -(-self.total // self.batch_size)

    @property
    def all_checked(self) -> bool:
        """Whether the results of all batches are recorded."""
        return self.listed and self.checked >= self.batches

    @property
    def recorded_ahead(self) -> int:
        """How many batches from `dispatched` on have results: of an attempt before a client retried the job."""
        return self.checked - (self.dispatched - self.in_flight)

    def has_expired(self, now: int) -> bool:
        """Whether nothing of the job can be had any more. A purge counts at once, however far clocks are apart."""
        return self.purged or self.expires_at <= now

    @property
    def progress(self) -> int:
        """Percent of the work that is done: 100 only when the job is ready. Never goes back."""
        if self.status is JobStatus.READY:
            return 100
        if not (self.total and self.listed):
            return self.min_progress
        share = CHECKING_SHARE if self.archive else 100
        done = share * self.counts.processed // self.total
        if self.to_assemble:
            done = share + (100 - share) * self.assembled // self.to_assemble
        return min(99, max(done, self.min_progress))


def tally(results: Sequence[FileResult]) -> tuple[Counts, int]:
    """What results add to a job: files by what became of them, and the bytes of the available ones."""
    states = Counter(result.state for result in results)
    size = sum(result.size or 0 for result in results if result.state is FileState.AVAILABLE)
    counts = (FileState.AVAILABLE, FileState.MISSING, FileState.FAILED, FileState.FOLDER)
    return Counts(*(states[state] for state in counts)), size
