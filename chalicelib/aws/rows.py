"""How values lie in rows: plain ones as DynamoDB's attributes, and those of a job; keys.py has the keys.

Every row has a `ttl` (epoch seconds). A job's row has the names of Job's fields, so that its counters can be added to
one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeVar

import msgspec

from chalicelib.aws import keys
from chalicelib.aws.keys import Row
from chalicelib.jobs.model import Failure, FileResult, Job, JobEvent, RequestedFile

Attribute = dict[str, Any]


def attribute(value: Any) -> Attribute:
    """One value. Raises TypeError for a type that no row holds, such as float."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}  # of an enumeration its value
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {str(name): attribute(member) for name, member in value.items()}}
        case list() | tuple():
            return {"L": [attribute(member) for member in value]}
        case set() | frozenset() if value:
            return _set(value)
    raise TypeError(f"no attribute of a row holds {value!r}")


def _set(members: Set[Any]) -> Attribute:
    if all(isinstance(member, str) for member in members):
        return {"SS": sorted(members)}
    return {"NS": sorted(map(str, members))}


def attributes(values: Mapping[str, Any]) -> Row:
    """A row of these values; None is left out."""
    return {name: attribute(value) for name, value in values.items() if value is not None}


def plain(row: Row) -> dict[str, Any]:
    """The values of a row."""
    return {name: _value(stored) for name, stored in row.items()}


def _value(stored: Attribute) -> Any:
    ((kind, value),) = stored.items()
    match kind:
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return plain(value)
        case "L":
            return [_value(member) for member in value]
        case "SS":
            return frozenset(value)
        case "NS":
            return frozenset(map(int, value))
    return value


T = TypeVar("T")


def job_row(job: Job, *, ttl: int) -> Row:
    """The row of a job that has not ended."""
    more = {"batches": job.batches, "open_shard": keys.open_shard(job.job_id), "ttl": ttl}
    return {**keys.job(job.job_id), **attributes({**msgspec.to_builtins(job), **more})}


def job_from(row: Row) -> Job:
    """The job that its row holds."""
    return msgspec.convert(plain(row), Job)


def files_key(job: Job, batch: int) -> Row:
    """Key of the requested files of a batch."""
    return keys.files(job.job_id, batch, listing=job.listing_of(batch))


def result_key(job: Job, batch: int) -> Row:
    """Key of the results of a batch."""
    return keys.result(job.job_id, batch, listing=job.listing_of(batch))


def files_row(job: Job, batch: int, *, files: Sequence[RequestedFile], ttl: int) -> Row:
    """The row of the requested files of a batch."""
    return {**files_key(job, batch), **attributes({"files": _packed(files), "ttl": ttl})}


def files_from(row: Row) -> tuple[RequestedFile, ...]:
    """The requested files of a FILES row."""
    return _unpacked(row["files"]["B"], tuple[RequestedFile, ...])


def result_row(job: Job, batch: int, *, results: Sequence[FileResult], ttl: int, following: int | None = None) -> Row:
    """`following` is the batch that is to be sent in place of this one."""
    values = {"results": _packed(results), "following": following, "ttl": ttl}
    return {**result_key(job, batch), **attributes(values)}


def results_from(row: Row) -> tuple[FileResult, ...]:
    """The results of a RESULT row."""
    return _unpacked(row["results"]["B"], tuple[FileResult, ...])


def following_from(row: Row) -> int | None:
    """The batch that is to be sent in place of that of a RESULT row."""
    return int(row["following"]["N"]) if "following" in row else None


def _packed(values: Sequence[msgspec.Struct]) -> bytes:
    """Compressed to a half (results, mostly ETags) or a fifth (numbered files): write units count kilobytes."""
    return zlib.compress(msgspec.json.encode(values), level=1)


def _unpacked(body: bytes, kind: type[T]) -> T:
    return msgspec.json.decode(zlib.decompress(body), type=kind)


def error_row(job_id: str, batch: int | None, *, error: Failure, ttl: int) -> Row:
    """The row of the latest error of a batch, or (None) of the job as a whole."""
    values = {"code": error.code, "message": error.message, "ttl": ttl}
    return {**keys.error(job_id, batch), **attributes(values)}


def error_from(row: Row) -> Failure:
    """The error that an ERROR row holds."""
    values = plain(row)
    return Failure(values["code"], values["message"])


def event_row(job_id: str, event: JobEvent, *, token: str, ttl: int) -> Row:
    """Events of one millisecond have different tokens, and sort among themselves arbitrarily."""
    return {**keys.event(job_id, event.at, token=token), **attributes({**msgspec.to_builtins(event), "ttl": ttl})}


def event_from(row: Row) -> JobEvent:
    """The event that its row holds."""
    line = plain(row)
    if "reads" in line:
        line["details"] = {"count": line["links"], "reads": line["reads"]}
    return msgspec.convert(line, JobEvent)
