"""Sends requests: runs the flows of calls, and makes the HTTP clients for the service and the store."""

from __future__ import annotations

import asyncio
import functools
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import httpx

from lorry.flows import Batches, Flow, Pause, Request, Step, Value, log
from lorry.version import VERSION

API_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")

Outcome = httpx.Response | Exception | None
"""What became of a step: a response, the error in place of one, or nothing for a pause."""


class Transport:
    """Runs flows with blocking I/O. Safe to share between threads."""

    def __init__(self, url: str, *, auth: httpx.Auth | None, headers: Mapping[str, str]) -> None:
        self._http = httpx.Client(**client_options(timeout=API_TIMEOUT, base_url=url, auth=auth, headers=headers))

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def run(self, flow: Flow[Value]) -> Value:
        """The result of `flow`. Raises what the flow raises."""
        try:
            step = next(flow)
            while True:
                step = resume(flow, self._perform(step))
        except StopIteration as end:
            result: Value = end.value
            return result

    def iterate(self, batches: Batches[Value]) -> Iterator[Value]:
        """The items of a listing, read as they are needed."""
        while (items := self.run(batches())) is not None:
            yield from items

    def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return None
        started = time.monotonic()
        try:
            response = self._http.request(**arguments_of(step))
        except (httpx.InvalidURL, httpx.RequestError) as error:
            return error
        log_exchange(step, response, seconds=time.monotonic() - started)
        return response


class AsyncTransport:
    """Runs flows in an event loop."""

    def __init__(self, url: str, *, auth: httpx.Auth | None, headers: Mapping[str, str]) -> None:
        self._http = httpx.AsyncClient(**client_options(timeout=API_TIMEOUT, base_url=url, auth=auth, headers=headers))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def run(self, flow: Flow[Value]) -> Value:
        """The result of `flow`. Raises what the flow raises."""
        try:
            step = next(flow)
            while True:
                step = resume(flow, await self._perform(step))
        except StopIteration as end:
            result: Value = end.value
            return result

    async def iterate(self, batches: Batches[Value]) -> AsyncIterator[Value]:
        """The items of a listing, read as they are needed."""
        while (items := await self.run(batches())) is not None:
            for item in items:
                yield item

    async def _perform(self, step: Step) -> Outcome:
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
            return None
        started = time.monotonic()
        try:
            response = await self._http.request(**arguments_of(step))
        except (httpx.InvalidURL, httpx.RequestError) as error:
            return error
        log_exchange(step, response, seconds=time.monotonic() - started)
        return response


def resume(flow: Flow[Value], outcome: Outcome) -> Step:
    """The next step of `flow`, after the outcome of the last one. Raises StopIteration at the end of the flow."""
    return flow.throw(outcome) if isinstance(outcome, Exception) else flow.send(outcome)


def arguments_of(request: Request) -> dict[str, Any]:
    """The arguments of `httpx.Client.request` that send `request`."""
    return {
        "method": request.method, "url": request.path, "params": request.params, "json": request.body,
        "headers": request.headers,
    }  # fmt: skip


def log_exchange(request: Request, response: httpx.Response, *, seconds: float) -> None:
    """Logs the exchange at level DEBUG, without query and headers."""
    request_id = response.headers.get("X-Request-ID", "-")
    took = f"{seconds * 1000:.0f} ms"
    log.debug("%s %s: %s in %s, request %s", request.method, request.path, response.status_code, took, request_id)


def client_options(
    *,
    timeout: httpx.Timeout,
    connections: int = 10,
    base_url: str = "",
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Options of an HTTP client that identifies itself, and reaches this machine without any configured proxy."""
    return {
        "base_url": base_url,
        "auth": auth,
        "verify": _trusted(),
        "timeout": timeout,
        "headers": {"User-Agent": f"lorry-client/{VERSION}"} | dict(headers or {}),
        "limits": httpx.Limits(max_connections=connections, max_keepalive_connections=connections),
        "mounts": dict.fromkeys(LOOPBACK),
    }


@functools.cache
def _trusted() -> ssl.SSLContext:
    """The trusted certificates, shared: reading them takes longer than a request."""
    return httpx.create_ssl_context()
