"""Sends a webhook: one POST to one address, within a fixed time, whatever the receiver does.

The receiver is a stranger. Its name is resolved once, and the address that was checked is the one connected to.
Redirects are not followed, at most 4 KiB of the response are read, and proxies of the environment are not used.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from http.client import HTTPException
from threading import Timer

import msgspec
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from chalicelib.delivery.callback_urls import Destination, choose_address, split_callback_url
from chalicelib.errors import WebhookUnreachable
from chalicelib.limits import KiB

USER_AGENT = "Lorry-Webhooks/1"
MAX_ANSWER_BYTES = 4 * KiB  # read so that ordinary receivers are not cut off while they answer
# Threads that the executor of a sender should have: a look-up that is given up occupies one while the resolver tries,
# some 30 s, and must not block those of other receivers.
LOOK_UPS = 16

Resolver = Callable[[str, int], Sequence[str]]

_FAILURES = (OSError, HTTPException, HTTPError)
_TOO_LATE = "it took too long"
# Reasons to show for a failure, the first that matches. The errors themselves name addresses.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted, or not for this host name"),
    (ssl.SSLError, "its TLS handshake failed"),
    (NewConnectionError, "no connection could be made"),
    ((ConnectTimeoutError, TimeoutError), _TOO_LATE),
)


def resolve(host: str, port: int) -> list[str]:
    """Returns the addresses of `host` by the system's resolver, the preferred one first. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class WebhookSender(msgspec.Struct, frozen=True):
    """`step_seconds` is the longest that each of look-up, connection and TLS may take, `total_seconds` everything.

    `trust` decides which certificates are accepted; it must check host names, as Python's default does. Look-ups run
    on `executor`, because they have no timeout of their own. `clock()` is monotonic, in seconds.
    """

    executor: Executor
    clock: Callable[[], float]
    trust: ssl.SSLContext
    resolver: Resolver = resolve
    allow_local: bool = False
    step_seconds: float = 5.0
    total_seconds: float = 15.0

    def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        """Sends one POST and returns the HTTP status. Raises WebhookUnreachable or UnsafeCallbackUrl."""
        deadline = _Deadline(self.clock, self.clock() + self.total_seconds)
        to = split_callback_url(url, allow_local=self.allow_local)
        connection = self._connection(to, choose_address(to, self._addresses(to), allow_local=self.allow_local))
        try:
            with deadline.explaining_failures():
                connection.connect()
            own = {"Host": to.host_header, "User-Agent": USER_AGENT, "Connection": "close"}
            return _exchange(connection, deadline, target=to.target, body=body, headers={**own, **headers})
        finally:
            connection.close()

    def _addresses(self, to: Destination) -> Sequence[str]:
        look_up = self.executor.submit(self.resolver, to.host, to.port)
        try:
            found = look_up.result(self.step_seconds)
        except TimeoutError:
            raise WebhookUnreachable("its name was not resolved in time") from None
        except OSError:
            found = ()
        if not found:
            raise WebhookUnreachable("its name does not resolve")
        return found

    def _connection(self, to: Destination, address: str) -> HTTPConnection:
        if to.scheme == "http":
            return HTTPConnection(address, to.port, timeout=self.step_seconds)
        return HTTPSConnection(
            address, to.port, timeout=self.step_seconds, ssl_context=self.trust, server_hostname=to.host
        )


class _Deadline(msgspec.Struct, frozen=True):
    clock: Callable[[], float]
    at: float

    @property
    def seconds_left(self) -> float:
        return max(0.0, self.at - self.clock())

    @contextmanager
    def explaining_failures(self) -> Iterator[None]:
        """Turns failures into WebhookUnreachable, and lateness too: a response that was cut off may look complete."""
        try:
            yield
        except _FAILURES as error:
            reasons = (reason for kind, reason in _REASONS if isinstance(error, kind))
            reason = next(reasons, "its response ended early or is not HTTP") if self.seconds_left else _TOO_LATE
            raise WebhookUnreachable(reason) from error
        if not self.seconds_left:
            raise WebhookUnreachable(_TOO_LATE)

    @contextmanager
    def cutting_off(self, connected: socket.socket) -> Iterator[None]:
        """Closes the connection at the deadline or at the end of the block, whichever comes first.

        A socket's own timeout starts again with each byte, so a receiver that drips bytes would never run into it.
        """

        def cut() -> None:
            with suppress(OSError):  # it may have ended already
                # Not SSLSocket.shutdown, which takes the TLS state away from the thread that reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

        timer = Timer(self.seconds_left, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # or it might cut the next socket with the same file descriptor
            with suppress(OSError):  # a response that was read to its end has closed it
                # Half a response, or an error about it, may keep a reference to the socket for long; it is closed now.
                socket.close(connected.detach())


def _exchange(
    connection: HTTPConnection, deadline: _Deadline, *, target: str, body: bytes, headers: Mapping[str, str]
) -> int:
    with deadline.cutting_off(connection.sock):
        with deadline.explaining_failures():
            connection.timeout = max(0.001, deadline.seconds_left)
            connection.request("POST", target, body, headers, preload_content=False, decode_content=False)
            response = connection.getresponse()
        with suppress(*_FAILURES):
            response.read(MAX_ANSWER_BYTES)
        return response.status
