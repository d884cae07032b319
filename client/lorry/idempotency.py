"""The Idempotency-Key of a request that makes something: however often it is sent, the service serves it once."""

from __future__ import annotations

import re
import uuid

HEADER = "Idempotency-Key"

_KEY = re.compile(r"[!-~]{1,255}")


def checked_key(text: str) -> str:
    """`text` itself. Raises ValueError unless it is 1 to 255 visible ASCII characters, as the service wants."""
    if not _KEY.fullmatch(text):
        raise ValueError("an idempotency key is 1 to 255 visible ASCII characters, without spaces")
    return text


def key_header(given: str | None) -> dict[str, str]:
    """The header with the caller's key, or with a new one for this call. Raises ValueError as `checked_key`."""
    return {HEADER: str(uuid.uuid4()) if given is None else checked_key(given)}
