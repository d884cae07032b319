"""Every key of the table and of its indexes.

    partition          sort key                                  row
    JOB#<id>           JOB                                       the job
                       EVENT#<milliseconds>#<token>              a line of its audit trail
                       ERROR#<batch> | ERROR#job                 the latest error of a batch, or of the job as a whole
                       RUNS#<work>                               how often workers had a message in vain
                       SUB#<connection>                          a WebSocket that watches the job
                       CHANGED#<generation>#<token>              a source object that changed under an archive
                       PLAN#<generation>                         how far the planning of its archives has come
                       ARCHIVE#<generation>#<archive>            an archive
    JOB#<id>#<shard>   FILES#<batch>#<listing>                   the requested files of a batch
                       RESULT#<batch>#<listing>                  what became of them
                       RECEIPT#<generation>#<archive>#<phase>#<chunk>   what a chunk of an archive left behind
    CONN#<connection>  CONN                                      a WebSocket connection
    CALLS#<name>       CALLS                                     how often a caller called in a window
    FACT#<name>        FACT                                      something remembered about the store
    HEALTH             HEALTH                                    nothing: the health check asks for it

A partition takes about 1,000 write units a second, so rows that grow with the job are spread over shards. Numbers have
five digits, so that they sort. The index `open_jobs` (`open_shard`, `sweep_at`) holds jobs that have not ended or are
not cleaned up, `owned_jobs` (`owner`, `created_at`) all jobs of a principal; both hold keys only.
"""

from __future__ import annotations

import zlib
from typing import Any, Final

Row = dict[str, Any]  # attributes as DynamoDB has them: {"pk": {"S": "JOB#..."}}

OPEN_JOBS_INDEX: Final = "open_jobs"
OWNED_JOBS_INDEX: Final = "owned_jobs"

SHARDS: Final = 16  # of the rows of one job
OPEN_SHARDS: Final = tuple(f"open#{number}" for number in range(8))  # partitions of the index of open jobs

JOB: Final = "JOB"
EVENTS: Final = "EVENT#"
SUBSCRIPTIONS: Final = "SUB#"
ARCHIVES: Final = "ARCHIVE#"


def key(partition: str, sort: str) -> Row:
    """A key in DynamoDB's attributes."""
    return {"pk": {"S": partition}, "sk": {"S": sort}}


def partition(job_id: str) -> str:
    """Where the rows of a job lie whose number has a bound."""
    return f"JOB#{job_id}"


def shard(job_id: str, number: int) -> str:
    """Where the rows of one of a job's batches or chunks lie."""
    return f"JOB#{job_id}#{number % SHARDS:02x}"


def job_id_of(row: Row) -> str:
    """The job of any row of a job."""
    return str(row["pk"]["S"].split("#")[1])


def open_shard(job_id: str) -> str:
    """The partition of the index of open jobs that a job belongs to."""
    return OPEN_SHARDS[zlib.crc32(job_id.encode()) % len(OPEN_SHARDS)]


def job(job_id: str) -> Row:
    """Key of the job."""
    return key(partition(job_id), JOB)


def event(job_id: str, at: int, *, token: str) -> Row:
    """`at` is epoch milliseconds; `token` distinguishes events of one millisecond."""
    return key(partition(job_id), f"{EVENTS}{at:013d}#{token}")


def error(job_id: str, batch: int | None) -> Row:
    """Key of the last error of a batch, or (None) of the job itself."""
    return key(partition(job_id), "ERROR#job" if batch is None else f"ERROR#{batch:05d}")


def runs(job_id: str, work: str) -> Row:
    """`work` names what a message asks for."""
    return key(partition(job_id), f"RUNS#{work}")


def files(job_id: str, batch: int, *, listing: str) -> Row:
    """`listing` names the list of files that the batch is cut from: rows of two lists never mix."""
    return key(shard(job_id, batch), f"FILES#{batch:05d}#{listing}")


def result(job_id: str, batch: int, *, listing: str) -> Row:
    """Key of the results of a batch."""
    return key(shard(job_id, batch), f"RESULT#{batch:05d}#{listing}")


def batch_of(row: Row) -> int:
    """The number of the batch of a FILES or RESULT row."""
    return int(row["sk"]["S"].split("#")[1])


def subscription(job_id: str, connection_id: str) -> Row:
    """Key of the subscription of a connection to a job."""
    return key(partition(job_id), f"{SUBSCRIPTIONS}{connection_id}")


def plan(job_id: str, generation: int) -> Row:
    """Key of the saved state of planning."""
    return key(partition(job_id), f"PLAN#{generation:05d}")


def changed_prefix(generation: int) -> str:
    """What sort keys of files that changed start with."""
    return f"CHANGED#{generation:05d}#"


def changed(job_id: str, generation: int, *, token: str) -> Row:
    """Key of files that were found changed; `token` distinguishes those of two workers."""
    return key(partition(job_id), f"{changed_prefix(generation)}{token}")


def archive_prefix(generation: int) -> str:
    """What sort keys of a generation's archives start with."""
    return f"{ARCHIVES}{generation:05d}#"


def archive(job_id: str, generation: int, *, number: int) -> Row:
    """Key of an archive."""
    return key(partition(job_id), f"{archive_prefix(generation)}{number:05d}")


def receipt_prefix(generation: int, *, number: int, phase: str) -> str:
    """What sort keys of the receipts of a phase start with."""
    return f"RECEIPT#{generation:05d}#{number:05d}#{phase}#"


def receipt(job_id: str, generation: int, *, number: int, phase: str, chunk: int) -> Row:
    """Key of the receipt of a chunk."""
    return key(shard(job_id, chunk), f"{receipt_prefix(generation, number=number, phase=phase)}{chunk:05d}")


def chunk_of(row: Row) -> int:
    """The number of the chunk of a RECEIPT row."""
    return int(row["sk"]["S"].rpartition("#")[2])


def connection(connection_id: str) -> Row:
    """Key of a WebSocket connection."""
    return key(f"CONN#{connection_id}", "CONN")


def calls(name: str) -> Row:
    """Key of what is counted under a name."""
    return key(f"CALLS#{name}", "CALLS")


def fact(name: str) -> Row:
    """Key of something that workers remember for each other."""
    return key(f"FACT#{name}", "FACT")


def fact_name(row: Row) -> str:
    """What a FACT row is remembered under."""
    return str(row["pk"]["S"].removeprefix("FACT#"))


HEALTH: Final = key("HEALTH", "HEALTH")
