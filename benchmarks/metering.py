"""What a process spends: CPU seconds, peak memory, bytes on its sockets, HTTP requests by kind.

Everything is counted below boto3 and urllib3, so that every Python way is measured by the same rule: sockets by what
they send and receive, requests as `http.client` writes them. Counting costs about a microsecond a call.
"""

from __future__ import annotations

import http.client
import json
import resource
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MiB = 1024 * 1024


class Meter:
    """Counts from `start` to `stop`. One per process."""

    def __init__(self) -> None:
        self.read = self.written = 0
        self.requests: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._cpu = self._started = 0.0
        self._count_sockets()
        self._count_requests()

    def start(self) -> None:
        with self._lock:
            self.read = self.written = 0
            self.requests.clear()
        self._cpu, self._started = cpu_seconds(), time.perf_counter()

    def stop(self) -> dict[str, Any]:
        return {
            "seconds": time.perf_counter() - self._started,
            "cpu": cpu_seconds() - self._cpu,
            "rss": peak_rss_mib(),
            "read": self.read,
            "written": self.written,
            "requests": dict(self.requests),
        }

    def _count_sockets(self) -> None:
        replace: Any = socket.socket  # its methods are its own to replace: it is a Python class over the C one
        for name in ("recv", "recv_into"):
            setattr(replace, name, self._receiving(getattr(socket.socket, name)))
        for name in ("send", "sendall"):
            setattr(replace, name, self._sending(getattr(socket.socket, name)))

    def _receiving(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def receive(*arguments: Any) -> Any:
            got = original(*arguments)
            with self._lock:
                self.read += got if isinstance(got, int) else len(got)
            return got

        return receive

    def _sending(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def send(connection: Any, data: Any, *flags: Any) -> Any:
            sent = original(connection, data, *flags)
            with self._lock:
                self.written += len(data) if sent is None else sent
            return sent

        return send

    def _count_requests(self) -> None:
        connection: Any = http.client.HTTPConnection
        putrequest, putheader = connection.putrequest, connection.putheader

        def counting_request(this: Any, method: str, url: str, *rest: Any, **more: Any) -> Any:
            with self._lock:
                self.requests[kind_of(method, url)] += 1
            return putrequest(this, method, url, *rest, **more)

        def counting_header(this: Any, header: str | bytes, *values: Any) -> Any:
            name = header if isinstance(header, str) else header.decode()
            if name.lower() == "x-amz-copy-source":
                with self._lock:
                    self.requests["part"] -= 1
                    self.requests["copy"] += 1
            return putheader(this, header, *values)

        connection.putrequest, connection.putheader = counting_request, counting_header


def kind_of(method: str, url: str) -> str:
    """get, head, list, put, part, create, complete or delete. Copies look like parts until their header is seen."""
    query = urlsplit(url).query
    if method == "PUT":
        return "part" if "partNumber=" in query else "put"
    if method == "POST":
        return "complete" if "uploadId=" in query else "create" if "uploads" in query else "delete"
    if method == "GET":
        return "list" if "list-type" in query or "uploads" in query else "get"
    return method.lower()


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_rss_mib() -> float:
    """Of this program alone: getrusage would tell the peak of the process that started it, too."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (MiB if sys.platform == "darwin" else 1024)


def measured(work: Callable[[], dict[str, Any] | None], meter: Meter) -> None:
    """The protocol of a child: say ready, wait for go, work, say what it took."""
    print("ready", flush=True)
    sys.stdin.readline()
    meter.start()
    found = work() or {}
    print(json.dumps(meter.stop() | found), flush=True)
