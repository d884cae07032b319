"""Tells a job's callback URL that the job ended: one signed POST an attempt, at least once in all.

The queue repeats attempts that raise. The id of a webhook follows from the job and its end, so that a receiver
knows a second copy; what it says is thin, so that an old copy cannot mislead: the receiver reads the job's status.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import Any

from chalicelib.delivery.ports import JobTrail, Sender
from chalicelib.delivery.signatures import signed_headers
from chalicelib.errors import UnsafeCallbackUrl, WebhookFailed, WebhookUnreachable
from chalicelib.jobs.model import Actor, JobEvent
from chalicelib.messages import SendWebhook
from chalicelib.observability import logger
from chalicelib.timestamps import timestamp

WEBHOOK = Actor(by="webhook")
GIVE_UP_AFTER_MS = 24 * 3600 * 1000


class Delivery(StrEnum):
    """What came of a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # the receiver wants no more of it, or its URL is not to be called
    DROPPED = "dropped"  # the job is gone or has nobody to tell
    GIVEN_UP = "givenup"  # no attempt succeeded in time; the message is parked


@dataclass(frozen=True, slots=True)
class WebhookDeliverer:
    """`secrets()` are the current one and, while they change, the previous; `now()` is epoch milliseconds.

    `park` puts a message where an operator finds it. `public_url` is the API's base URL without a slash at its end;
    without it, webhooks hold no links.
    """

    jobs: JobTrail
    sender: Sender
    secrets: Callable[[], tuple[str, ...]]
    now: Callable[[], int]
    park: Callable[[SendWebhook], None]
    public_url: str = ""

    def deliver(self, message: SendWebhook, *, first_sent: int) -> Delivery:
        """Make one attempt. `first_sent` is when the message was first put on the queue, in epoch milliseconds.

        Raises WebhookFailed or WebhookUnreachable, to be tried again, each noted before; InvalidSettings if there is
        no fit secret; QueueUnavailable if the message cannot be parked.
        """
        job = self.jobs.get(message.job_id)
        if job is None or not job.callback_url:
            logger.info("webhook dropped", job_id=message.job_id, reason="no job" if job is None else "no callback URL")
            return Delivery.DROPPED
        if self.now() - first_sent > GIVE_UP_AFTER_MS:
            self.park(message)
            self._note(message, "webhook_given_up", {})
            return Delivery.GIVEN_UP
        return self._attempt(message, job.callback_url)

    def _attempt(self, message: SendWebhook, url: str) -> Delivery:
        body = self._body(message)
        headers = signed_headers(webhook_id(message), self.now() // 1000, body, self.secrets())
        try:
            status = self.sender.send(url, {"Content-Type": "application/json", **headers}, body)
        except UnsafeCallbackUrl as error:
            self._note(message, "webhook_refused", {"reason": str(error)})
            return Delivery.REFUSED
        except WebhookUnreachable as error:
            self._note(message, "webhook_attempt_failed", {"reason": str(error)})
            raise
        return self._settle(message, status)

    def _settle(self, message: SendWebhook, status: int) -> Delivery:
        """What an answer means."""
        if 200 <= status < 300:
            self._note(message, "webhook_delivered", {"statusCode": status})
            return Delivery.DELIVERED
        error = WebhookFailed(status)
        details = {"statusCode": status, "reason": str(error)}
        if status == HTTPStatus.GONE:  # how Standard Webhooks lets a receiver unsubscribe
            self._note(message, "webhook_refused", details)
            return Delivery.REFUSED
        self._note(message, "webhook_attempt_failed", details)
        raise error

    def _body(self, message: SendWebhook) -> bytes:
        data: dict[str, Any] = {"jobId": message.job_id, "status": message.status}
        if self.public_url:
            data["links"] = {"status": f"{self.public_url}/v1/download/status/{message.job_id}"}
        payload = {"type": f"job.{message.status}", "timestamp": timestamp(message.at), "data": data}
        return json.dumps(payload, separators=(",", ":")).encode()

    def _note(self, message: SendWebhook, kind: str, details: dict[str, Any]) -> None:
        event = JobEvent(kind, self.now(), WEBHOOK, {"webhookId": webhook_id(message), **details})
        self.jobs.note(message.job_id, event)


def webhook_id(message: SendWebhook) -> str:
    """The same for every attempt and every copy of a message; another if the job ends again after a retry."""
    return f"msg_{message.job_id}_{message.at}"
