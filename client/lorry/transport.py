"""Sends one request to the service: repeats what may succeed later, turns refusals into `LorryProblem`.

Every request may be sent again: it changes nothing, or the same however often it is sent, or carries an idempotency
key.
"""

from __future__ import annotations

import functools
import logging
import math
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import httpx

from lorry.errors import IN_PROGRESS, LorryError, LorryProblem, LorryUnreachable, UnexpectedAnswer
from lorry.model import Answer
from lorry.problems import problem_of
from lorry.retries import Attempts, RetryPolicy, retry_after_of
from lorry.version import VERSION

log = logging.getLogger("lorry")

API_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")

JOB_PATIENCE = 3
"""Requests about a running job are tried three times as often: an outage of a minute must not end the wait."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class Request:
    """What is asked of the service: `path` is relative to its URL.

    `patience` multiplies the number of tries and the time for them; no wait between them goes past `deadline`, a
    moment of `time.monotonic`.
    """

    method: str
    path: str
    params: Mapping[str, str | int] | None = None
    body: dict[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    patience: int = 1
    deadline: float = math.inf


@dataclass(frozen=True)
class Reply:
    """What came back: a JSON object, None for a 304; the ETag, and the seconds of Retry-After."""

    body: Answer | None
    etag: str | None
    retry_after: float | None


class OutOfTime(Exception):
    """The next try would begin after the deadline of the request; `error` is how the last one ended."""

    def __init__(self, error: LorryError) -> None:
        self.error = error
        super().__init__(str(error))


def http_client(
    *,
    timeout: httpx.Timeout,
    connections: int = 10,
    base_url: str = "",
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """An HTTP client that says who it is, and goes to this machine itself directly whatever proxy is configured."""
    return httpx.Client(
        base_url=base_url,
        auth=auth,
        verify=_trusted(),
        timeout=timeout,
        headers={"User-Agent": f"lorry-client/{VERSION}"} | dict(headers or {}),
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        mounts=dict.fromkeys(LOOPBACK),
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a request."""
    return httpx.create_ssl_context()


class Transport:
    """The way to one service. Safe to share between threads."""

    def __init__(
        self,
        url: str,
        retries: RetryPolicy,
        *,
        auth: httpx.Auth | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._retries = retries
        self._http = http_client(timeout=API_TIMEOUT, base_url=self.url, auth=auth, headers=headers)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def read(self, request: Request, reader: Callable[[Answer], Value]) -> Value:
        """What `reader` makes of the answer. Raises as `send`, UnexpectedAnswer also where the reader fails."""
        return self.understood(reader, self.send(request).body or {})

    def send(self, request: Request) -> Reply:
        """The answer to `request`. Raises LorryProblem, LorryUnreachable, UnexpectedAnswer or OutOfTime."""
        response = self.exchange(request)
        unchanged = response.status_code == httpx.codes.NOT_MODIFIED
        body = None if unchanged else self._object(response)
        return Reply(body, response.headers.get("ETag"), retry_after_of(response.headers))

    def exchange(self, request: Request) -> httpx.Response:
        """The answer to `request` as it came; a 304 only when it asked for that. Raises as `send`."""
        attempts = Attempts(self._retries.times(request.patience))
        while True:
            try:
                return self._exchange_once(request, attempts.number)
            except (LorryProblem, LorryUnreachable) as error:
                wait = _wait_after(error, attempts)
                if wait is None:
                    raise
                if time.monotonic() + wait > request.deadline:
                    raise OutOfTime(error) from error
                log.warning("%s; trying again in %.1f s", error, wait)
            time.sleep(wait)

    def understood(self, reader: Callable[[Answer], Value], answer: Answer) -> Value:
        """What `reader` makes of `answer`. Raises UnexpectedAnswer when it is of another shape."""
        try:
            return reader(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedAnswer(url=self.url, reason=repr(error)) from error

    def not_lorry(self, reason: str) -> NoReturn:
        """Raises UnexpectedAnswer."""
        raise UnexpectedAnswer(url=self.url, reason=reason)

    def _exchange_once(self, request: Request, number: int) -> httpx.Response:
        try:
            response = self._http.request(
                request.method, request.path, params=request.params, json=request.body, headers=request.headers
            )
        except (httpx.InvalidURL, httpx.RequestError) as error:
            lost = isinstance(error, httpx.TransportError) and not isinstance(error, httpx.UnsupportedProtocol)
            raise LorryUnreachable(url=self.url, reason=_reason(error), attempts=number, retryable=lost) from error
        asked_for = response.status_code == httpx.codes.NOT_MODIFIED and "If-None-Match" in request.headers
        if response.is_success or asked_for:
            return response
        raise problem_of(response)

    def _object(self, response: httpx.Response) -> Answer:
        try:
            body = response.json()
        except ValueError:
            self.not_lorry(f"{response.status_code}, not JSON")
        if not isinstance(body, dict):
            self.not_lorry(f"{response.status_code}, not a JSON object")
        return body


def _wait_after(error: LorryProblem | LorryUnreachable, attempts: Attempts) -> float | None:
    """Seconds until the next try, None when there is to be none."""
    if not error.retryable:
        return None
    if isinstance(error, LorryUnreachable):
        return attempts.wait_after(None, put_off=False)
    come_again = error.status == httpx.codes.TOO_MANY_REQUESTS or error.code == IN_PROGRESS
    return attempts.wait_after(error.retry_after, put_off=come_again and error.retry_after is not None)


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
