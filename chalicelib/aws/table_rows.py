"""The table's keys and rows, and nothing else: how each value of a job lies in DynamoDB.

    pk          sk               holds
    JOB#<id>    JOB              the job; `driven` + `sweepAt` index jobs that have not ended, `owner` + `createdAt` all
                FILES#<batch>    the requested files of one batch
                RESULT#<batch>   what became of them
                ERROR#<batch>  the latest last_error of a batch (ERROR#job: of the job as a whole)
                EVENT#<ms>#<n>   the audit trail
                SUB#<conn>       a WebSocket that watches the job (dynamodb_subscriptions)

Numbers of batches have five digits, so they sort. `ttl` (epoch seconds) is set on every item.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

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

Row = dict[str, Any]

OPEN_JOBS_INDEX = "driven"
OWNED_INDEX = "owned"
EVENT_PREFIX = "EVENT#"
OPEN = "yes"  # the one partition of the index of jobs that have not ended

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def attributes(values: dict[str, Any]) -> Row:
    """Plain values as DynamoDB attributes; None is left out."""
    return {name: _serialize(value) for name, value in values.items() if value is not None}


def plain(row: Row) -> dict[str, Any]:
    """DynamoDB attributes as plain values; numbers are Decimal."""
    return {name: _deserialize(value) for name, value in row.items()}


def partition(job_id: str) -> str:
    return f"JOB#{job_id}"


def job_key(job_id: str) -> Row:
    return attributes({"pk": partition(job_id), "sk": "JOB"})


def batch_key(job_id: str, kind: str, batch: int | None, listing: str = "") -> Row:
    """Key of the FILES, RESULT or TROUBLE item of a batch. Listings do not share items: two may run at once."""
    number = "job" if batch is None else f"{batch:05d}"
    return attributes({"pk": partition(job_id), "sk": f"{kind}#{number}" + (f"#{listing}" if listing else "")})


def job_row(job: Job, *, ttl: int) -> Row:
    """The row of a new job."""
    values = {
        "id": job.job_id,
        "owner": job.owner,
        "status": str(job.status),
        "total": job.total,
        "batchSize": job.batch_size,
        "batches": job.batches,
        "duplicates": job.duplicates,
        "available": 0,
        "missing": 0,
        "failed": 0,
        "size": 0,
        "linkTtl": job.link_ttl,
        "createdAt": job.created_at,
        "updatedAt": job.updated_at,
        "expiresAt": job.expires_at,
        "driven": OPEN,
        "sweepAt": job.sweep_at,
        "sweeps": 0,
        "archive": asdict(job.archive) if job.archive else None,
        "prefix": job.prefix or None,
        "callbackUrl": job.callback_url or None,
        "version": job.version,
        "ttl": ttl,
    }
    return {**job_key(job.job_id), **attributes(values)}


def bump_version(update: Row) -> Row:
    """An update of the job's row that also counts its versions. Its expression must have a SET clause."""
    expression = update["UpdateExpression"].replace("SET ", "SET version = if_not_exists(version, :v1) + :v1, ", 1)
    values = {**update["ExpressionAttributeValues"], **attributes({":v1": 1})}
    return {**update, "UpdateExpression": expression, "ExpressionAttributeValues": values}


def job_from(row: Row) -> Job:
    values = plain(row)
    error = values.get("error")
    finished = values.get("finishedAt")
    stage = values.get("stage")
    return Job(
        job_id=values["id"],
        owner=values["owner"],
        status=JobStatus(values["status"]),
        stage=Stage(stage) if stage else None,
        total=int(values["total"]),
        batch_size=int(values["batchSize"]),
        duplicates=int(values["duplicates"]),
        counts=Counts(int(values["available"]), int(values["missing"]), int(values["failed"])),
        size=int(values["size"]),
        done=frozenset(int(number) for number in values.get("done", ())),
        error=Failure(error["code"], error["message"]) if error else None,
        link_ttl=int(values["linkTtl"]),
        created_at=int(values["createdAt"]),
        updated_at=int(values["updatedAt"]),
        finished_at=int(finished) if finished is not None else None,
        expires_at=int(values["expiresAt"]),
        sweep_at=int(values.get("sweepAt", 0)),
        sweeps=int(values["sweeps"]),
        archive=ArchiveRequest(**values["archive"]) if "archive" in values else None,
        assembly=_assembly(values),
        prefix=values.get("prefix", ""),
        listing=values.get("listing", ""),
        callback_url=values.get("callbackUrl", ""),
        version=int(values.get("version", 1)),
    )


def _assembly(values: dict[str, Any]) -> Assembly:
    return Assembly(
        generation=int(values.get("generation", 1)),
        changed=tuple(values.get("changed", ())),
        replans=int(values.get("replans", 0)),
        replanned=int(values.get("replanned", 1)),
        min_progress=int(values.get("min_progress", 0)),
        done=int(values.get("assembled", 0)),
        total=int(values.get("toAssemble", 0)),
    )


def files_row(job_id: str, batch: int, files: Sequence[RequestedFile], *, ttl: int, listing: str = "") -> Row:
    body = json.dumps([[file.key, file.file_id] for file in files], separators=(",", ":"), ensure_ascii=False)
    return {**batch_key(job_id, "FILES", batch, listing), **attributes({"files": body, "ttl": ttl})}


def files_from(row: Row) -> tuple[RequestedFile, ...]:
    return tuple(RequestedFile(key, file_id) for key, file_id in json.loads(row["files"]["S"]))


def result_row(job_id: str, batch: int, results: Sequence[FileResult], *, ttl: int, listing: str = "") -> Row:
    rows = [[str(r.state), r.size, r.etag, r.modified, r.crc32, r.reason] for r in results]
    body = json.dumps(rows, separators=(",", ":"))
    return {**batch_key(job_id, "RESULT", batch, listing), **attributes({"results": body, "ttl": ttl})}


def results_from(row: Row) -> tuple[FileResult, ...]:
    return tuple(FileResult(FileState(state), *rest) for state, *rest in json.loads(row["results"]["S"]))


def error_row(job_id: str, batch: int | None, last_error: Failure, *, ttl: int) -> Row:
    values = {"code": last_error.code, "message": last_error.message, "ttl": ttl}
    return {**batch_key(job_id, "ERROR", batch), **attributes(values)}


def event_row(job_id: str, event: JobEvent, *, ttl: int) -> Row:
    """Events of one millisecond are told apart by chance, and sort among themselves arbitrarily."""
    values = {
        "pk": partition(job_id),
        "sk": f"{EVENT_PREFIX}{event.at:013d}#{secrets.token_hex(4)}",
        "kind": event.kind,
        "at": event.at,
        "origin": asdict(event.actor),
        "details": event.details,
        "ttl": ttl,
    }
    return attributes(values)


def event_from(row: Row) -> JobEvent:
    values = plain(row)
    details = {name: int(value) if isinstance(value, Decimal) else value for name, value in values["details"].items()}
    return JobEvent(values["kind"], int(values["at"]), Actor(**values["origin"]), details)


def job_id_of(key: Row) -> str:
    """The job of any key or row of the table or its indexes."""
    return str(key["pk"]["S"]).removeprefix("JOB#")
