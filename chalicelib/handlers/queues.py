"""Functions behind the queues, and the sweeper, which refills them.

Each handles its records one by one and reports those that failed, so that SQS redelivers only these.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from chalicelib.container import services
from chalicelib.errors import LorryError, QueueUnavailable, UnreadableMessage
from chalicelib.limits import SQS_MAX_DELAY_SECONDS
from chalicelib.messages import CheckBatch, DispatchJob, ListPrefix, SendWebhook, decode, decode_any
from chalicelib.observability import count, logger, metrics

if TYPE_CHECKING:
    from chalicelib.aws.sqs import Breaker, Heartbeat, Retries

Event = dict[str, Any]
Record = dict[str, Any]

LONGEST_DELAY = 100  # attempts after which the backoff grows no more
RESERVE_MS = 15_000  # the sweeper starts no other job with less time left


def dispatch(event: Event, context: Any) -> Event:
    """Splits jobs into batches."""
    return process(event, _dispatch, retries=services().retries, breaker=services().breaker)


def check(event: Event, context: Any) -> Event:
    """Checks the files of batches."""
    return process(event, _check, retries=services().retries, breaker=services().breaker)


def assemble(event: Event, context: Any) -> Event:
    """Lists prefixes; plans, builds and finishes archives."""

    def handle(record: Record) -> None:
        _assemble(record, seconds_left=lambda: context.get_remaining_time_in_millis() / 1000)

    return process(
        event, handle, retries=services().retries, heartbeat=services().heartbeat, breaker=services().breaker
    )


def dead_letters(event: Event, context: Any) -> Event:
    """Fails the jobs whose messages gave up, and sends those again that their workers had less often than received."""
    return process(event, _give_up, retries=services().retries, breaker=services().breaker)


def webhook(event: Event, context: Any) -> Event:
    """Sends webhooks."""
    return process(event, _send_webhook, retries=services().webhook_retries)


def sweep(event: Event, context: Any) -> dict[str, int]:
    """Restarts jobs that no message is working on."""
    moved = services().sweeper.sweep(time_left=lambda: context.get_remaining_time_in_millis() > RESERVE_MS)
    count("JobsSwept", moved)
    metrics.flush_metrics()
    logger.info("swept", moved=moved)
    return {"moved": moved}


def process(
    event: Event,
    handle: Callable[[Record], object],
    *,
    retries: Retries,
    heartbeat: Heartbeat | None = None,
    breaker: Breaker | None = None,
) -> Event:
    """Calls `handle` with each record and returns the ids of those it raised for, as SQS expects them.

    A failed record is retried after a delay of its own, an unreadable one is set aside at once. With a `heartbeat`, a
    record stays hidden while it is handled. While the `breaker` is open, records come back without having been tried.
    """
    records = event["Records"]
    count("Messages", len(records))
    try:
        failed = []
        for record in records:
            if breaker is not None and breaker.is_open:
                _spare(record, retries=retries)
                failed.append(record)
            elif not _succeeds(record, handle, retries=retries, heartbeat=heartbeat, breaker=breaker):
                failed.append(record)
    finally:
        metrics.flush_metrics()
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in failed]}


def _succeeds(
    record: Record,
    handle: Callable[[Record], object],
    *,
    retries: Retries,
    heartbeat: Heartbeat | None,
    breaker: Breaker | None,
) -> bool:
    hiding = heartbeat.hiding(record["eventSourceARN"], record["receiptHandle"]) if heartbeat else nullcontext()
    try:
        with hiding, breaker.watching() if breaker else nullcontext():
            handle(record)
    except UnreadableMessage as error:
        return _is_set_aside(record, error, retries=retries)
    except Exception as error:
        _retry_later(record, error, retries=retries)
        return False
    return True


def _is_set_aside(record: Record, error: UnreadableMessage, *, retries: Retries) -> bool:
    """Moves a message that no retry can help out of the way. False if that fails, so that it comes back.

    Left to its dead-letter queue, a message on the wrong queue would fail a healthy job.
    """
    try:
        retries.set_aside(record["eventSourceARN"], record["body"], reason=str(error))
    except QueueUnavailable as failure:
        _retry_later(record, failure, retries=retries)
        return False
    count("MessagesUnreadable")
    logger.error(
        "unreadable message set aside",
        queue=record["eventSourceARN"],
        body=record["body"][:500],
        attempt=int(record["attributes"]["ApproximateReceiveCount"]),
        error=str(error),
    )
    return True


def _retry_later(record: Record, error: Exception, *, retries: Retries) -> None:
    attempt = int(record["attributes"]["ApproximateReceiveCount"])
    hopeless = isinstance(error, LorryError) and not error.retryable
    seconds = 0 if hopeless else retries.delay(attempt=attempt)
    logger.warning(
        "message failed",
        exc_info=not isinstance(error, LorryError),
        queue=record["eventSourceARN"],
        body=record["body"][:500],
        attempt=attempt,
        next_in_seconds=seconds,
        error=str(error),
    )
    retries.postpone(record["eventSourceARN"], record["receiptHandle"], seconds=seconds)


def _spare(record: Record, *, retries: Retries) -> None:
    """Lets a message come back that was not tried, since a service did not answer the last one."""
    seconds = retries.delay(attempt=max(4, int(record["attributes"]["ApproximateReceiveCount"])))
    logger.info("message not tried", queue=record["eventSourceARN"], next_in_seconds=seconds)
    retries.postpone(record["eventSourceARN"], record["receiptHandle"], seconds=seconds)


def _is_redelivered(record: Record) -> bool:
    return int(record["attributes"]["ApproximateReceiveCount"]) > 1


def _dispatch(record: Record) -> None:
    message = decode(record["body"], DispatchJob)
    redelivered, sent = _is_redelivered(record), 0
    with services().lifecycle.running(message, redelivered=redelivered):
        sent = services().lifecycle.dispatch(message, redelivered=redelivered)
    logger.info("dispatched", job_id=message.job_id, batches=sent)


def _check(record: Record) -> None:
    message = decode(record["body"], CheckBatch)
    outcome: str = "dropped"
    redelivered = _is_redelivered(record)
    with services().lifecycle.running(message, redelivered=redelivered):
        outcome = services().checker.check(message, redelivered=redelivered)
    count(f"Batches{outcome.capitalize()}")
    logger.info("checked", job_id=message.job_id, batch=message.batch, outcome=outcome)


def _assemble(record: Record, *, seconds_left: Callable[[], float]) -> None:
    message = decode_any(record["body"])
    if isinstance(message, DispatchJob | CheckBatch):
        raise UnreadableMessage(f"{type(message).__name__} does not belong on the assembly queue")
    outcome: str = "dropped"
    redelivered = _is_redelivered(record)
    with services().lifecycle.running(message, redelivered=redelivered):
        if isinstance(message, ListPrefix):
            outcome = services().lister.find(message)
        else:
            outcome = services().assembly.handle(message, seconds_left, redelivered=redelivered)
    count(f"Assembly{outcome.capitalize()}")
    logger.info("assembled", job_id=message.job_id, body=record["body"], outcome=outcome)


def _give_up(record: Record) -> None:
    message = decode_any(record["body"])
    delay = services().retries.delay(attempt=LONGEST_DELAY)
    if services().lifecycle.send_again(message, delay=min(delay, SQS_MAX_DELAY_SECONDS)):
        count("MessagesSentAgain")
        logger.warning("dead letter sent again", job_id=message.job_id, body=record["body"], next_in_seconds=delay)
        return
    failed = services().lifecycle.give_up(message)
    if failed is not None:
        count("MessagesGivenUp")
    logger.error("message given up", job_id=message.job_id, body=record["body"], job_failed=failed is not None)


def _send_webhook(record: Record) -> None:
    message = decode(record["body"], SendWebhook)
    outcome = services().webhooks.deliver(message, first_sent=int(record["attributes"]["SentTimestamp"]))
    count(f"Webhooks{outcome.capitalize()}")
    logger.info("webhook", job_id=message.job_id, status=message.status, outcome=outcome)
