"""Answers as JSON: what callers read of a job. Names are the contract's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from chalicelib.jobs.model import FileResult, FileState, Job, JobStatus, RequestedFile
from chalicelib.jobs.service import FilePage
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
        "total": job.total,
        "totalFileIds": job.total,
        "duplicates": job.duplicates,
        "counts": {
            "available": job.counts.available,
            "missing": job.counts.missing,
            "failed": job.counts.failed,
        },
        "bytes": {"total": job.size, "done": job.size if job.status is JobStatus.READY else 0},
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
        "files": [_file(page.first + n, file, result) for n, (file, result) in enumerate(page.files)],
        "resultUrls": [_link(minter, file, result) for file, result in page.files] if minter else None,
        "linksExpireAt": timestamp(minter.expires_at) if minter else None,
        "nextCursor": str(page.next_index) if page.next_index is not None else None,
    }


def job_links(job: Job, base: str) -> Document:
    """Where to go on from here; only what is possible in the job's status."""
    links = {"status": f"{base}/v1/download/status/{job.job_id}"}
    if job.status is JobStatus.READY:
        links["download"] = f"{base}/v1/download/{job.job_id}"
    if not job.status.ended:
        links["cancel"] = f"{base}/v1/download/{job.job_id}"
    return links


def timestamp(milliseconds: int | None) -> str | None:
    """RFC 3339 in UTC with milliseconds."""
    if milliseconds is None:
        return None
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _file(index: int, file: RequestedFile, result: FileResult) -> Document:
    return {
        "index": index,
        "id": file.file_id,
        "key": file.key,
        "state": result.state,
        "size": result.size,
        "reason": result.reason,
    }


def _link(minter: Minter, file: RequestedFile, result: FileResult) -> str | None:
    return minter.link(file.key) if result.state is FileState.AVAILABLE else None
