"""Parses records of the table's stream into changes of jobs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.aws import keys
from chalicelib.aws.keys import Row
from chalicelib.aws.rows import job_from
from chalicelib.delivery.notifier import JobChange
from chalicelib.jobs.model import Job
from chalicelib.observability import count, logger

Record = dict[str, Any]


def job_changes(records: Iterable[Record]) -> list[JobChange]:
    """Returns the changes of jobs among `records`, in order, without deletions.

    An unreadable record is logged and skipped: raising would block the records after it for a day.
    """
    found = []
    for record in records:
        try:
            change = _change(record)
        except Exception:  # a retry would fail the same way
            logger.exception("unreadable stream record", event_id=str(record.get("eventID", ""))[:64])
            count("StreamRecordsUnreadable")
            continue
        if change is not None:
            found.append(change)
    return found


def _change(record: Record) -> JobChange | None:
    change = record["dynamodb"]
    if change["Keys"]["sk"]["S"] != keys.JOB or "NewImage" not in change:
        return None
    return JobChange(_job(change.get("OldImage")), job_from(change["NewImage"]))


def _job(row: Row | None) -> Job | None:
    return job_from(row) if row else None
