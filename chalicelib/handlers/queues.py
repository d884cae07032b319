"""What each queue's function does with one message."""

from __future__ import annotations

from typing import Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from chalicelib.container import services
from chalicelib.errors import UnreadableMessage
from chalicelib.handlers.batch import Event, run, run_records
from chalicelib.messages import CheckBatch, DispatchJob, ListPrefix, SendWebhook, decode, decode_any
from chalicelib.observability import count, logger

LEASE_SECONDS = 25.0  # work of a killed worker is taken up again after it


def dispatch(event: Event, context: Any) -> Event:
    """Jobs become batches."""
    return run(event, context, _dispatch, services().retries)


def check(event: Event, context: Any) -> Event:
    """Batches become results."""
    return run(event, context, _check, services().retries)


def assemble(event: Event, context: Any) -> Event:
    """Archives are planned, built and finished."""
    return run(event, context, _assemble, services().retries, lease=LEASE_SECONDS)


def dead_letters(event: Event, context: Any) -> Event:
    """Messages that gave up fail their jobs."""
    return run(event, context, _give_up, services().retries)


def webhook(event: Event, context: Any) -> Event:
    """Callback URLs are told how their jobs ended."""
    return run_records(event, context, _send_webhook, services().webhook_retries)


def _dispatch(body: str) -> None:
    message = decode(body, DispatchJob)
    sent = services().lifecycle.dispatch(message.job_id)
    logger.info("dispatched", job_id=message.job_id, batches=sent)


def _check(body: str) -> None:
    message = decode(body, CheckBatch)
    outcome = services().checker.check(message)
    count(f"Batches{outcome.capitalize()}")
    logger.info("checked", job_id=message.job_id, batch=message.batch, outcome=outcome)


def _assemble(body: str) -> None:
    message = decode_any(body)
    if isinstance(message, DispatchJob | CheckBatch):
        raise UnreadableMessage(f"{type(message).__name__} does not belong on the assembly queue")
    outcome: str
    if isinstance(message, ListPrefix):
        outcome = services().lister.find(message)
    else:
        outcome = services().assembly.handle(message)
    count(f"Assembly{outcome.capitalize()}")
    logger.info("assembled", job_id=message.job_id, body=body, outcome=outcome)


def _give_up(body: str) -> None:
    message = decode_any(body)
    failed = services().lifecycle.give_up(message)
    count("MessagesGivenUp")
    logger.error("message given up", job_id=message.job_id, body=body, job_failed=failed is not None)


def _send_webhook(record: SQSRecord) -> None:
    message = decode(record.body, SendWebhook)
    outcome = services().webhooks.deliver(message, first_sent=int(record.attributes.sent_timestamp))
    count(f"Webhooks{outcome.capitalize()}")
    logger.info("webhook", job_id=message.job_id, status=message.status, outcome=outcome)
