"""Fakes of what delivery needs from outside."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chalicelib.delivery.subscriptions import Connection, Subscribed, WebSocketAuth
from chalicelib.delivery.tickets import TicketSigner
from chalicelib.errors import TableUnavailable, Unauthenticated
from chalicelib.limits import MAX_SUBSCRIPTIONS


@dataclass
class FakeSubscriptions:
    """SubscriptionTable in memory."""

    connections: dict[str, Connection] = field(default_factory=dict)
    jobs: dict[str, set[str]] = field(default_factory=dict)  # ids by connection
    down: bool = False

    def open(self, connection: Connection) -> None:
        self._answer()
        self.connections[connection.connection_id] = connection

    def connection(self, connection_id: str) -> Connection | None:
        self._answer()
        return self.connections.get(connection_id)

    def close(self, connection_id: str) -> None:
        self._answer()
        self.connections.pop(connection_id, None)
        self.jobs.pop(connection_id, None)

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        self._answer()
        if connection_id not in self.connections:
            return Subscribed.UNKNOWN
        subscribed = self.jobs.setdefault(connection_id, set())
        if job_id not in subscribed and len(subscribed) >= MAX_SUBSCRIPTIONS:
            return Subscribed.TOO_MANY
        subscribed.add(job_id)
        return Subscribed.SUBSCRIBED

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        self._answer()
        self.jobs.get(connection_id, set()).discard(job_id)

    def subscribers(self, job_id: str) -> list[str]:
        self._answer()
        return sorted(connection for connection, jobs in self.jobs.items() if job_id in jobs)

    def _answer(self) -> None:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")


@dataclass
class FakePush:
    """Push that keeps the messages of each connection, parsed."""

    sent: dict[str, list[Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    sends: Callable[[], object] = lambda: None  # happens while a message is sent

    def send(self, connection_id: str, message: bytes) -> bool:
        self.sends()
        if connection_id in self.gone:
            return False
        self.sent.setdefault(connection_id, []).append(json.loads(message))
        return True

    def last(self, connection_id: str) -> Any:
        return self.sent[connection_id][-1]


def fake_verify(token: str) -> str:
    """The principal of a token, by believing it, unless it is "forged"."""
    if token == "forged":
        raise Unauthenticated("the token was not signed with a key of the issuer")
    return f"user:{token}"


def websocket_auth(clock: Callable[[], int], mode: str = "jwt") -> WebSocketAuth:
    """Auth that takes any bearer token for a subject, and tickets of a signer of its own."""
    return WebSocketAuth(mode, fake_verify, TicketSigner(lambda: (b"key of the tickets",), clock, 900))
