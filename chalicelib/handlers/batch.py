"""Runs a function over the records of an SQS batch and reports the failed ones, each with a delay of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.errors import LorryError
from chalicelib.handlers.lease import RetryPolicy, held
from chalicelib.observability import count, logger, metrics

Event = dict[str, Any]


def run(
    event: Event, context: Any, handle: Callable[[str], object], retries: RetryPolicy, *, lease: float | None = None
) -> Event:
    """Call `handle` with each record's body. Returns the ids of those it raised for: SQS redelivers only these.

    With `lease` (seconds), a record stays hidden only as long as its worker lives, however long it works.
    """
    return run_records(event, context, lambda record: handle(record.body), retries, lease=lease)


def run_records(
    event: Event,
    context: Any,
    handle: Callable[[SQSRecord], object],
    retries: RetryPolicy,
    *,
    lease: float | None = None,
) -> Event:
    """As `run`, for a `handle` that needs more of a record than its body."""

    def one(record: SQSRecord) -> object:
        try:
            with held(record, retries, lease) if lease else nullcontext():
                return handle(record)
        except Exception as error:
            _postpone(record, error, retries)
            raise

    processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)
    count("Messages", len(event["Records"]))
    try:
        return {**process_partial_response(event=event, record_handler=one, processor=processor, context=context)}
    finally:
        metrics.flush_metrics()


def _postpone(record: SQSRecord, error: Exception, retries: RetryPolicy) -> None:
    attempt = int(record.attributes.approximate_receive_count)
    hopeless = isinstance(error, LorryError) and not error.retryable
    seconds = 0 if hopeless else retries.delay(attempt=attempt)
    logger.warning(
        "message failed",
        exc_info=not isinstance(error, LorryError),
        queue=record.event_source_arn,
        body=record.body[:500],
        attempt=attempt,
        next_in_seconds=seconds,
        error=str(error),
    )
    retries.postpone(queue_arn=record.event_source_arn, receipt_handle=record.receipt_handle, seconds=seconds)
