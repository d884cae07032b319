"""A TCP relay on this machine that can be cut or slowed: the store, the queue or the table becomes unreachable."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType

_REQUEST = re.compile(rb"([A-Z]+ \S+) HTTP/1\.1\r\n")


class Relay:
    """Passes bytes between a port of its own and `target`, until it is cut.

    with Relay(("127.0.0.1", 4566)) as relay:
        relay.url           what to use instead of the target's address
        relay.cut()         connections are reset, new ones refused
        relay.restore()
        relay.delay = 0.2   every HTTP request waits so long, in seconds
        relay.requests      how often each was made: Counter({"HEAD /files/a": 1})
    """

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._whole = True
        self.delay = 0.0
        self.requests: Counter[str] = Counter()
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Relay:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.cut()

    def point_at(self, target: tuple[str, int]) -> None:
        """Where connections go from now on: the relay may have to exist before its target."""
        self._target = target

    def cut(self) -> None:
        with self._lock:
            self._whole = False
            connections, self._open = self._open, set()
        for connection in connections:
            _close(connection)

    def restore(self) -> None:
        with self._lock:
            self._whole = True

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=5)
        except OSError:
            _close(client)
            return
        server.settimeout(None)
        with self._lock:
            whole = self._whole
            if whole:
                self._open |= {client, server}
        if not whole:
            _close(client)
            _close(server)
            return
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server, self._see)

    def _see(self, data: bytes) -> None:
        """What a client sent. Requests are not pipelined, so each one begins a piece."""
        request = _REQUEST.match(data)
        if request:
            with self._lock:
                self.requests[request[1].decode()] += 1
            time.sleep(self.delay)


def _pump(source: socket.socket, sink: socket.socket, see: Callable[[bytes], None] = lambda data: None) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            see(data)
            sink.sendall(data)
    _close(source)
    _close(sink)


def _close(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
