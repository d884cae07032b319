"""Answers as JSON: what callers read of a job. Names are the contract's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from chalicelib.assembly.model import Archive
from chalicelib.jobs.model import FileResult, FileState, Job, JobStatus, RequestedFile
from chalicelib.jobs.service import FilePage, retryable
from chalicelib.links.minter import Minter

Document = dict[str, Any]


def job_summary(job: Job, base: str) -> Document:
    """A job without its files."""
    return {
        "jobId": job.job_id,
        "status": job.status,
        "stage": job.stage,
        "progress": job.progress,
        "processed": job.counts.processed,
        "total": job.total if job.listed else None,
        "totalFileIds": job.total if job.listed else None,
        "duplicates": job.duplicates,
        "counts": {
            "available": job.counts.available,
            "missing": job.counts.missing,
            "failed": job.counts.failed,
        },
        "archive": _wanted_archive(job),
        "bytes": _bytes(job),
        "error": {"code": job.error.code, "message": job.error.message} if job.error else None,
        "createdAt": timestamp(job.created_at),
        "updatedAt": timestamp(job.updated_at),
        "finishedAt": timestamp(job.finished_at),
        "expiresAt": timestamp(job.expires_at),
        "links": job_links(job, base),
    }


def job_status(job: Job, page: FilePage, minter: Minter | None, base: str) -> Document:
    """A job with one page of its files; with links if there is a minter (the job is ready)."""
    return {
        **job_summary(job, base),
        "files": [_file(job, base, page.first + n, row) for n, row in enumerate(page.files)],
        "resultUrls": [_link(minter, file, result) for file, result in page.files] if minter else None,
        "linksExpireAt": timestamp(minter.expires_at) if minter else None,
        "nextCursor": str(page.next_index) if page.next_index is not None else None,
    }


def archive_documents(job: Job, archives: Sequence[Archive], minter: Minter | None, base: str) -> list[Document]:
    """The archives of a job, with links if there is a minter."""
    return [
        {
            "index": index,
            "filename": archive.filename,
            "size": archive.size,
            "entries": archive.entries,
            "parts": archive.parts,
            "crcSource": archive.crc_source,
            "verified": archive.verified,
            "cost": archive.cost,
            "url": minter.link(archive.key, filename=archive.filename) if minter else None,
            "address": f"{base}/v1/download/{job.job_id}/archives/{index}",
        }
        for index, archive in enumerate(archives)
    ]


def _wanted_archive(job: Job) -> Document | None:
    """The archive that was asked for, None if none was."""
    if job.archive is None:
        return None
    wanted = job.archive
    return {"filename": wanted.filename or None, "layout": wanted.layout, "onMissing": wanted.on_missing}


def _bytes(job: Job) -> Document:
    """Of the archive while it is assembled, else of the available files."""
    ready = job.status is JobStatus.READY
    if job.assembly.total:
        total = job.assembly.total
        return {"total": total, "done": total if ready else min(total, job.assembly.done)}
    return {"total": job.size, "done": job.size if ready else 0}


def job_links(job: Job, base: str) -> Document:
    """Where to go on from here; only what is possible in the job's status."""
    links = {"status": f"{base}/v1/download/status/{job.job_id}"}
    if job.status is JobStatus.READY:
        links["download"] = f"{base}/v1/download/{job.job_id}"
    if retryable(job):
        links["retry"] = f"{base}/v1/download/{job.job_id}/retry"
    if not job.status.ended:
        links["cancel"] = f"{base}/v1/download/{job.job_id}"
    return links


def timestamp(milliseconds: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _file(job: Job, base: str, index: int, row: tuple[RequestedFile, FileResult]) -> Document:
    file, result = row
    return {
        "index": index,
        "id": file.file_id,
        "key": file.key,
        "state": result.state,
        "size": result.size,
        "reason": result.reason,
        "address": f"{base}/v1/download/{job.job_id}/files/{index}",
    }


def _link(minter: Minter, file: RequestedFile, result: FileResult) -> str | None:
    return minter.link(file.key) if result.state is FileState.AVAILABLE else None
