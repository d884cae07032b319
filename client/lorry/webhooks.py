"""For those who receive webhooks of Lorry: whether one is genuine.

    from lorry import webhooks

    payload = webhooks.verify(request.headers, request.body, secret)
    job_id, status = payload["data"]["jobId"], payload["data"]["status"]

By Standard Webhooks 1.0.0, symmetric scheme (github.com/standard-webhooks/standard-webhooks). The body must be the
bytes as they arrived. A webhook may come more than once, with the same `webhook-id`.
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

SECRET_PREFIX = "whsec_"
VERSION = b"v1,"
TOLERANCE_SECONDS = 300.0

_TIMESTAMP = re.compile("[0-9]{1,12}")


def verify(
    headers: Mapping[str, str],
    body: bytes,
    secret: str | Iterable[str],
    *,
    tolerance: float = TOLERANCE_SECONDS,
    now: Callable[[], float] = time.time,
) -> dict[str, Any]:
    """The payload of a webhook that was signed with `secret`, or with one of several while they are changed.

    `tolerance` is how many seconds the time of signing may be away from `now()`, in epoch seconds. The case of the
    names of `headers` does not matter. Raises WebhookUnverified, and ValueError for what is no secret.
    """
    keys = [_key(text) for text in ([secret] if isinstance(secret, str) else secret)]
    if not keys:
        raise ValueError("there is no secret to verify webhooks with")
    told = {name.lower(): value for name, value in headers.items()}
    webhook_id, timestamp, signatures = (_header(told, f"webhook-{name}") for name in ("id", "timestamp", "signature"))
    _check_time(timestamp, tolerance, now())
    signed = f"{webhook_id}.{timestamp}.".encode() + body
    if not _is_signed(signed, signatures, keys):
        raise WebhookUnverified("no signature of the webhook fits its body, id and time under the given secret")
    return _payload(body)


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise WebhookUnverified(f"the header {name} is missing")
    return value


def _check_time(timestamp: str, tolerance: float, now: float) -> None:
    if not _TIMESTAMP.fullmatch(timestamp):
        raise WebhookUnverified("the header webhook-timestamp is not a whole number of seconds")
    if abs(now - int(timestamp)) > tolerance:
        away = f"{abs(now - int(timestamp)):,.0f} s {'ago' if now > int(timestamp) else 'ahead'}"
        raise WebhookUnverified(f"the webhook was signed {away}; {tolerance:g} s are allowed")


def _is_signed(signed: bytes, signatures: str, keys: list[bytes]) -> bool:
    """Compares every signature with every key, and each time to the end, so that the time taken tells nothing."""
    expected = [VERSION + base64.b64encode(hmac.digest(key, signed, "sha256")) for key in keys]
    given = [text.encode() for text in signatures.split(" ")]
    matches = [hmac.compare_digest(ours, theirs) for ours in expected for theirs in given]
    return any(matches)


def _key(secret: str) -> bytes:
    """The bytes of a secret. No message holds any of it."""
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise ValueError(f"a secret of webhooks is {SECRET_PREFIX} and some base64") from None
    return key


def _payload(body: bytes) -> dict[str, Any]:
    try:
        payload = json.loads(body)
    except ValueError as error:
        raise WebhookUnverified("the body of the webhook is not JSON") from error
    if not isinstance(payload, dict):
        raise WebhookUnverified("the body of the webhook is no JSON object")
    return payload
