"""Tickets: signed tokens for browsers that cannot send a bearer token. A ticket opens one job for a short time.

A ticket holds its expiry, the job's id, and an HMAC-SHA256 of both. It identifies no one, and nothing is stored. Its
expiry moves in steps of half its life, so that repeated requests get the same ticket.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable

import msgspec

_TICKET = re.compile(r"(?P<text>(?P<end>[0-9]{1,15})\.(?P<job>[0-9a-f-]{36}))\.(?P<signature>[A-Za-z0-9_-]{43})")


class TicketSigner(msgspec.Struct, frozen=True):
    """Signs and verifies tickets.

    `keys()` returns the current key and, during a rotation, the other valid one; it may raise SecretUnavailable.
    `ttl` is in seconds, `now()` in epoch milliseconds.
    """

    keys: Callable[[], tuple[bytes, ...]]
    now: Callable[[], int]
    ttl: int

    def issue(self, job_id: str) -> str:
        """Returns a ticket that is valid for between half of `ttl` and all of it. May raise SecretUnavailable."""
        life = self.ttl * 1000
        step = life // 2
        end = self.now() // step * step + life
        text = f"{end}.{job_id}"
        return f"{text}.{_signature(self.keys()[0], text)}"

    def accepts(self, ticket: str, job_id: str) -> bool:
        """Whether the ticket opens this job now. May raise SecretUnavailable."""
        return self.job_of(ticket) == job_id

    def job_of(self, ticket: str) -> str | None:
        """Returns the id of the job that the ticket opens now, None if it opens none. May raise SecretUnavailable."""
        parts = _TICKET.fullmatch(ticket)
        if not parts or int(parts["end"]) <= self.now():
            return None
        signed = any(hmac.compare_digest(_signature(key, parts["text"]), parts["signature"]) for key in self.keys())
        return parts["job"] if signed else None


def _signature(key: bytes, text: str) -> str:
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
