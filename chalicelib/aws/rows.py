"""How the values of a job lie in its rows. Every row has a `ttl` (epoch seconds); keys.py has the keys.

A job's row has the names of Job's fields, so that its counters can be added to one by one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from chalicelib.aws import keys
from chalicelib.aws.attributes import attributes, plain
from chalicelib.aws.keys import Row
from chalicelib.jobs.model import Failure, FileResult, FileState, Job, JobEvent, RequestedFile


def job_row(job: Job, *, ttl: int) -> Row:
    """The row of a job that has not ended."""
    more = {"done": job.done or None, "batches": job.batches, "open_shard": keys.open_shard(job.job_id), "ttl": ttl}
    return {**keys.job(job.job_id), **attributes({**msgspec.to_builtins(job), **more})}


def job_from(row: Row) -> Job:
    return msgspec.convert(plain(row), Job)


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
    return {**keys.event(job_id, event.at, token), **attributes({**msgspec.to_builtins(event), "ttl": ttl})}


def event_from(row: Row) -> JobEvent:
    return msgspec.convert(plain(row), JobEvent)
