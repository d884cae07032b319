"""Sends requests: runs the flows of calls, and makes the HTTP clients for the service and the store."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from lorry.flows import Batches, Flow, Pause, Request, Step, Value, log
from lorry.version import VERSION

API_TIMEOUT = httpx.Timeout(30.0, connect=10.0)
LOOPBACK = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Transport:
    """Runs flows with blocking I/O. Safe to share between threads."""

    def __init__(self, url: str, *, auth: httpx.Auth | None, headers: Mapping[str, str]) -> None:
        self._http = http_client(timeout=API_TIMEOUT, base_url=url, auth=auth, headers=headers)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def run(self, flow: Flow[Value]) -> Value:
        """The result of `flow`. Raises what the flow raises."""
        try:
            step = next(flow)
            while True:
                step = self._take(flow, step)
        except StopIteration as end:
            result: Value = end.value
            return result

    def iterate(self, batches: Batches[Value]) -> Iterator[Value]:
        """The items of a listing, read as they are needed."""
        while (items := self.run(batches())) is not None:
            yield from items

    def _take(self, flow: Flow[Value], step: Step) -> Step:
        if isinstance(step, Pause):
            time.sleep(step.seconds)
            return flow.send(None)
        started = time.monotonic()
        try:
            response = self._http.request(**arguments_of(step))
        except (httpx.InvalidURL, httpx.RequestError) as error:
            return flow.throw(error)
        log_exchange(step, response, time.monotonic() - started)
        return flow.send(response)


def arguments_of(request: Request) -> dict[str, Any]:
    """The arguments of `httpx.Client.request` that send `request`."""
    return {
        "method": request.method, "url": request.path, "params": request.params, "json": request.body,
        "headers": request.headers,
    }  # fmt: skip


def log_exchange(request: Request, response: httpx.Response, seconds: float) -> None:
    """Logs the exchange at level DEBUG, without query and headers."""
    request_id = response.headers.get("X-Request-ID", "-")
    took = f"{seconds * 1000:.0f} ms"
    log.debug("%s %s: %s in %s, request %s", request.method, request.path, response.status_code, took, request_id)


def http_client(
    *,
    timeout: httpx.Timeout,
    connections: int = 10,
    base_url: str = "",
    auth: httpx.Auth | None = None,
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """An HTTP client that identifies itself, and reaches this machine directly even if a proxy is configured."""
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
    """The trusted certificates, shared: reading them takes longer than a request."""
    return httpx.create_ssl_context()
