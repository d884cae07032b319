"""WebSocket clients: who they are, which jobs they are subscribed to, and what they may send.

    {"action": "subscribe", "jobId": "...", "ticket": "..."}   the job as it stands, then each change, then its end
    {"action": "unsubscribe", "jobId": "..."}
    {"action": "ping"}                                          {"event": "pong"}

Messages may arrive out of order: `id` says which of two events is newer.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NoReturn, Protocol

import msgspec

from chalicelib import callers
from chalicelib.delivery.job_summary import event_message
from chalicelib.delivery.tickets import TicketSigner
from chalicelib.errors import (
    FieldProblem,
    InvalidRequest,
    JobError,
    JobExpired,
    JobNotFound,
    LorryError,
    RequestError,
    Unauthenticated,
)
from chalicelib.jobs.model import Job
from chalicelib.jobs.ports import JobTable
from chalicelib.limits import MAX_SUBSCRIPTIONS, MAX_TICKET_CHARACTERS
from chalicelib.observability import logger
from chalicelib.tokens import bearer_token


class TooManySubscriptions(RequestError, code="too_many_subscriptions"):
    """The connection has as many subscriptions as it may."""

    template = "this connection has {limit:,} subscriptions, the most it may have; open another connection"
    limit: int


class ConnectionUnknown(RequestError, code="connection_unknown"):
    """The connection's row has expired, or never existed."""

    template = "this connection is unknown or has expired; connect again"


class Connection(msgspec.Struct, frozen=True):
    """An open WebSocket. `principal` is None and `ticket` empty where the client sent none; epoch milliseconds."""

    connection_id: str
    principal: str | None
    ticket: str
    connected_at: int


class Subscribed(StrEnum):
    """The outcome of a request to subscribe."""

    SUBSCRIBED = "subscribed"  # now or earlier
    TOO_MANY = "too_many"
    UNKNOWN = "unknown"  # no such connection, or it is closed


class SubscriptionTable(Protocol):
    """Which connections are subscribed to which jobs. Every method may raise TableUnavailable."""

    def open(self, connection: Connection) -> None:
        """Stores a connection for as long as API Gateway may keep it open."""

    def connection(self, connection_id: str) -> Connection | None:
        """Returns the connection as it was opened; None if it is unknown."""

    def close(self, connection_id: str) -> None:
        """Deletes the connection and its subscriptions, if it exists."""

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        """Adds a subscription. Once this returns, `subscribers` includes it."""

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        """Removes a subscription, if it exists."""

    def subscribers(self, job_id: str) -> Sequence[str]:
        """Returns the ids of the connections subscribed to the job; a consistent read."""


class Push(Protocol):
    """Sends messages to WebSocket clients."""

    def send(self, connection_id: str, message: bytes) -> bool:
        """Sends a text message. False if the connection is gone; any other failure is only logged."""


class WebSocketAuth(msgspec.Struct, frozen=True):
    """Identifies clients by AUTH_MODE. `verify` returns the principal of a bearer token.

    With `none` every client is the same principal. With `jwt` a bearer token identifies one, or a ticket opens one
    job. With `iam` only tickets work, because nothing signs the handshake of a WebSocket.
    """

    mode: str
    verify: Callable[[str], str]
    tickets: TicketSigner

    def principal(self, headers: Mapping[str, str]) -> str | None:
        """Returns who sent these headers (lowercase names); None if they carry no credentials.

        Raises Unauthenticated for credentials that are wrong, KeysUnavailable if they cannot be verified now.
        """
        if self.mode == "none":
            return callers.ANONYMOUS
        token = bearer_token(headers.get("authorization", "")) if self.mode == "jwt" else None
        return self.verify(token) if token else None

    def job_of(self, ticket: str) -> str | None:
        """Returns the id of the job that a ticket opens now, None if it opens none. Raises SecretUnavailable."""
        return self.tickets.job_of(ticket) if self.mode != "none" else None


class Request(msgspec.Struct, frozen=True):
    """A message of a client."""

    action: str
    job_id: str = msgspec.field(default="", name="jobId")
    ticket: str = ""


