"""Tickets: what a browser shows where it cannot send a bearer token. A ticket is good for one job, for a short while.

A ticket is the time at which it ends, the job's id, and an HMAC-SHA256 of both. It names nobody, and nothing about it
need be stored. Its end moves in steps of half its life, so that the same question asked twice gets the same answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass

_TICKET = re.compile(r"(?P<text>(?P<end>[0-9]{1,15})\.(?P<job>[0-9a-f-]{36}))\.(?P<signature>[A-Za-z0-9_-]{43})")


@dataclass(frozen=True, slots=True)
class TicketSigner:
    """`keys()` are the current key and, while keys are changed, the one before; `ttl` is in seconds, `now()` in ms."""

    keys: Callable[[], tuple[bytes, ...]]
    now: Callable[[], int]
    ttl: int

    def issue(self, job_id: str) -> str:
        """A ticket with between half and all of its life before it. May raise SecretUnavailable."""
        life = self.ttl * 1000
        step = life // 2
        end = self.now() // step * step + life
        text = f"{end}.{job_id}"
        return f"{text}.{_signature(self.keys()[0], text)}"

    def accepts(self, ticket: str, job_id: str) -> bool:
        """Whether the ticket is good for this job now. May raise SecretUnavailable."""
        return self.job_of(ticket) == job_id

    def job_of(self, ticket: str) -> str | None:
        """The id of the job that the ticket is good for now; None if it is good for nothing."""
        parts = _TICKET.fullmatch(ticket)
        if not parts or int(parts["end"]) <= self.now():
            return None
        signed = any(hmac.compare_digest(_signature(key, parts["text"]), parts["signature"]) for key in self.keys())
        return parts["job"] if signed else None


def _signature(key: bytes, text: str) -> str:
    mac = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
