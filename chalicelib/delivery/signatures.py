"""Signatures of webhooks by Standard Webhooks 1.0.0, symmetric scheme; tests hold it to the reference library.

Source: github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from chalicelib.errors import InvalidSettings

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with
MIN_KEY_BYTES, MAX_KEY_BYTES = 24, 64


def signed_headers(webhook_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The headers that prove `body` to a receiver. `timestamp` is epoch seconds, of this attempt.

    There is one signature for each secret, so that a receiver may know the old or the new one while they change.
    Raises InvalidSettings if there is no secret, or one that is not whsec_ and base64 of 24 to 64 bytes.
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
    """The bytes of a secret. No message holds any of it."""
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
