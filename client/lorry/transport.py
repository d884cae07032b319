"""Sends one request to the service: retries what may be sent again, turns refusals into `LorryProblem`."""

from __future__ import annotations

import enum
import functools
import logging
import ssl
import time
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import httpx

from lorry.errors import LorryError, LorryProblem, LorryUnreachable, UnexpectedAnswer
from lorry.model import Answer, FieldError
from lorry.retries import RETRIED_STATUSES, RetryPolicy, retry_after_of
from lorry.version import VERSION

log = logging.getLogger("lorry")

API_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Resend(enum.Enum):
    """When a request may be sent again."""

    ALWAYS = "it changes nothing, or the same however often it is sent"
    IF_NOTHING_WAS_MADE = "only when the service was not reached, or said that it did nothing (429, 503)"


@dataclass(frozen=True)
class Request:
    """What is asked of the service: `path` is relative to its URL; `patience` multiplies the number of tries."""

    method: str
    path: str
    params: dict[str, str | int] | None = None
    body: dict[str, Any] | None = None
    resend: Resend = Resend.ALWAYS
    patience: int = 1


@dataclass(frozen=True)
class Reply:
    """What came back: a JSON object, and the seconds of its Retry-After."""

    body: Answer
    retry_after: float | None


@dataclass(frozen=True)
class _Refusal:
    error: LorryError
    resendable: bool
    retry_after: float | None = None


def http_client(*, timeout: httpx.Timeout, connections: int = 10, base_url: str = "") -> httpx.Client:
    """An HTTP client that says who it is, and goes to this machine itself directly whatever proxy is configured."""
    return httpx.Client(
        base_url=base_url,
        verify=_trusted(),
        timeout=timeout,
        headers={"User-Agent": f"lorry-client/{VERSION}"},
        limits=httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        mounts=dict.fromkeys(LOOPBACK),
    )


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted; reading them takes longer than a request."""
    return httpx.create_ssl_context()


class Transport:
    """The way to one service. Safe to share between threads."""

    def __init__(self, url: str, retries: RetryPolicy) -> None:
        self.url = url.rstrip("/")
        self._retries = retries
        self._http = http_client(timeout=API_TIMEOUT, base_url=self.url)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def send(self, request: Request) -> Reply:
        """The answer to `request`. Raises LorryProblem, LorryUnreachable or UnexpectedAnswer."""
        policy = replace(self._retries, tries=self._retries.tries * request.patience)
        attempt = 1
        while isinstance(outcome := self._send_once(request, attempt), _Refusal):
            wait = policy.wait_before(attempt, outcome.retry_after) if outcome.resendable else None
            if wait is None:
                raise outcome.error
            log.warning("%s; trying again in %.1f s", outcome.error, wait)
            time.sleep(wait)
            attempt += 1
        return outcome

    def _send_once(self, request: Request, attempt: int) -> Reply | _Refusal:
        try:
            response = self._http.request(request.method, request.path, params=request.params, json=request.body)
        except httpx.TransportError as error:
            unreachable = LorryUnreachable(url=self.url, reason=_reason(error), attempts=attempt)
            return _Refusal(unreachable, _may_resend_after(error, request))
        except (httpx.InvalidURL, httpx.RequestError) as error:
            raise LorryUnreachable(url=self.url, reason=_reason(error), attempts=attempt) from error
        if response.is_success:
            return Reply(self._object(response), retry_after_of(response.headers))
        return self._refusal(response, request)

    def _object(self, response: httpx.Response) -> Answer:
        try:
            body = response.json()
        except ValueError:
            self._not_lorry(f"{response.status_code}, not JSON")
        if not isinstance(body, dict):
            self._not_lorry(f"{response.status_code}, not a JSON object")
        return body

    def _refusal(self, response: httpx.Response, request: Request) -> _Refusal:
        status = response.status_code
        wanted = RETRIED_STATUSES if request.resend is Resend.ALWAYS else {429, 503}
        retry_after = retry_after_of(response.headers)
        return _Refusal(_problem(response, retry_after), status in wanted, retry_after)

    def _not_lorry(self, reason: str) -> NoReturn:
        raise UnexpectedAnswer(url=self.url, reason=reason)


def _may_resend_after(error: httpx.TransportError, request: Request) -> bool:
    if isinstance(error, httpx.UnsupportedProtocol):
        return False
    return request.resend is Resend.ALWAYS or isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)


def _problem(response: httpx.Response, retry_after: float | None) -> LorryProblem:
    """The refusal as an error; also for a proxy's page of HTML, which has no members to read."""
    try:
        body = response.json()
    except ValueError:
        body = None
    body = body if isinstance(body, dict) else {}
    return LorryProblem(
        status=response.status_code,
        code=str(body.get("error") or f"http_{response.status_code}"),
        detail=str(body.get("detail") or body.get("message") or response.reason_phrase or "no reason given"),
        errors=_field_errors(body.get("errors")),
        request_id=body.get("requestId") or response.headers.get("X-Request-ID"),
        retry_after=retry_after,
    )


def _field_errors(items: Any) -> tuple[FieldError, ...]:
    if not isinstance(items, list):
        return ()
    return tuple(
        FieldError(str(item.get("pointer", "")), str(item.get("detail", "")))
        for item in items
        if isinstance(item, dict)
    )


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
