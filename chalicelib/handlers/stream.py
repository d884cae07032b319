"""The function behind the table's stream: changes of jobs become webhooks and WebSocket messages."""

from __future__ import annotations

from typing import Any

from chalicelib.container import services
from chalicelib.observability import count, logger, metrics

Event = dict[str, Any]

RESERVE_MS = 10_000  # no message is started with less time left: one may be slow, and those under way are awaited


def notify(event: Event, context: Any) -> Event:
    """Processes a batch of the stream. Raises if the batch must be repeated.

    It never reports a single record: what can fail is a queue or the table, which all records share.
    """
    from chalicelib.aws.stream_records import job_changes  # loads the table's rows, which no other trigger here needs

    count("StreamRecords", len(event["Records"]))
    try:
        sent = services().notifier.notify(
            job_changes(event["Records"]),
            time_left=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        )
        count("WebhooksOrdered", sent.webhooks)
        count("MessagesPushed", sent.messages)
        logger.info("notified", records=len(event["Records"]), webhooks=sent.webhooks, messages=sent.messages)
    finally:
        metrics.flush_metrics()
    return {"batchItemFailures": []}
