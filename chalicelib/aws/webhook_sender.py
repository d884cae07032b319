"""Sends a webhook: one POST to one address, within a fixed time, whatever the receiver does.

The receiver is a stranger. Its name is resolved once and the address that was found fit is the one connected to;
its answer is not followed, and read no further than politeness asks. No proxy of the environment is used.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from queue import Empty, SimpleQueue
from threading import Thread, Timer
from time import monotonic

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chalicelib.delivery.callback_urls import Destination, choose_address, split_callback_url
from chalicelib.errors import WebhookUnreachable
from chalicelib.limits import KiB

USER_AGENT = "Lorry-Webhooks/1"
MAX_ANSWER_BYTES = 4 * KiB  # read so that an ordinary receiver is not cut off while it answers

Resolver = Callable[[str, int], Sequence[str]]

_FAILURES = (OSError, HTTPException, HTTPError)
_TOO_LATE = "it took too long"
# What a person is told of a failure; the first that fits. The errors themselves name addresses.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted, or not for this host name"),
    (ssl.SSLError, "it does not speak TLS as it should"),
    (NewConnectionError, "no connection could be made"),
    ((ConnectTimeoutError, TimeoutError), _TOO_LATE),
)


def resolve(host: str, port: int) -> list[str]:
    """The addresses of `host`, the preferred one first. Raises OSError if it has none."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """`step_seconds` is the longest that each of name, connection and TLS may take, `total_seconds` that all may.

    `trust` decides which certificates are believed; it must check host names, as the default does.
    """

    allow_local: bool = False
    resolver: Resolver = resolve
    trust: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    step_seconds: float = 5.0
    total_seconds: float = 15.0

    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST once. The HTTP status of the answer; raises WebhookUnreachable or UnsafeCallbackUrl."""
        deadline = monotonic() + self.total_seconds
        to = split_callback_url(url, allow_local=self.allow_local)
        connection = self._connection(to, choose_address(to.host, to.port, self._addresses(to), self.allow_local))
        try:
            with _failures_told(deadline):
                connection.connect()
            all_headers = {"Host": to.host_header, "User-Agent": USER_AGENT, "Connection": "close", **headers}
            return _exchange(connection, to.target, all_headers, body, deadline)
        finally:
            connection.close()

    def _addresses(self, to: Destination) -> Sequence[str]:
        """Asked in a thread, which is left behind if it takes too long: a lookup has no timeout of its own."""
        answers: SimpleQueue[Sequence[str]] = SimpleQueue()

        def look_up() -> None:
            try:
                answers.put(self.resolver(to.host, to.port))
            except OSError:
                answers.put(())

        Thread(target=look_up, daemon=True).start()
        try:
            found = answers.get(timeout=self.step_seconds)
        except Empty:
            raise WebhookUnreachable("its name was not resolved in time") from None
        if not found:
            raise WebhookUnreachable("its name does not resolve")
        return found

    def _connection(self, to: Destination, address: str) -> HTTPConnection:
        if to.scheme == "http":
            return HTTPConnection(address, to.port, timeout=self.step_seconds)
        return HTTPSConnection(
            address, to.port, timeout=self.step_seconds, ssl_context=self.trust, server_hostname=to.host
        )


def _exchange(connection: HTTPConnection, target: str, headers: Mapping[str, str], body: bytes, deadline: float) -> int:
    with _cut_off(connection.sock, deadline):
        with _failures_told(deadline):
            connection.timeout = max(0.001, deadline - monotonic())
            connection.request("POST", target, body, headers, preload_content=False, decode_content=False)
            response = connection.getresponse()
        with suppress(*_FAILURES):
            response.read(MAX_ANSWER_BYTES)
        return response.status


@contextmanager
def _cut_off(connected: socket.socket, deadline: float) -> Iterator[None]:
    """The connection ends with the block, and at the deadline in any case.

    A socket's own timeout would not do: it begins anew with each byte that drips in.
    """

    def cut() -> None:
        with suppress(OSError):  # it may have ended by itself
            # Not SSLSocket.shutdown, which takes the TLS state away from under the thread that reads.
            socket.socket.shutdown(connected, socket.SHUT_RDWR)

    timer = Timer(max(0.0, deadline - monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()  # so that it cannot cut what has the same file descriptor next
        with suppress(OSError):  # an answer that was read to its end is closed already
            # Half an answer, or an error about it, may hold the socket for long; it holds it closed.
            socket.close(connected.detach())


@contextmanager
def _failures_told(deadline: float) -> Iterator[None]:
    """Failures of the block become WebhookUnreachable. So does what came late: a cut-off answer may look whole."""
    try:
        yield
    except _FAILURES as error:
        reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
        reason = next(reasons, "it broke off, or does not speak HTTP")
        raise WebhookUnreachable(_TOO_LATE if monotonic() >= deadline else reason) from error
    if monotonic() >= deadline:
        raise WebhookUnreachable(_TOO_LATE)
