"""The function behind the table's stream: changes of jobs become webhooks and WebSocket messages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from chalicelib.aws import keys
from chalicelib.aws.rows import job_from
from chalicelib.container import services
from chalicelib.delivery.notifier import JobChange
from chalicelib.observability import count, logger, metrics

Event = dict[str, Any]
Record = dict[str, Any]

RESERVE_MS = 10_000  # no message is started with less time left: one may be slow, and those under way are awaited


def notify(event: Event, context: Any) -> Event:
    """Processes a batch of the stream. Raises if the batch must be repeated.

    It never reports a single record: what can fail is a queue or the table, which all records share.
    """
    records = event["Records"]
    count("StreamRecords", len(records))
    try:
        sent = services().notifier.notify(
            job_changes(records),
            time_left=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        )
        count("WebhooksOrdered", sent.webhooks)
        count("MessagesPushed", sent.messages)
        logger.info("notified", records=len(records), webhooks=sent.webhooks, messages=sent.messages)
    finally:
        metrics.flush_metrics()
    return {"batchItemFailures": []}


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
    old = change.get("OldImage")
    return JobChange(job_from(old) if old else None, job_from(change["NewImage"]))
