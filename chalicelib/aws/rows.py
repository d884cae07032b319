"""How the values of a job lie in its rows. Every row has a `ttl` (epoch seconds); keys.py has the keys."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from chalicelib.aws import keys
from chalicelib.aws.attributes import attributes, plain
from chalicelib.aws.keys import Row
from chalicelib.jobs.model import (
    Actor,
    ArchiveRequest,
    Assembly,
    Counts,
    Failure,
    FileResult,
    FileState,
    Job,
    JobEvent,
    JobStatus,
    RequestedFile,
    Stage,
)


def job_row(job: Job, *, ttl: int) -> Row:
    """The row of a new job."""
    values = {
        "id": job.job_id,
        "owner": job.owner,
        "status": job.status,
        "total": job.total,
        "batch_size": job.batch_size,
        "batches": job.batches,
        "duplicates": job.duplicates,
        "available": job.counts.available,
        "missing": job.counts.missing,
        "failed": job.counts.failed,
        "size": job.size,
        "link_ttl": job.link_ttl,
        "created_at": job.created_at,
        "updated_at": job.updated_at,
        "expires_at": job.expires_at,
        "open_shard": keys.open_shard(job.job_id),
        "sweep_at": job.sweep_at,
        "sweeps": job.sweeps,
        "archive": asdict(job.archive) if job.archive else None,
        "prefix": job.prefix or None,
        "callback_url": job.callback_url or None,
        "generation": job.assembly.generation,
        "replans": job.assembly.replans,
        "replanned": job.assembly.replanned,
        "min_progress": job.assembly.min_progress,
        "assembled": job.assembly.done,
        "to_assemble": job.assembly.total,
        "version": job.version,
        "ttl": ttl,
    }
    return {**keys.job(job.job_id), **attributes(values)}


def job_from(row: Row) -> Job:
    values = plain(row)
    error, stage = values.get("error"), values.get("stage")
    return Job(
        job_id=values["id"],
        owner=values["owner"],
        status=JobStatus(values["status"]),
        stage=Stage(stage) if stage else None,
        total=values["total"],
        batch_size=values["batch_size"],
        duplicates=values["duplicates"],
        counts=Counts(values["available"], values["missing"], values["failed"]),
        size=values["size"],
        done=values.get("done", frozenset()),
        error=Failure(**error) if error else None,
        link_ttl=values["link_ttl"],
        created_at=values["created_at"],
        updated_at=values["updated_at"],
        finished_at=values.get("finished_at"),
        expires_at=values["expires_at"],
        sweep_at=values.get("sweep_at", 0),
        sweeps=values["sweeps"],
        archive=ArchiveRequest(**values["archive"]) if "archive" in values else None,
        assembly=_assembly(values),
        prefix=values.get("prefix", ""),
        listing=values.get("listing", ""),
        callback_url=values.get("callback_url", ""),
        version=values["version"],
    )


def _assembly(values: dict[str, Any]) -> Assembly:
    return Assembly(
        generation=values["generation"],
        changed=tuple(values.get("changed", ())),
        replans=values["replans"],
        replanned=values["replanned"],
        min_progress=values["min_progress"],
        done=values["assembled"],
        total=values["to_assemble"],
    )


def files_row(job_id: str, batch: int, files: Sequence[RequestedFile], *, ttl: int, listing: str = "") -> Row:
    body = json.dumps([[file.key, file.file_id] for file in files], separators=(",", ":"), ensure_ascii=False)
    return {**keys.files(job_id, batch, listing), **attributes({"files": body, "ttl": ttl})}


def files_from(row: Row) -> tuple[RequestedFile, ...]:
    return tuple(RequestedFile(key, file_id) for key, file_id in json.loads(row["files"]["S"]))


def result_row(job_id: str, batch: int, results: Sequence[FileResult], *, ttl: int, listing: str = "") -> Row:
    rows = [[str(r.state), r.size, r.etag, r.modified, r.crc32, r.reason] for r in results]
    body = json.dumps(rows, separators=(",", ":"))
    return {**keys.result(job_id, batch, listing), **attributes({"results": body, "ttl": ttl})}


def results_from(row: Row) -> tuple[FileResult, ...]:
    return tuple(FileResult(FileState(state), *rest) for state, *rest in json.loads(row["results"]["S"]))


def error_row(job_id: str, batch: int | None, last_error: Failure, *, ttl: int) -> Row:
    values = {"code": last_error.code, "message": last_error.message, "ttl": ttl}
    return {**keys.error(job_id, batch), **attributes(values)}


def error_from(row: Row) -> Failure:
    values = plain(row)
    return Failure(values["code"], values["message"])


def event_row(job_id: str, event: JobEvent, *, token: str, ttl: int) -> Row:
    """Events of one millisecond are told apart by their tokens, and sort among themselves arbitrarily."""
    values = {"kind": event.kind, "at": event.at, "actor": asdict(event.actor), "details": event.details, "ttl": ttl}
    return {**keys.event(job_id, event.at, token), **attributes(values)}


def event_from(row: Row) -> JobEvent:
    values = plain(row)
    return JobEvent(values["kind"], values["at"], Actor(**values["actor"]), values["details"])
