"""Verifies webhooks of Lorry, for those who receive them.

    from lorry import webhooks

    payload = webhooks.verify(request.headers, request.body, secret)
    job_id, status = payload["data"]["jobId"], payload["data"]["status"]

Implements Standard Webhooks 1.0.0, symmetric scheme (github.com/standard-webhooks/standard-webhooks). The body must be
the bytes as received. A webhook may be delivered more than once, with the same `webhook-id`.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from lorry.errors import WebhookUnverified

SECRET_PREFIX = "whsec_"  # noqa: S105  # what each begins with
VERSION = b"v1,"
TOLERANCE_SECONDS = 300.0

_TIMESTAMP = re.compile("[0-9]{1,12}")


def verify(  # noqa: PLR0917  # in the order that all libraries for such webhooks have
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Iterable[str],
    *,
    tolerance: float = TOLERANCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """Returns the payload of a webhook that was signed with `secret`, or with one of several during a rotation.

    `tolerance` is how many seconds the signing time may differ from `now()` (epoch seconds). Header names are compared
    without case. Raises WebhookUnverified, and ValueError for a malformed secret.
    """
    keys = [_key(text) for text in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("no secret was given to verify the webhook with")
    lowered = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp, signatures = (
        _header(lowered, f"webhook-{name}") for name in ("id", "timestamp", "signature")
    )
    _check_time(timestamp, tolerance=tolerance, now=now())
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    if not _is_signed(signed, signatures, keys=keys):
        raise WebhookUnverified("no signature matches the body, id and time of the webhook under the given secret")
    return _payload(body)


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise WebhookUnverified(f"the header {name} is missing")
    return value


def _check_time(timestamp: str, *, tolerance: float, now: float) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookUnverified("the header webhook-timestamp is not a whole number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        away = f"{abs(now - int(timestamp)):,.0f} s {'ago' if now > int(timestamp) else 'ahead'}"
        raise WebhookUnverified(f"the webhook was signed {away}; {tolerance:g} s are allowed")


def _is_signed(signed: bytes, signatures: str, *, keys: list[bytes]) -> bool:
    """Compares every signature with every key in full, so that the time it takes reveals nothing."""
    expected = [VERSION + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [text.encode() for text in signatures.split(" ")]
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    return any(matches)


def _key(secret: str) -> bytes:
    """The bytes of a secret. No message contains any of it."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError(f"a webhook secret is {SECRET_PREFIX} followed by base64") from None
    return key


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise WebhookUnverified("the body of the webhook is not JSON") from error
    if not isinstance(payload, dict):
        raise WebhookUnverified("the body of the webhook is not a JSON object")
    return payload
