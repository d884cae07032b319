"""Tickets: what a browser shows where it cannot send a bearer token. A ticket is good for one job, for a short while.

A ticket is the time at which it ends and an HMAC-SHA256 of that time and the job's id. It names nobody, and nothing
about it is stored. Its end moves in steps of half its life, so that the same question asked twice gets the same answer.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TicketOffice:
    """`keys()` are the current key and, while keys are changed, the one before; `ttl` is in seconds, `now()` in ms."""

    keys: Callable[[], tuple[bytes, ...]]
    now: Callable[[], int]
    ttl: int

    def issue(self, job_id: str) -> str:
        """A ticket with between half and all of its life before it. May raise SecretUnavailable."""
        life = self.ttl * 1000
        step = life // 2
        end = self.now() // step * step + life
        return f"{end}.{_signature(self.keys()[0], job_id, str(end))}"

    def accepts(self, ticket: str, job_id: str) -> bool:
        """Whether the ticket is good for this job now. May raise SecretUnavailable."""
        end, _, signature = ticket.partition(".")
        if not ticket.isascii() or not end.isdecimal() or len(end) > 15 or int(end) <= self.now():
            return False
        return any(hmac.compare_digest(_signature(key, job_id, end), signature) for key in self.keys())


def _signature(key: bytes, job_id: str, end: str) -> str:
    mac = hmac.new(key, f"{job_id}\0{end}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
