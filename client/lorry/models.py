"""Values that the service returns, as frozen dataclasses.

Times are aware `datetime`s in UTC, sizes are bytes, `progress` is a percentage. A member that the service left out is
None, or 0 for a count. The readers (`from_answer`) raise KeyError, TypeError or ValueError for an answer of another
shape, which the client turns into `UnexpectedAnswer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Answer = Mapping[str, Any]

READY = "ready"
ENDED_STATUSES = frozenset({READY, "failed", "cancelled"})
LEFT_OUT = frozenset({"files", "resultUrls", "nextCursor", "ticket"})
ASSEMBLY_STAGES = frozenset({"checksumming", "assembling"})


@dataclass(frozen=True)
class FieldError:
    """One invalid member of a request: a JSON pointer (RFC 6901) and what is wrong there."""

    pointer: str
    detail: str


@dataclass(frozen=True)
class JobError:
    """Why a job failed: a stable `code`, such as `no_files_available`, and a sentence for people."""

    code: str
    message: str


@dataclass(frozen=True)
class Counts:
    """How many files of a job are in each state so far."""

    available: int = 0
    missing: int = 0
    failed: int = 0
    folders: int = 0


@dataclass(frozen=True)
class JobBytes:
    """Bytes of a job: the size of all files found so far (None while unknown), and how many are processed."""

    total: int | None = None
    done: int | None = None


@dataclass(frozen=True)
class Archive:
    """One ZIP of a job; `index` is its place among the job's archives, from 0.

    `entries` includes the manifest; it and `size` (bytes) are known before the archive is assembled. `long_paths`
    counts the entries over 240 characters, which Windows cannot extract. `crc_source` says where its checksums come
    from, `verified` whether the store checked the whole archive. `url` is a link that expires, None until the job is
    ready; `address` is its stable address at the service.
    """

    index: int
    filename: str
    size: int
    entries: int | None = None
    long_paths: int = 0
    parts: int | None = None
    crc_source: str | None = None
    verified: bool = False
    address: str | None = None
    url: str | None = field(default=None, repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Archive:
        """Reads one item of `archives`."""
        return cls(
            index=int(answer["index"]),
            filename=str(answer["filename"]),
            size=int(answer["size"]),
            entries=answer.get("entries"),
            long_paths=answer.get("longPaths") or 0,
            parts=answer.get("parts"),
            crc_source=answer.get("crcSource"),
            verified=bool(answer.get("verified")),
            address=answer.get("address"),
            url=answer.get("url"),
        )


@dataclass(frozen=True)
class StartedJob:
    """A job that was just created.

    `total` counts distinct files (None until a prefix is listed), `duplicates` the repeated ones that were dropped.
    `ticket` lets a browser watch and download this one job for a while; it is a secret.
    """

    id: str
    status: str
    total: int | None
    duplicates: int = 0
    ticket: str | None = field(default=None, repr=False, compare=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> StartedJob:
        """Reads the answer of initiate."""
        return cls(
            id=str(answer["jobId"]),
            status=str(answer["status"]),
            total=answer.get("totalFileIds"),
            duplicates=answer.get("duplicates") or 0,
            ticket=answer.get("ticket"),
        )


@dataclass(frozen=True)
class StoredObject:
    """An object that a request may name, or (`folder`) what some of them begin with. `size` is bytes."""

    key: str
    folder: bool = False
    size: int = 0
    modified: datetime | None = None
    archived: bool = False

    @classmethod
    def page_from(cls, answer: Answer) -> list[StoredObject]:
        """Reads a page, folders and objects by key."""
        folders = [cls(key, folder=True) for key in answer["folders"]]
        objects = [
            cls(item["key"], False, item["size"], time_of(item["lastModified"]), item["archived"])
            for item in answer["objects"]
        ]
        return sorted([*folders, *objects], key=lambda item: item.key)


@dataclass(frozen=True, repr=False)
class Job:
    """A job at one moment.

    `status` is `queued`, `processing`, `ready`, `failed` or `cancelled`. `processed` of `total` files are checked;
    `total` is None until a prefix is listed. `archives` is empty for a job without any. `ticket` is as in `StartedJob`.
    `answer` is the JSON object of the service, including members that this client does not know, without files, links
    and ticket.
    """

    id: str
    status: str
    stage: str | None = None
    progress: int = 0
    processed: int = 0
    total: int | None = None
    counts: Counts = field(default_factory=Counts)
    bytes: JobBytes = field(default_factory=JobBytes)
    archives: tuple[Archive, ...] = ()
    error: JobError | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    finished_at: datetime | None = None
    expires_at: datetime | None = None
    links_expire_at: datetime | None = None
    label: str | None = None
    ticket: str | None = field(default=None, repr=False, compare=False)
    answer: Answer = field(default_factory=dict, compare=False, repr=False)

    def __repr__(self) -> str:
        total = "?" if self.total is None else f"{self.total:,}"
        return f"<Job {self.id}: {self.status}, {self.progress}%, {self.processed:,} of {total} files>"

    @property
    def ended(self) -> bool:
        """True once the job is `ready`, `failed` or `cancelled`, and does not change any more."""
        return self.status in ENDED_STATUSES

    @property
    def ready(self) -> bool:
        """True when the job has links to download."""
        return self.status == READY

    @property
    def assembling(self) -> bool:
        """True from the moment all files are checked and an archive is built; stays true when the job ends."""
        return self.stage in ASSEMBLY_STAGES or (self.ended and bool(self.archives))

    @classmethod
    def from_answer(cls, answer: Answer) -> Job:
        """Reads the answer of status or cancel, or one item of the list of jobs."""
        counts, size = answer.get("counts") or {}, answer.get("bytes") or {}
        return cls(
            id=str(answer["jobId"]),
            status=str(answer["status"]),
            stage=answer.get("stage"),
            progress=int(answer.get("progress") or 0),
            processed=int(answer.get("processed") or 0),
            total=answer.get("total"),
            counts=Counts(*(counts.get(state) or 0 for state in ("available", "missing", "failed", "folders"))),
            bytes=JobBytes(size.get("total"), size.get("done")),
            archives=tuple(Archive.from_answer(item) for item in answer.get("archives") or ()),
            error=_job_error(answer.get("error")),
            created_at=time_of(answer.get("createdAt")),
            updated_at=time_of(answer.get("updatedAt")),
            finished_at=time_of(answer.get("finishedAt")),
            expires_at=time_of(answer.get("expiresAt")),
            links_expire_at=time_of(answer.get("linksExpireAt")),
            label=answer.get("label"),
            ticket=answer.get("ticket"),
            answer=_without_secrets(answer),
        )


@dataclass(frozen=True)
class FileOutcome:
    """One file of a job; `index` is its place in the request, from 0.

    `state` is `pending`, `available`, `missing`, `failed` or `folder` (a marker). `size` (bytes), `reason` (a sentence)
    and `etag` (of the version that the job found, without quotes) are None where they do not apply. `url` is a link
    that expires, present on available files of a ready job.
    """

    index: int
    id: int | None
    key: str | None
    state: str
    size: int | None = None
    reason: str | None = None
    etag: str | None = None
    url: str | None = field(default=None, repr=False)

    @property
    def label(self) -> str:
        """How messages name the file: its id, or else its key."""
        return str(self.id if self.id is not None else self.key)

    @classmethod
    def from_answer(cls, answer: Answer, url: str | None) -> FileOutcome:
        """Reads one item of `files`, with the link at the same place of `resultUrls`."""
        return cls(
            index=int(answer["index"]),
            id=answer.get("id"),
            key=answer.get("key"),
            state=str(answer["state"]),
            size=answer.get("size"),
            reason=answer.get("reason"),
            etag=answer.get("etag"),
            url=url,
        )


@dataclass(frozen=True, repr=False)
class Page:
    """Up to 1,000 files of a job in the order of the request, and the job at the moment they were read.

    `cursor` is what this page was requested with (None for the first), `next_cursor` what the next one is requested
    with (None on the last).
    """

    job: Job
    files: tuple[FileOutcome, ...]
    cursor: str | None
    next_cursor: str | None

    def __repr__(self) -> str:
        return f"<Page: {len(self.files):,} files of {self.job!r}>"

    @classmethod
    def from_answer(cls, answer: Answer, cursor: str | None) -> Page:
        """Reads the answer of status, with its files."""
        files = answer.get("files") or []
        urls = answer.get("resultUrls") or [None] * len(files)
        outcomes = tuple(FileOutcome.from_answer(file, url) for file, url in zip(files, urls, strict=True))
        return cls(Job.from_answer(answer), outcomes, cursor, answer.get("nextCursor"))


@dataclass(frozen=True)
class Availability:
    """Whether one file can be downloaded; `key` and `size` (bytes) are None when it cannot."""

    file_id: int
    available: bool
    key: str | None
    size: int | None
    answer: Answer = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Availability:
        """Reads the answer of check."""
        return cls(int(answer["file_id"]), bool(answer["available"]), answer.get("s3Key"), answer.get("size"), answer)


class Limits(Mapping[str, Any]):
    """Every limit that the service enforces, by the service's own dotted name: `limits["files.perJob"]`.

    Sizes are bytes and times seconds. Use `limits.get(name)` for a limit that the service may not have. `answer` is the
    JSON object of the service.
    """

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self._figures = dict(_flat(answer, ""))

    def __getitem__(self, name: str) -> Any:
        return self._figures[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._figures)

    def __len__(self) -> int:
        return len(self._figures)

    def __repr__(self) -> str:
        return f"Limits({self._figures})"


def _flat(group: Answer, place: str) -> Iterator[tuple[str, Any]]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value


def _job_error(answer: Answer | None) -> JobError | None:
    return JobError(str(answer["code"]), str(answer["message"])) if answer else None


def _without_secrets(answer: Answer) -> Answer:
    kept = {name: value for name, value in answer.items() if name not in LEFT_OUT}
    if kept.get("archives"):
        kept["archives"] = [{name: archive[name] for name in archive if name != "url"} for archive in kept["archives"]]
    return kept


def time_of(text: str | None) -> datetime | None:
    """The time that the service wrote as `text`. Raises ValueError when it is malformed."""
    return datetime.fromisoformat(text).astimezone(UTC) if text else None
