"""Fakes of what the notifying core needs from the outside."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.delivery.watchers import Connection, Subscribed
from chalicelib.errors import QueueUnavailable, TableUnavailable, Unauthenticated
from chalicelib.jobs.model import Job
from chalicelib.limits import MAX_SUBSCRIPTIONS
from chalicelib.messages import SendWebhook


@dataclass
class FakeSubscriptions:
    """SubscriptionTable in memory."""

    connections: dict[str, Connection] = field(default_factory=dict)
    watched: dict[str, set[str]] = field(default_factory=dict)  # job ids by connection
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
        self.watched.pop(connection_id, None)

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        self._answer()
        if connection_id not in self.connections:
            return Subscribed.UNKNOWN
        jobs = self.watched.setdefault(connection_id, set())
        if job_id not in jobs and len(jobs) >= MAX_SUBSCRIPTIONS:
            return Subscribed.TOO_MANY
        jobs.add(job_id)
        return Subscribed.SUBSCRIBED

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        self._answer()
        self.watched.get(connection_id, set()).discard(job_id)

    def subscribers(self, job_id: str) -> list[str]:
        self._answer()
        return sorted(connection for connection, jobs in self.watched.items() if job_id in jobs)

    def _answer(self) -> None:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")


@dataclass
class FakePush:
    """Push that keeps what it was given, parsed, by connection."""

    sent: dict[str, list[Any]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    def send(self, connection_id: str, message: bytes) -> bool:
        if connection_id in self.gone:
            return False
        self.sent.setdefault(connection_id, []).append(json.loads(message))
        return True

    def last(self, connection_id: str) -> Any:
        return self.sent[connection_id][-1]


@dataclass
class FakeWebhookQueue:
    messages: list[SendWebhook] = field(default_factory=list)
    down: bool = False

    def send(self, messages: Iterable[SendWebhook]) -> None:
        for message in messages:
            if self.down:
                raise QueueUnavailable("the work queue did not answer: it is down")
            self.messages.append(message)


@dataclass
class FakeGate:
    """Bearers are who they say, unless they say "nobody"; `tickets` says which job each opens."""

    tickets: dict[str, str] = field(default_factory=dict)
    open_to: str | None = None

    def principal_of(self, headers: Mapping[str, str]) -> str | None:
        name = headers.get("authorization", "").removeprefix("Bearer ")
        if name == "nobody":
            raise Unauthenticated("the token was not signed with a key of the issuer")
        return name or self.open_to

    def job_of(self, ticket: str) -> str | None:
        return self.tickets.get(ticket)


def render(job: Job) -> dict[str, Any]:
    return {"jobId": job.job_id, "status": job.status, "progress": job.progress}
