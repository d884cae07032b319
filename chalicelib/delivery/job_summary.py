"""A job as clients see it, and the event that carries it.

Status answers, server-sent events and WebSocket messages render a job here, so all of them say the same.
Times are RFC 3339 in UTC, sizes bytes. A field without a default is always present; null means no value.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
from msgspec import UNSET, Meta, UnsetType

from chalicelib.jobs.model import Job, JobStatus, Layout, NamedBy, OnMissing, Step
from chalicelib.jobs.service import retryable


def one_of(choices: Any) -> Meta:
    """Documents the values of a string that the code itself does not restrict."""
    return Meta(extra_json_schema={"enum": list(get_args(choices))})


Count = Annotated[int, Meta(ge=0)]
Size = Annotated[int, Meta(ge=0, description="in bytes")]
Moment = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
JobId = Annotated[str, Meta(extra_json_schema={"format": "uuid"})]
Address = Annotated[
    str,
    Meta(
        description="URL of this API, valid as long as the job is kept", extra_json_schema={"format": "uri-reference"}
    ),
]
Percent = Annotated[int, Meta(ge=0, le=100, description="never goes back; 100 only when ready")]


class Body(msgspec.Struct, frozen=True, rename="camel"):
    """Names in JSON are camelCase, except where the contract says `file_id`."""


class Counts(Body, frozen=True):
    """Files by result."""

    available: Count
    missing: Count
    failed: Count
    folders: Annotated[Count, Meta(description="markers: keys that end in a slash, without bytes")]


class WantedArchive(Body, frozen=True):
    """The archive that was requested."""

    filename: str | None
    layout: Annotated[str, one_of(Layout)]
    on_missing: Annotated[str, one_of(OnMissing)]
    manifest: bool


class Asked(Body, frozen=True):
    """How the request named its files."""

    by: Annotated[str, one_of(NamedBy)]
    count: Annotated[Count | None, Meta(description="ids or keys, repetitions included; null for a prefix")]
    prefix: str | None


class Bytes(Body, frozen=True):
    """Of the archive while it is assembled, else of the available files."""

    total: Size
    done: Size


class JobFailure(Body, frozen=True):
    """Why a job failed."""

    code: str
    message: str


class JobLinks(Body, frozen=True):
    """What is possible in the job's status."""

    status: Address
    download: Address | UnsetType = UNSET
    retry: Address | UnsetType = UNSET
    cancel: Address | UnsetType = UNSET


class JobSummary(Body, frozen=True):
    """A job without its files."""

    job_id: JobId
    label: Annotated[str | None, Meta(description="as in the request")]
    request: Annotated[Asked, Meta(description="what was asked for")]
    status: JobStatus
    stage: Annotated[Step | None, Meta(description="what a processing job is doing")]
    progress: Percent
    processed: Count
    total: Annotated[Count | None, Meta(description="files; null until a prefix is listed")]
    total_file_ids: Annotated[Count | None, Meta(description="the same as `total`")]
    duplicates: Annotated[Count, Meta(description="files that the request names more than once; each is kept once")]
    counts: Counts
    archive: WantedArchive | None
    bytes: Bytes
    error: JobFailure | None
    created_at: Moment
    updated_at: Moment
    finished_at: Moment | None
    expires_at: Moment
    links: JobLinks


def job_summary(job: Job, base: str) -> JobSummary:
    """Renders a job without its files. `base` is the URL that the routes of the API begin with."""
    return JobSummary(
        job_id=job.job_id,
        label=job.label or None,
        request=asked(job),
        status=job.status,
        stage=job.step,
        progress=job.progress,
        processed=job.counts.processed,
        total=known_total(job),
        total_file_ids=known_total(job),
        duplicates=job.duplicates,
        counts=Counts(**msgspec.structs.asdict(job.counts)),
        archive=_wanted_archive(job),
        bytes=_bytes(job),
        error=JobFailure(job.error.code, job.error.message) if job.error else None,
        created_at=timestamp(job.created_at),
        updated_at=timestamp(job.updated_at),
        finished_at=None if job.finished_at is None else timestamp(job.finished_at),
        expires_at=timestamp(job.expires_at),
        links=job_links(job, base),
    )


def asked(job: Job) -> Asked:
    """Renders what the job was asked for."""
    return Asked(job.named_by, None if job.prefix else job.total + job.duplicates, job.prefix or None)


def job_links(job: Job, base: str) -> JobLinks:
    """The URLs that make sense in the job's status."""
    address = f"{base}/v1/download/{job.job_id}"
    return JobLinks(
        status=f"{base}/v1/download/status/{job.job_id}",
        download=address if job.status is JobStatus.READY else UNSET,
        retry=f"{address}/retry" if retryable(job) else UNSET,
        cancel=UNSET if job.status.ended else address,
    )


def timestamp(milliseconds: int) -> str:
    """Renders epoch milliseconds as RFC 3339 in UTC, with milliseconds."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def known_total(job: Job) -> int | None:
    """The number of files; None until a prefix is listed."""
    return job.total if job.listed else None


def event_name(job: Job) -> str:
    """Returns `progress` until the job ends, then its final status."""
    return str(job.status) if job.status.ended else "progress"


def event_message(job: Job, base: str) -> bytes:
    """Renders the event as one JSON text. `id` grows with each change, so that a reader can put events in order."""
    message = {"event": event_name(job), "id": job.version, "jobId": job.job_id, "data": job_summary(job, base)}
    return msgspec.json.encode(message)


def _wanted_archive(job: Job) -> WantedArchive | None:
    if job.archive is None:
        return None
    wanted = job.archive
    return WantedArchive(wanted.filename or None, wanted.layout, wanted.on_missing, wanted.manifest)


def _bytes(job: Job) -> Bytes:
    ready = job.status is JobStatus.READY
    if job.to_assemble:
        total = job.to_assemble
        return Bytes(total, total if ready else min(total, job.assembled))
    return Bytes(job.size, job.size if ready else 0)