class Subscriptions(msgspec.Struct, frozen=True):
    """Serves WebSocket clients. `now()` is in epoch milliseconds; `public_url` is the base URL of links."""

    table: SubscriptionTable
    jobs: JobTable
    push: Push
    auth: WebSocketAuth
    now: Callable[[], int]
    public_url: str

    def connect(self, connection_id: str, headers: Mapping[str, str], *, ticket: str) -> None:
        """Accepts a connection with a bearer token, or with a ticket that opens a job now.

        Raises Unauthenticated, KeysUnavailable, SecretUnavailable and TableUnavailable.
        """
        principal = self.auth.principal({name.lower(): value for name, value in headers.items()})
        if principal is None and not ticket:
            raise Unauthenticated("connect with a bearer token, or with ?ticket= and the ticket of a job", shown=False)
        if principal is None and self.auth.job_of(ticket) is None:
            raise Unauthenticated("the ticket is not valid, or has expired")
        if len(ticket) > MAX_TICKET_CHARACTERS:
            ticket = ""
        self.table.open(Connection(connection_id, principal, ticket, self.now()))

    def disconnect(self, connection_id: str) -> None:
        """Deletes the connection and its subscriptions. Raises TableUnavailable."""
        self.table.close(connection_id)

    def receive(self, connection_id: str, body: str) -> None:
        """Serves one message. Errors are sent to the client as an event; nothing but a bug is raised."""
        request = None
        try:
            request = _parse(body)
            self._serve(connection_id, request)
        except LorryError as error:
            logger.info("message refused", connection_id=connection_id, code=error.code)
            self._reply(connection_id, _error(error, request))

    def _serve(self, connection_id: str, request: Request) -> None:
        if request.action == "ping":
            self._reply(connection_id, {"event": "pong"})
        elif request.action == "subscribe":
            self._subscribe(connection_id, request)
        elif request.action == "unsubscribe":
            self.table.unsubscribe(connection_id, _job_id(request))
        else:
            _invalid("/action", "must be subscribe, unsubscribe or ping")

    def _subscribe(self, connection_id: str, request: Request) -> None:
        job_id = _job_id(request)
        connection = self.table.connection(connection_id)
        if connection is None:
            raise ConnectionUnknown
        job = self._readable(connection, job_id, ticket=request.ticket)
        if not job.status.ended:
            job = self._subscribed(connection_id, job)
        if not self.push.send(connection_id, event_message(job, self.public_url)):
            self.table.close(connection_id)
        elif job.status.ended:
            self.table.unsubscribe(connection_id, job_id)

    def _subscribed(self, connection_id: str, job: Job) -> Job:
        """Subscribes, then reads the job again, so that no change is lost between the two."""
        subscribed = self.table.subscribe(connection_id, job.job_id, now=self.now())
        if subscribed is Subscribed.TOO_MANY:
            raise TooManySubscriptions(MAX_SUBSCRIPTIONS)
        if subscribed is Subscribed.UNKNOWN:
            raise ConnectionUnknown
        return self.jobs.get(job.job_id) or job

    def _readable(self, connection: Connection, job_id: str, *, ticket: str) -> Job:
        """Returns the job if this connection may see it. Raises JobNotFound otherwise, and JobExpired."""
        job = self.jobs.get(job_id)
        if job is None or not (job.owner == connection.principal or self._opens(job_id, ticket, connection.ticket)):
            raise JobNotFound(job_id)
        if job.has_expired(self.now()):
            raise JobExpired(job_id)
        return job

    def _opens(self, job_id: str, *tickets: str) -> bool:
        return any(self.auth.job_of(ticket) == job_id for ticket in tickets if ticket)

    def _reply(self, connection_id: str, document: Mapping[str, Any]) -> None:
        self.push.send(connection_id, msgspec.json.encode(document))


def _parse(body: str) -> Request:
    try:
        return msgspec.json.decode(body, type=Request)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"is not a message of this API: {error}")]) from error


def _job_id(request: Request) -> str:
    """Returns the id in canonical form. Raises InvalidRequest."""
    if not request.job_id:
        _invalid("/jobId", "is missing")
    try:
        return str(uuid.UUID(request.job_id)) if len(request.job_id) == 36 else _no_id()
    except ValueError:
        return _no_id()


def _no_id() -> NoReturn:
    _invalid("/jobId", "is not the id of a job")


def _invalid(pointer: str, detail: str) -> NoReturn:
    raise InvalidRequest([FieldProblem(pointer, detail)])


def _error(error: LorryError, request: Request | None) -> dict[str, Any]:
    """Renders an error event. Details of an outage are not for clients."""
    public = isinstance(error, RequestError | JobError)
    message = str(error) if public else "temporarily unavailable; try again in a few seconds"
    document = {"event": "error", "error": error.code, "message": message}
    return document | ({"jobId": request.job_id[:64]} if request and request.job_id else {})
