"""Notifies a job's callback URL that the job ended: one signed POST per attempt, at least once in all.

The queue repeats attempts that raise. The id of a webhook follows from the job and its end, so a receiver recognises
a second copy; the payload is thin, so an old copy cannot mislead: the receiver reads the job's status.

Signatures follow Standard Webhooks 1.0.0, symmetric scheme; tests compare them with the reference library.
Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit

import msgspec

from chalicelib.callers import Policy, RateLimiter
from chalicelib.delivery.job_summary import asked, timestamp
from chalicelib.errors import InvalidSettings, UnsafeCallbackUrl, WebhookFailed, WebhookLimited, WebhookUnreachable
from chalicelib.jobs.model import Actor, Job, JobEvent
from chalicelib.jobs.ports import JobTable
from chalicelib.messages import SendWebhook
from chalicelib.observability import logger

WEBHOOK = Actor(by="webhook")
MINUTE_MS = 60_000
GIVE_UP_AFTER_MS = 24 * 3600 * 1000
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64


class Delivery(StrEnum):
    """The outcome of a message."""

    DELIVERED = "delivered"
    REFUSED = "refused"  # the receiver wants no more attempts, or its URL is unsafe
    DROPPED = "dropped"  # the job is gone or has no callback URL
    GIVEN_UP = "givenup"  # no attempt succeeded in time; the message is parked


class Sender(Protocol):
    """Sends HTTP requests to callback URLs."""

    def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        """Sends one POST, without following redirects, and returns the HTTP status.

        Raises WebhookUnreachable or UnsafeCallbackUrl.
        """


class WebhookDeliverer(msgspec.Struct, frozen=True):
    """Makes attempts. `secrets` returns an owner's current secret and, during a rotation, the previous one.

    At most `limit` attempts a minute are made for the jobs of one owner, and as many at one host.

    `now()` is in epoch milliseconds. `park` keeps a message for an operator. `public_url` is the API's base URL
    without a trailing slash; without it, webhooks carry no links.
    """

    jobs: JobTable
    sender: Sender
    secrets: Callable[[str], tuple[str, ...]]
    now: Callable[[], int]
    park: Callable[[SendWebhook], None]
    limiter: RateLimiter
    limit: int
    public_url: str = ""

    def deliver(self, message: SendWebhook, *, first_sent: int) -> Delivery:
        """Makes one attempt. `first_sent` is when the message was put on the queue, in epoch milliseconds.

        Raises WebhookFailed or WebhookUnreachable, both recorded in the audit trail, if it should be repeated;
        WebhookLimited if it is one too many;
        InvalidSettings without a valid secret; QueueUnavailable if the message cannot be parked.
        """
        job = self.jobs.get(message.job_id)
        if job is None or not job.callback_url:
            logger.info("webhook dropped", job_id=message.job_id, reason="no job" if job is None else "no callback URL")
            return Delivery.DROPPED
        if self.now() - first_sent > GIVE_UP_AFTER_MS:
            self.park(message)
            self._note(message, "webhook_given_up")
            return Delivery.GIVEN_UP
        return self._attempt(message, job)

    def _attempt(self, message: SendWebhook, job: Job) -> Delivery:
        self._count(f"webhooks of {job.owner}")
        self._count(f"webhooks to {urlsplit(job.callback_url).hostname}")
        body, secrets = self._body(message, job), self.secrets(job.owner)
        headers = signed_headers(webhook_id(message), body, timestamp=self.now() // 1000, secrets=secrets)
        try:
            status = self.sender.send(job.callback_url, body, headers={"Content-Type": "application/json", **headers})
        except UnsafeCallbackUrl as error:
            self._note(message, "webhook_refused", reason=str(error))
            return Delivery.REFUSED
        except WebhookUnreachable as error:
            self._note(message, "webhook_attempt_failed", reason=str(error))
            raise
        return self._settle(message, status)

    def _count(self, name: str) -> None:
        verdict = self.limiter.count(name, Policy("webhooks", self.limit, MINUTE_MS))
        if not verdict.allowed:
            raise WebhookLimited(name, self.limit)

    def _settle(self, message: SendWebhook, status: int) -> Delivery:
        if 200 <= status < 300:
            self._note(message, "webhook_delivered", statusCode=status)
            return Delivery.DELIVERED
        error = WebhookFailed(status)
        if status == HTTPStatus.GONE:  # how Standard Webhooks lets a receiver unsubscribe
            self._note(message, "webhook_refused", statusCode=status, reason=str(error))
            return Delivery.REFUSED
        self._note(message, "webhook_attempt_failed", statusCode=status, reason=str(error))
        raise error

    def _body(self, message: SendWebhook, job: Job) -> bytes:
        data: dict[str, Any] = {"jobId": message.job_id, "status": message.status, "label": job.label or None}
        data |= {"request": msgspec.to_builtins(asked(job)), "expiresAt": timestamp(job.expires_at)}
        if self.public_url:
            data["links"] = {"status": f"{self.public_url}/v1/download/status/{message.job_id}"}
        payload = {"type": f"job.{message.status}", "timestamp": timestamp(message.at), "data": data}
        return json.dumps(payload, separators=(",", ":")).encode()

    def _note(self, message: SendWebhook, kind: str, **details: Any) -> None:
        event = JobEvent(kind, self.now(), WEBHOOK, {"webhookId": webhook_id(message), **details})
        self.jobs.note(message.job_id, event)


def webhook_id(message: SendWebhook) -> str:
    """The same for every attempt and copy of a message; another if the job ends again after a retry."""
    return f"msg_{message.job_id}_{message.at}"


def signed_headers(webhook_id: str, body: bytes, *, timestamp: int, secrets: Sequence[str]) -> dict[str, str]:
    """Returns the headers that prove `body` to a receiver. `timestamp` is the attempt's, in epoch seconds.

    There is one signature per secret, so a receiver may know the old or the new one during a rotation.
    Raises InvalidSettings unless every secret is whsec_ and the base64 of 24 to 64 bytes, and there is one.
    """
    if not secrets:
        raise InvalidSettings("there is no secret to sign webhooks with")
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(_signature(_key(secret), signed) for secret in secrets),
    }


def _signature(key: bytes, signed: bytes) -> str:
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    """The bytes of a secret. No message contains any of it."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if encoded == secret or not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise InvalidSettings(
            f"a webhook secret is {SECRET_PREFIX} and the base64 of {MIN_KEY_BYTES} to {MAX_KEY_BYTES} random bytes"
        )
    return key
