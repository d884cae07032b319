"""What a WebSocket client may say, and what it is answered.

    {"action": "subscribe", "jobId": "...", "ticket": "..."}   the job as it stands, then each change, then its end
    {"action": "unsubscribe", "jobId": "..."}
    {"action": "ping"}                                          {"event": "pong"}

Messages come in no certain order: `id` tells which of two events is the newer one.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import msgspec

from chalicelib.delivery.events import Render, event_message
from chalicelib.delivery.watchers import Connection, Gate, JobReader, Push, Subscribed, SubscriptionTable
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
from chalicelib.limits import MAX_SUBSCRIPTIONS, MAX_TICKET_CHARACTERS
from chalicelib.observability import logger


class TooManySubscriptions(RequestError):
    code = "too_many_subscriptions"

    def __init__(self) -> None:
        super().__init__(f"one connection watches at most {MAX_SUBSCRIPTIONS} jobs at once; open another connection")


class ConnectionUnknown(RequestError):
    code = "connection_unknown"

    def __init__(self) -> None:
        super().__init__("this connection is not known any more; connect again")


class Request(msgspec.Struct, frozen=True):
    """A message of a client."""

    action: str
    job_id: str = msgspec.field(default="", name="jobId")
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """`now()` is epoch milliseconds."""

    table: SubscriptionTable
    jobs: JobReader
    connections: Push
    gate: Gate
    now: Callable[[], int]

    def connect(self, connection_id: str, headers: Mapping[str, str], ticket: str) -> None:
        """Let a connection in that bears a token, or a ticket that is good for some job now.

        Raises Unauthenticated, KeysUnavailable, SecretUnavailable and TableUnavailable.
        """
        principal = self.gate.principal_of({name.lower(): value for name, value in headers.items()})
        if principal is None and not ticket:
            raise Unauthenticated("connect with a bearer token, or with ?ticket= and the ticket of a job", shown=False)
        if principal is None and self.gate.job_of(ticket) is None:
            raise Unauthenticated("the ticket is good for no job, or not any more")
        if len(ticket) > MAX_TICKET_CHARACTERS:
            ticket = ""
        self.table.open(Connection(connection_id, principal, ticket, self.now()))

    def disconnect(self, connection_id: str) -> None:
        """Forget the connection and its subscriptions. Raises TableUnavailable."""
        self.table.close(connection_id)

    def receive(self, connection_id: str, body: str, render: Render) -> None:
        """Do what a message asks for. Whatever is wrong is told to the client; nothing is raised but bugs."""
        request = None
        try:
            request = _request(body)
            self._obey(connection_id, request, render)
        except LorryError as error:
            logger.info("message refused", connection_id=connection_id, code=error.code)
            self._reply(connection_id, _error(error, request))

    def _obey(self, connection_id: str, request: Request, render: Render) -> None:
        if request.action == "ping":
            self._reply(connection_id, {"event": "pong"})
        elif request.action == "subscribe":
            self._subscribe(connection_id, request, render)
        elif request.action == "unsubscribe":
            self.table.unsubscribe(connection_id, _job_id(request))
        else:
            _invalid("/action", "is none of subscribe, unsubscribe, ping")

    def _subscribe(self, connection_id: str, request: Request, render: Render) -> None:
        job_id = _job_id(request)
        connection = self.table.connection(connection_id)
        if connection is None:
            raise ConnectionUnknown
        job = self._admitted(connection, job_id, request.ticket)
        if not job.status.ended:
            job = self._watched(connection_id, job)
        if not self.connections.send(connection_id, event_message(job, render)):
            self.table.close(connection_id)
        elif job.status.ended:
            self.table.unsubscribe(connection_id, job_id)

    def _watched(self, connection_id: str, job: Job) -> Job:
        """The job as read after the subscription has begun, so that no change falls between the two."""
        subscribed = self.table.subscribe(connection_id, job.job_id, now=self.now())
        if subscribed is Subscribed.TOO_MANY:
            raise TooManySubscriptions
        if subscribed is Subscribed.UNKNOWN:
            raise ConnectionUnknown
        return self.jobs.get(job.job_id) or job

    def _admitted(self, connection: Connection, job_id: str, ticket: str) -> Job:
        """The job, if this connection may see it. For others it does not exist."""
        job = self.jobs.get(job_id)
        if job is None or not (job.owner == connection.principal or self._opens(connection, job_id, ticket)):
            raise JobNotFound(job_id)
        if job.expires_at <= self.now():
            raise JobExpired(job_id)
        return job

    def _opens(self, connection: Connection, job_id: str, ticket: str) -> bool:
        return any(self.gate.job_of(one) == job_id for one in (ticket, connection.ticket) if one)

    def _reply(self, connection_id: str, document: Mapping[str, Any]) -> None:
        self.connections.send(connection_id, msgspec.json.encode(document))


def _request(body: str) -> Request:
    try:
        return msgspec.json.decode(body, type=Request)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"is not a message of this API: {error}")]) from error


def _job_id(request: Request) -> str:
    """In its canonical form."""
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
    """What a client is told. Why a part of the service fails is not for it to know."""
    theirs = isinstance(error, RequestError | JobError)
    message = str(error) if theirs else "the service cannot do this now; try again in a few seconds"
    document = {"event": "error", "error": error.code, "message": message}
    return document | ({"jobId": request.job_id[:64]} if request and request.job_id else {})
