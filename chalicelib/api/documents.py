"""Answers about jobs and limits, built from what the service knows."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chalicelib import limits
from chalicelib.api.answers import ArchiveDocument, EventDocument, FileDocument, JobDocument, JobStarted
from chalicelib.api.limits_answer import (
    ArchiveLimits,
    BodyLimits,
    CallbackUrlLimits,
    FileLimits,
    IdempotencyKeyLimits,
    JobLimits,
    KeyLimits,
    LimitsDocument,
    LinkLimits,
    PageLimits,
    RateLimits,
    WebsocketLimits,
)
from chalicelib.assembly.model import Archive
from chalicelib.delivery.job_summary import job_links, job_summary, known_total
from chalicelib.delivery.links import Minter
from chalicelib.jobs.model import FileResult, FileState, Job, JobEvent, RequestedFile
from chalicelib.jobs.service import FilePage
from chalicelib.settings import Settings
from chalicelib.timestamps import timestamp


def job_started(job: Job, base: str) -> JobStarted:
    """The answer to a new job. Without a ticket."""
    return JobStarted(
        job_id=job.job_id,
        status=job.status,
        total_file_ids=known_total(job),
        duplicates=job.duplicates,
        links=job_links(job, base),
        ticket=None,
    )


def job_status(job: Job, page: FilePage, minter: Minter | None, base: str) -> JobDocument:
    """A job with one page of its files; with links if there is a minter (the job is ready). Without archives."""
    return JobDocument(
        **msgspec.structs.asdict(job_summary(job, base)),
        files=[_file(job, base, page.first + n, row) for n, row in enumerate(page.files)],
        result_urls=[_link(minter, file, result) for file, result in page.files] if minter else None,
        links_expire_at=timestamp(minter.expires_at) if minter else None,
        next_cursor=str(page.next_index) if page.next_index is not None else None,
        archives=[],
        ticket=None,
    )


def archive_documents(job: Job, archives: Sequence[Archive], minter: Minter | None, base: str) -> list[ArchiveDocument]:
    """The archives of a job, with links if there is a minter."""
    return [
        ArchiveDocument(
            index=index,
            filename=archive.filename,
            size=archive.size,
            entries=archive.entries,
            parts=archive.parts,
            crc_source=archive.crc_source,
            verified=archive.verified,
            cost=archive.cost,
            url=minter.link(archive.key, filename=archive.filename) if minter else None,
            address=f"{base}/v1/download/{job.job_id}/archives/{index}",
        )
        for index, archive in enumerate(archives)
    ]


def event_document(event: JobEvent) -> EventDocument:
    """One line of a job's audit trail."""
    actor = event.actor
    return EventDocument(
        kind=event.kind,
        at=timestamp(event.at),
        by=actor.by,
        request_id=actor.request_id,
        trace_id=actor.trace_id,
        details=event.details,
    )


def limits_document(settings: Settings) -> LimitsDocument:
    """Every limit that the service enforces: the figures that the validators use."""
    # Only long-lived keys of a store sign for days; what a role signs dies with its session.
    longest = limits.S3_MAX_PRESIGN_SECONDS if settings.s3_access_key_id else limits.LINK_TTL_MAX_SECONDS
    return LimitsDocument(
        files=FileLimits(limits.MAX_FILES_PER_JOB, limits.FILE_ID_MIN, limits.FILE_ID_MAX),
        body=BodyLimits(limits.MAX_BODY_BYTES),
        keys=KeyLimits(limits.S3_MAX_KEY_BYTES, settings.s3_allowed_prefix),
        pages=PageLimits(limits.MAX_PAGE_FILES, limits.MAX_PAGE_JOBS, limits.MAX_PAGE_EVENTS),
        links=LinkLimits(limits.LINK_TTL_MIN_SECONDS, longest),
        jobs=JobLimits(settings.job_ttl_seconds),
        archive=ArchiveLimits(settings.archive_max_bytes),
        callback_url=CallbackUrlLimits(limits.MAX_CALLBACK_URL_CHARACTERS),
        idempotency_key=IdempotencyKeyLimits(limits.MAX_IDEMPOTENCY_KEY_CHARACTERS, settings.idempotency_ttl_seconds),
        rate=RateLimits(
            settings.rate_limit_max_requests,
            -(-settings.rate_limit_window_ms // 1000),
            settings.rate_limit_stream_requests,
        ),
        websocket=WebsocketLimits(limits.MAX_SUBSCRIPTIONS),
    )


def _file(job: Job, base: str, index: int, row: tuple[RequestedFile, FileResult]) -> FileDocument:
    file, result = row
    return FileDocument(
        index=index,
        id=file.file_id,
        key=file.key,
        state=result.state,
        size=result.size,
        reason=result.reason,
        address=f"{base}/v1/download/{job.job_id}/files/{index}",
    )


def _link(minter: Minter, file: RequestedFile, result: FileResult) -> str | None:
    return minter.link(file.key) if result.state is FileState.AVAILABLE else None
