"""Calls of the service without I/O: what to send, when to retry, which error a refusal becomes.

A call is a generator (a `Flow`) that yields each `Request` it needs sent and each `Pause` it needs made, receives the
responses, and returns the result. `transport` runs flows.

Every request may be sent again: it changes nothing, or the same however often it is sent, or has an idempotency key.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import httpx

from lorry.errors import (
    FOREIGN_CODE,
    IdempotencyKeyReused,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    UnexpectedAnswer,
)
from lorry.models import Answer, FieldError
from lorry.retries import Attempts, RetryPolicy, retry_after_of

log = logging.getLogger("lorry")

FOREIGN_STATUSES = frozenset({300, 301, 302, 303, 307, 308, 400, 404, 405, 406, 410, 501})
"""Refusals that come from another server when they are not problem+json. Proxies and firewalls in front of the service
send others: 401, 403, 413, 429, 5xx."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Request:
    """A request to the service; `path` is relative to its URL.

    `patience` multiplies the number of attempts and the time for them. No wait between them ends after `deadline`, a
    value of `time.monotonic`.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: int = 1
    deadline: float = math.inf


@dataclass(frozen=True)
class Pause:
    """A wait of so many seconds."""

    seconds: float


Step = Request | Pause
Flow = Generator[Step, Any, Value]
"""A call of the service: yields its steps, receives the response to each `Request`, returns its result."""

Batches = Callable[[], Flow[Sequence[Value] | None]]
"""A listing: each call makes the flow that reads the next items, or None at the end."""


@dataclass(frozen=True)
class Reply:
    """A response: its JSON object (None for a 304), its ETag, and its Retry-After in seconds."""

    body: Answer | None
    etag: str | None
    retry_after: float | None


class OutOfTime(Exception):
    """The next attempt would begin after the deadline of the request; `error` is the outcome of the last one."""

    def __init__(self, error: LorryError) -> None:
        self.error = error
        super().__init__(str(error))


@dataclass(frozen=True)
class Caller:
    """Makes flows that send one request to the service at `url`, and repeat it by the `retries` policy.

    All of them raise LorryProblem, LorryUnreachable, UnexpectedAnswer, and OutOfTime for a request with a deadline.
    """

    url: str
    retries: RetryPolicy

    def read(self, request: Request, reader: Callable[[Answer], Value]) -> Flow[Value]:
        """What `reader` makes of the JSON object that answers `request`."""
        reply = yield from self.send(request)
        return self.understand(reader, reply.body or {})

    def send(self, request: Request) -> Flow[Reply]:
        """The answer to `request`, a JSON object."""
        response = yield from self.exchange(request)
        unchanged = response.status_code == httpx.codes.NOT_MODIFIED
        body = None if unchanged else self._object(response)
        return Reply(body, response.headers.get("ETag"), retry_after_of(response.headers))

    def exchange(self, request: Request) -> Flow[httpx.Response]:
        """The response to `request`, whatever its content; a 304 only if the request was conditional."""
        attempts = Attempts(self.retries.times(request.patience))
        while True:
            try:
                return (yield from self._attempt(request, attempts.number))
            except (LorryProblem, LorryUnreachable) as error:
                wait = _wait_after(error, attempts)
                if wait is None:
                    raise
                if time.monotonic() + wait > request.deadline:
                    raise OutOfTime(error) from error
                log.warning("%s; trying again in %.1f s", error, wait)
            yield Pause(wait)

    def understand(self, reader: Callable[[Answer], Value], answer: Answer) -> Value:
        """What `reader` makes of `answer`. Raises UnexpectedAnswer when it has another shape."""
        try:
            return reader(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedAnswer(url=self.url, reason=repr(error)) from error

    def not_lorry(self, reason: str) -> NoReturn:
        """Raises UnexpectedAnswer."""
        raise UnexpectedAnswer(url=self.url, reason=reason)

    def _attempt(self, request: Request, number: int) -> Flow[httpx.Response]:
        try:
            response: httpx.Response = yield request
        except (httpx.InvalidURL, httpx.RequestError) as error:
            lost = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
            raise LorryUnreachable(url=self.url, reason=_reason(error), attempts=number, retryable=lost) from error
        conditional = response.status_code == httpx.codes.NOT_MODIFIED and "If-None-Match" in request.headers
        if response.is_success or conditional:
            return response
        problem = problem_of(response)
        if not problem.genuine and problem.status in FOREIGN_STATUSES:
            self.not_lorry(f"{problem.status} at {request.path}{_redirect(response)}")
        raise problem

    def _object(self, response: httpx.Response) -> Answer:
        try:
            body = response.json()
        except ValueError:
            self.not_lorry(f"{response.status_code}, not JSON")
        if not isinstance(body, dict):
            self.not_lorry(f"{response.status_code}, not a JSON object")
        return body


def problem_of(response: httpx.Response) -> LorryProblem:
    """The refusal as an error, also when it is the HTML page of a proxy."""
    body = _members(response)
    code = str(body.get("error") or f"{FOREIGN_CODE}{response.status_code}")
    kind = IdempotencyKeyReused if code == "idempotency_key_reused" else LorryProblem
    return kind(
        status=response.status_code,
        code=code,
        detail=str(body.get("detail") or body.get("message") or response.reason_phrase or "no reason given"),
        errors=_field_errors(body.get("errors")),
        request_id=body.get("requestId") or response.headers.get("X-Request-ID"),
        retry_after=retry_after_of(response.headers),
    )


def _members(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _field_errors(items: Any) -> tuple[FieldError, ...]:
    if not isinstance(items, list):
        return ()
    places = (item for item in items if isinstance(item, dict))
    return tuple(FieldError(str(place.get("pointer", "")), str(place.get("detail", ""))) for place in places)


def _wait_after(error: LorryProblem | LorryUnreachable, attempts: Attempts) -> float | None:
    """Seconds until the next attempt, None when there is none."""
    if not error.retryable:
        return None
    if isinstance(error, LorryUnreachable):
        return attempts.wait_after(None, deferred=False)
    throttled = error.status == httpx.codes.TOO_MANY_REQUESTS
    return attempts.wait_after(error.retry_after, deferred=throttled and error.retry_after is not None)


def _redirect(response: httpx.Response) -> str:
    """Where a redirect leads, without its query, which may be secret."""
    location = response.headers.get("Location", "").partition("?")[0]
    return f", a redirect to {location}" if response.is_redirect and location else ""


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
