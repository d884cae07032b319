"""Changes in the job table, as its stream tells them, become webhooks and messages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chalicelib.aws.stream_records import job_changes
from chalicelib.container import services
from chalicelib.handlers.batch import Event
from chalicelib.jobs.model import Job
from chalicelib.observability import count, logger, metrics

RESERVE_MS = 10_000  # no message is begun later: one may take its time, and those under way are waited for

# How the API tells of a job, given the base URL of links.
Summary = Callable[[Job, str], Any]


def notify(event: Event, context: Any, summary: Summary) -> Event:
    """Tell of a batch of the stream. Raises where the batch must come again as a whole.

    No single record is ever reported: what fails is a queue or the table, for all of them alike.
    """
    base = services().settings.public_url
    count("StreamRecords", len(event["Records"]))
    try:
        told = services().notifier.tell(
            job_changes(event["Records"]),
            lambda job: summary(job, base),
            time_left=lambda: context.get_remaining_time_in_millis() > RESERVE_MS,
        )
        count("WebhooksOrdered", told.webhooks)
        count("MessagesPushed", told.messages)
        logger.info("notified", records=len(event["Records"]), webhooks=told.webhooks, messages=told.messages)
    finally:
        metrics.flush_metrics()
    return {"batchItemFailures": []}
