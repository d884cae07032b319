"""The deployment's secret: one master value, from which every key is derived under a label of its own.

Who knows the webhooks' secret, as every receiver of them does, learns nothing about the tickets' key.
The stored form is JSON: {"current": TEXT, "previous": TEXT or "", "previousUntil": MS, "currentFrom": MS}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from typing import Any

from chalicelib.errors import SecretUnavailable

MIN_MASTER_CHARACTERS = 32
# Containers keep what they have read for so long, so a new value signs nothing that others verify until then.
CACHE_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Secrets:
    """Master values and when they count; times are epoch milliseconds.

    After a rotation both are accepted: the new one signs from `current_from`, the old one is good until
    `previous_until`.
    """

    current: str = field(repr=False)
    previous: str = field(default="", repr=False)
    previous_until: int = 0
    current_from: int = 0

    @classmethod
    def from_json(cls, text: str) -> Secrets:
        """Raises SecretUnavailable saying what is wrong, without a word of the secret."""
        stored = _object(text)
        try:
            return cls(
                current=_master(stored, "current"),
                previous=_master(stored, "previous") if stored.get("previous") else "",
                previous_until=_time(stored, "previousUntil"),
                current_from=_time(stored, "currentFrom"),
            )
        except ValueError as error:
            raise SecretUnavailable(f"the secret cannot be used: {error}") from None

    def to_json(self) -> str:
        stored = {
            "current": self.current,
            "previous": self.previous,
            "previousUntil": self.previous_until,
            "currentFrom": self.current_from,
        }
        return json.dumps(stored)

    def overlaps(self, now_ms: int) -> bool:
        """Whether the previous value still counts."""
        return bool(self.previous) and now_ms < self.previous_until

    def webhook_secrets(self, now_ms: int) -> tuple[str, ...]:
        """whsec_ and base64 of 32 bytes, the current one first. A webhook is signed with each of them."""
        masters = (self.current, self.previous) if self.overlaps(now_ms) else (self.current,)
        return tuple(f"whsec_{base64.b64encode(_derived(master, 'webhook')).decode()}" for master in masters)

    def ticket_keys(self, now_ms: int) -> tuple[bytes, ...]:
        """Keys of 32 bytes: tickets are signed with the first and verified with any."""
        masters = [self.current, self.previous] if self.overlaps(now_ms) else [self.current]
        if now_ms < self.current_from:
            masters.reverse()
        return tuple(_derived(master, "ticket") for master in masters)


def _object(text: str) -> dict[str, Any]:
    try:
        stored = json.loads(text)
    except ValueError:
        stored = None
    if not isinstance(stored, dict):
        raise SecretUnavailable('the secret cannot be used: it is not a JSON object {"current": ...}')
    return stored


def _master(stored: dict[str, Any], name: str) -> str:
    value = stored.get(name)
    if not isinstance(value, str) or len(value) < MIN_MASTER_CHARACTERS:
        raise ValueError(f'"{name}" is not a text of at least {MIN_MASTER_CHARACTERS} characters')
    return value


def _time(stored: dict[str, Any], name: str) -> int:
    value = stored.get(name, 0)
    if type(value) is not int:
        raise ValueError(f'"{name}" is not a whole number of milliseconds')
    return value


def _derived(master: str, label: str) -> bytes:
    return hmac.new(master.encode(), label.encode(), hashlib.sha256).digest()
