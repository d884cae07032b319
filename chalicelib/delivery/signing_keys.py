"""The deployment's secret: one master value, from which each key is derived under a label of its own.

Receivers know the webhook secret of the caller whose jobs they hear of, and learn nothing from it about the ticket
key or the secrets of other callers. The secret is stored as JSON:
{"current": TEXT, "previous": TEXT or "", "previousUntil": MS, "currentFrom": MS}.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

import msgspec

from chalicelib.callers import ANONYMOUS
from chalicelib.errors import SecretUnavailable

MIN_MASTER_CHARACTERS = 32
# Containers cache the secret for this long, so a new value signs nothing that others verify until then.
CACHE_SECONDS = 300


class Secrets(msgspec.Struct, frozen=True, rename="camel"):
    """Master values and when they are valid, in epoch milliseconds.

    After a rotation both are accepted: the new one signs from `current_from`, the old one is valid until
    `previous_until`. Raises ValueError for a value that is too short.
    """

    current: str
    previous: str = ""
    previous_until: int = 0
    current_from: int = 0

    def __post_init__(self) -> None:
        if len(self.current) < MIN_MASTER_CHARACTERS or 0 < len(self.previous) < MIN_MASTER_CHARACTERS:
            raise ValueError(f"`current`, and `previous` if any, need at least {MIN_MASTER_CHARACTERS} characters")

    def __repr__(self) -> str:
        return f"Secrets(previous_until={self.previous_until}, current_from={self.current_from})"

    @classmethod
    def from_json(cls, text: str) -> Secrets:
        """Reads the stored form. Raises SecretUnavailable, which says what is wrong but nothing of the value."""
        try:
            return msgspec.json.decode(text, type=cls)
        except (msgspec.MsgspecError, UnicodeEncodeError) as error:
            raise SecretUnavailable(f'the secret must be JSON, {{"current": TEXT}} at least: {error}') from None

    def to_json(self) -> str:
        """The stored form."""
        return msgspec.json.encode(self).decode()

    def overlaps(self, now_ms: int) -> bool:
        """Whether the previous value is still valid."""
        return bool(self.previous) and now_ms < self.previous_until

    def webhook_secrets(self, now_ms: int, owner: str = ANONYMOUS) -> tuple[str, ...]:
        """Returns whsec_ and the base64 of 32 bytes per valid value, the current first, for the jobs of `owner`.

        Webhooks are signed by all.
        """
        label = "webhook" if owner == ANONYMOUS else f"webhook {owner}"
        masters = (self.current, self.previous) if self.overlaps(now_ms) else (self.current,)
        return tuple(f"whsec_{base64.b64encode(_derived(master, label)).decode()}" for master in masters)

    def ticket_keys(self, now_ms: int) -> tuple[bytes, ...]:
        """Returns keys of 32 bytes: tickets are signed with the first and verified with any."""
        masters = [self.current, self.previous] if self.overlaps(now_ms) else [self.current]
        if now_ms < self.current_from:
            masters.reverse()
        return tuple(_derived(master, "ticket") for master in masters)


def _derived(master: str, label: str) -> bytes:
    return hmac.new(master.encode(), label.encode(), hashlib.sha256).digest()
