"""Bodies of answers and webhooks as types: what views build is what the OpenAPI document describes.

Times are RFC 3339 in UTC, sizes bytes. A field without a default is always present; null means no value.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.assembly.model import CrcSource
from chalicelib.delivery.file_lists import LinkKind as LinkKind
from chalicelib.delivery.file_lists import ListFormat as ListFormat
from chalicelib.delivery.job_summary import (
    Address,
    Asked,
    Body,
    Count,
    JobId,
    JobLinks,
    JobSummary,
    Moment,
    Size,
    one_of,
)
from chalicelib.jobs.model import FileState, JobStatus

Link = Annotated[
    str, Meta(description="presigned, needs no credentials, expires soon", extra_json_schema={"format": "uri"})
]
Cursor = Annotated[str, Meta(description="`cursor` of the next page; null on the last page")]
Ticket = Annotated[
    str,
    Meta(description="`?ticket=` of this job for clients that cannot send headers; null if none can be signed now"),
]
FileNumber = Annotated[int, Meta(ge=0, description="counted from 0 in the order of the request")]


# --- jobs -------------------------------------------------------------------------------


class FileDocument(Body, frozen=True):
    """One file of a job."""

    index: FileNumber
    id: Annotated[int | None, Meta(description="null if the request named the file by its key")]
    key: str
    state: FileState
    size: Size | None
    reason: Annotated[str | None, Meta(description="why it is not available")]
    etag: Annotated[str | None, Meta(description="of the version that was checked; null if none was found")]
    content_encoding: Annotated[str | None, Meta(description="as a HEAD reported it; null if none was sent")]
    address: Address


class ArchiveDocument(Body, frozen=True):
    """One archive of a job."""

    index: FileNumber
    filename: str
    size: Size
    entries: Count
    manifest: Annotated[
        str | None, Meta(description="the entry that lists every file and what became of it; null if not wanted")
    ]
    long_paths: Annotated[int, Meta(ge=0, description="entries over 240 characters, which Windows cannot extract")]
    parts: Count
    crc_source: Annotated[
        CrcSource, Meta(description="where the CRC-32s came from: copies, the store's metadata, or reading the files")
    ]
    verified: Annotated[bool, Meta(description="the store verifies the CRC-32 of the whole archive")]
    cost: Annotated[dict[str, int | str], Meta(description="planned: bytes, requests, dollars")]
    url: Annotated[Link | None, Meta(description="null until the job is ready")]
    address: Address


class JobDocument(JobSummary, frozen=True, kw_only=True):
    """A job with one page of its files."""

    files: list[FileDocument]
    result_urls: Annotated[
        list[Link | None] | None,
        Meta(description="a link for each of `files`, null if not available; null as a whole until the job is ready"),
    ]
    links_expire_at: Moment | None
    next_cursor: Cursor | None
    archives: list[ArchiveDocument]
    ticket: Ticket | None


class JobStarted(Body, frozen=True):
    """The answer to a new job."""

    job_id: JobId
    status: JobStatus
    total_file_ids: Annotated[Count | None, Meta(description="null for a prefix, which has not been listed yet")]
    duplicates: Annotated[Count, Meta(description="repetitions in the request, which are dropped")]
    links: JobLinks
    ticket: Ticket | None


class ObjectDocument(Body, frozen=True):
    """An object of the store that a request may name."""

    key: str
    size: Size
    last_modified: Moment
    archived: Annotated[bool, Meta(description="it has to be restored before it can be read")]


class ObjectsPage(Body, frozen=True):
    """Objects and folders, by key."""

    prefix: str
    objects: list[ObjectDocument]
    folders: list[str]
    next_cursor: Cursor | None


class JobsPage(Body, frozen=True):
    """Jobs, newest first."""

    jobs: list[JobSummary]
    next_cursor: Cursor | None


class EventDocument(Body, frozen=True):
    """One event of a job's audit trail."""

    kind: str
    at: Moment
    by: Annotated[str, Meta(description="the principal, or the part of the service")]
    request_id: Annotated[str, Meta(description="empty if no request caused it")]
    trace_id: Annotated[str, Meta(description="trace id of the request's `traceparent`, or empty")]
    details: dict[str, Any]


class EventsPage(Body, frozen=True):
    """A job's audit trail, oldest first."""

    events: list[EventDocument]
    next_cursor: Cursor | None


class StreamedEvent(Body, frozen=True):
    """One server-sent event; `data` is a job without its files, as JSON."""

    event: Literal["progress", "ready", "failed", "cancelled"]
    id: Annotated[str, Meta(description="version of the job; `Last-Event-ID` of the next request")]
    data: Annotated[
        str,
        Meta(
            extra_json_schema={
                "contentMediaType": "application/json",
                "contentSchema": {"$ref": "#/components/schemas/JobSummary"},
            }
        ),
    ]


# --- webhooks ---------------------------------------------------------------------------


class WebhookSecrets(Body, frozen=True):
    """What the webhooks of a caller's jobs are signed with."""

    secrets: Annotated[
        list[str],
        Meta(
            description="as Standard Webhooks has them, the current one first; the old one while it is being replaced"
        ),
    ]


# --- single files -----------------------------------------------------------------------


class CheckAnswer(Body, frozen=True):
    """Whether one file can be read; if not, `s3Key` and `size` are null."""

    file_id: int = msgspec.field(name="file_id")
    available: bool
    s3_key: str | None
    size: Size | None
    reason: Annotated[
        str | msgspec.UnsetType, Meta(description="why a file that exists cannot be read: archived, forbidden, ...")
    ] = msgspec.UNSET


class StartAnswer(Body, frozen=True):
    """The outcome for one file."""

    file_id: int = msgspec.field(name="file_id")
    status: Literal["completed", "failed"]
    download_url: Link | None
    size: Size | None
    processing_time_ms: Count
    message: str


# --- the service ------------------------------------------------------------------------


class IndexDocument(Body, frozen=True):
    """Name and version of the service, and its main links."""

    name: str
    version: str
    links: dict[str, Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]]


class HealthDocument(Body, frozen=True):
    """Whether the services that this one depends on answer."""

    status: Literal["healthy", "unhealthy"]
    checks: dict[str, Annotated[str, one_of(Literal["ok", "error"])]]


# --- errors and webhooks ----------------------------------------------------------------


class OffendingField(Body, frozen=True):
    """One invalid place of a request."""

    pointer: Annotated[str, Meta(description="JSON pointer (RFC 6901) into the body, or the parameter's name")]
    detail: str


class ProblemDocument(Body, frozen=True):
    """An error (RFC 9457). `error` is a stable code; `message` repeats `detail`."""

    type: Annotated[str, Meta(extra_json_schema={"format": "uri"})]
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str
    instance: str
    error: str
    message: str
    request_id: str
    errors: list[OffendingField] | UnsetType = UNSET


class EndedJob(Body, frozen=True):
    """The job that ended, and where to read it."""

    job_id: JobId
    status: Literal["ready", "failed", "cancelled"]
    label: Annotated[str | None, Meta(description="as in the request")]
    request: Asked
    expires_at: Moment
    links: JobLinks | UnsetType = UNSET


class JobEnded(Body, frozen=True):
    """The webhook that a job's `callbackUrl` receives when the job ends."""

    type: Literal["job.ready", "job.failed", "job.cancelled"]
    timestamp: Moment
    data: EndedJob
