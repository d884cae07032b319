"""From a job's checked files to the plans of its archives. Pure: the same job and results, the same plans."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping

from chalicelib.archive import entries
from chalicelib.archive.archives import ArchiveBrief, ArchivePlan, plan_archives
from chalicelib.archive.names import NameLayout
from chalicelib.archive.rules import S3, S3Limits
from chalicelib.jobs.files import CheckedFile
from chalicelib.jobs.model import ArchiveRequest, FileResult, FileState, Job, RequestedFile


def archive_plans(
    job: Job, files: Iterable[CheckedFile], *, max_bytes: int, crcs: Mapping[str, int], limits: S3Limits = S3
) -> list[ArchivePlan]:
    """The plan of each archive of the job. `crcs` are CRC-32s by key that the results do not have."""
    request = job.archive or ArchiveRequest()
    brief = ArchiveBrief(
        job_id=job.job_id,
        created=job.created_at // 1000,
        layout=NameLayout(request.layout),
        prefix=request.prefix,
        max_bytes=max_bytes,
    )
    rows = [_row(index, file, result, crcs) for index, (file, result) in enumerate(files)]
    return list(plan_archives(rows, brief, s3_limits=limits))


def cost_report(plan: ArchivePlan) -> dict[str, int | str]:
    """What the plan costs: bytes through workers and within S3, requests, and dollars of S3 in us-east-1."""
    cost = plan.cost
    return {
        "bytesRead": cost.read,
        "bytesWritten": cost.written,
        "bytesCopied": cost.copied + cost.staged,
        "requests": cost.requests,
        "dollars": f"{cost.dollars:.6f}",
    }


def fingerprint(plan: ArchivePlan) -> str:
    """Equal for equal layouts: where every entry lies, and how it is called."""
    layout = plan.layout
    names = "\n".join(entry.name for entry in layout.entries).encode()
    return f"{zlib.crc32(layout.offsets.tobytes()):08x}{zlib.crc32(names):08x}"


def _row(index: int, file: RequestedFile, result: FileResult, crcs: Mapping[str, int]) -> entries.RequestedFile:
    available = result.state is FileState.AVAILABLE
    return entries.RequestedFile(
        index=index,
        key=file.key,
        file_id=file.file_id,
        state=entries.INCLUDED if available else str(result.state),
        reason=result.reason,
        size=result.size,
        etag=result.etag,
        modified=(result.modified or 0) // 1000,
        crc32=crcs.get(file.key, result.crc32) if available else None,
    )
