"""Connections that watch jobs: the values, and what their handling needs from the outside.

tests/contracts holds one suite for SubscriptionTable, run on the fake and on the real adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from chalicelib.jobs.model import Job


@dataclass(frozen=True, slots=True)
class Connection:
    """An open WebSocket. `principal` is None and `ticket` empty where it came without; epoch milliseconds."""

    connection_id: str
    principal: str | None
    ticket: str
    connected_at: int


class Subscribed(StrEnum):
    """What became of a wish to watch a job."""

    SUBSCRIBED = "subscribed"  # now, or before
    TOO_MANY = "too_many"  # the connection watches as many jobs as it may
    UNKNOWN = "unknown"  # there is no such connection, or not any more


class SubscriptionTable(Protocol):
    """Which connection watches which jobs. Every method may raise TableUnavailable."""

    def open(self, connection: Connection) -> None:
        """Remember a connection, for as long as one can last."""

    def connection(self, connection_id: str) -> Connection | None:
        """The connection as it was opened, None if it is unknown."""

    def close(self, connection_id: str) -> None:
        """Forget the connection and all it watches; fine if it is unknown."""

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        """Let the connection watch the job. Once this returns, `subscribers` knows it."""

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        """Let it watch the job no more; fine if it does not, or is unknown."""

    def subscribers(self, job_id: str) -> Sequence[str]:
        """Ids of the connections that watch the job as of now."""


class Push(Protocol):
    """The way to clients."""

    def send(self, connection_id: str, message: bytes) -> bool:
        """Send a text message. False if the connection is gone; any other failure is logged and not told."""


class Gate(Protocol):
    """Who may watch what."""

    def principal_of(self, headers: Mapping[str, str]) -> str | None:
        """Who calls, by headers with small names; None if they do not say. Raises Unauthenticated if what they say is
        not true, and KeysUnavailable if nobody can tell."""

    def job_of(self, ticket: str) -> str | None:
        """The job that a ticket opens now, None if it opens none. Raises SecretUnavailable."""


class JobReader(Protocol):
    def get(self, job_id: str) -> Job | None:
        """The job as of now, None if there is none. Raises TableUnavailable."""
