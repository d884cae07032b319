"""A small service and store in one real HTTP server: plays the contract, and every fault that a test asks for."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

JOB_ID = "6b1c3e0a-6f1b-4f6e-9a55-0d3c1f3f2b11"
CREATED = "2025-01-01T00:00:00.000Z"

Json = dict[str, Any]


@dataclass
class Fault:
    """Answers the next `times` requests whose path begins with `path` in place of the real answer."""

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    method: str | None = None
    times: int = 1


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    at: float = field(default_factory=time.monotonic)


@dataclass
class StoredObject:
    """One object; the faults of its next reads are taken from the front of the lists."""

    data: bytes
    cuts: list[int] = field(default_factory=list)  # bytes of the body to send before the connection breaks
    after_cut: Callable[[], None] | None = None
    hold_after: int | None = None  # bytes of the body to send before waiting for `released`

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data).hexdigest()}"'


class Server(ThreadingHTTPServer):
    """Takes many connections at once, as a store does."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is part of the game."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class StandIn:
    """The server. Tests set its attributes and read `seen`."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.job: Json = {}
        self.files: list[Json] = []
        self.polls: list[Json] = []  # what status answers before the job as it is, one for each read
        self.retry_after = "0"
        self.page_limit = 1000
        self.listed: list[Json] = []
        self.faults: list[Fault] = []
        self.seen: list[Seen] = []
        self.signature = 1
        self.oldest_valid_signature = 1
        self.ignore_range = False
        self.ignore_if_range = False  # as SeaweedFS does
        self.change_range: Callable[[str], str] = lambda text: text
        self.weak_etags = False
        self.released = threading.Event()
        self._changed = threading.Condition()
        self._server = Server(("127.0.0.1", 0), _handler_of(self))
        self._thread = threading.Thread(target=lambda: self._server.serve_forever(poll_interval=0.01), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/lorry"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def put(self, key: str, data: bytes) -> StoredObject:
        self.objects[key] = StoredObject(data)
        return self.objects[key]

    def make_job(self, keys: list[str], **members: Any) -> str:
        """A ready job of these keys; those that are not in the store are missing."""
        self.files = [self._file(index, key) for index, key in enumerate(keys)]
        available = [file for file in self.files if file["state"] == "available"]
        size = sum(file["size"] for file in available)
        self.job = {
            "jobId": JOB_ID, "status": "ready", "stage": None, "progress": 100,
            "processed": len(keys), "total": len(keys),
            "counts": {"available": len(available), "missing": len(keys) - len(available), "failed": 0},
            "bytes": {"total": size, "done": size}, "error": None, "createdAt": CREATED,
            "updatedAt": CREATED, "finishedAt": CREATED, "expiresAt": None, "linksExpireAt": None,
        } | members  # fmt: skip
        return JOB_ID

    def expire_links(self) -> None:
        """Links that are given out from now on work, older ones do not."""
        self.signature += 1
        self.oldest_valid_signature = self.signature

    def requests(self, path: str, method: str = "GET") -> list[Seen]:
        with self._changed:
            return [seen for seen in self.seen if path in seen.path and seen.method == method]

    def wait_for(self, path: str, count: int = 1) -> None:
        """Waits until `count` requests for the path have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: sum(path in seen.path for seen in self.seen) >= count, 10)
        assert arrived, f"no request for {path} came"

    def note(self, seen: Seen) -> Fault | None:
        with self._changed:
            self.seen.append(seen)
            self._changed.notify_all()
            for fault in self.faults:
                if seen.path.startswith(fault.path) and fault.method in (None, seen.method) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def link(self, file: Json) -> str | None:
        base = self.url.removesuffix("/lorry")
        path = f"/store/{quote(file['key']).replace('.', '%2E')}"
        return f"{base}{path}?signature={self.signature}" if file["state"] == "available" else None

    def status(self, query: dict[str, str]) -> Json:
        if self.polls:
            return self.job | self.polls.pop(0) | {"files": [], "resultUrls": None, "nextCursor": None}
        first = int(query.get("cursor", "0"))
        last = first + min(int(query.get("limit", "1000")), self.page_limit)
        page = self.files[first:last]
        urls = [self.link(file) for file in page] if self.job["status"] == "ready" else None
        cursor = str(last) if last < len(self.files) else None
        return self.job | {"files": page, "resultUrls": urls, "nextCursor": cursor}

    def _file(self, index: int, key: str) -> Json:
        found = self.objects.get(key)
        number = re.search(r"(\d{5,})", key)
        return {
            "index": index, "id": int(number[1]) if number else None, "key": key,
            "state": "available" if found else "missing", "size": len(found.data) if found else None,
            "reason": None,
        }  # fmt: skip


def problem(status: int, code: str, detail: str, **members: Any) -> Json:
    return {
        "type": f"urn:lorry:problem:{code}", "title": code, "status": status, "detail": detail,
        "error": code, "message": detail, "requestId": "req-1", **members,
    }  # fmt: skip


def _handler_of(stand_in: StandIn) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            _Exchange(stand_in, self).answer()

        do_POST = do_DELETE = do_GET

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


class _Exchange:
    """One request and its answer."""

    def __init__(self, stand_in: StandIn, handler: BaseHTTPRequestHandler) -> None:
        self.stand_in = stand_in
        self.handler = handler
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.body: Json = json.loads(body) if body else {}

    def answer(self) -> None:
        method = self.handler.command
        fault = self.stand_in.note(Seen(method, self.path, self.query, dict(self.handler.headers), self.body))
        if fault and fault.status == 0:
            self.break_off()
        elif fault:
            self.send(fault.status, fault.body, fault.headers)
        elif self.path.startswith("/store/"):
            self.store(unquote(self.path.removeprefix("/store/")))
        else:
            self.api(method, self.path.removeprefix("/lorry"))

    def api(self, method: str, path: str) -> None:
        service = self.stand_in
        if (method, path) == ("POST", "/v1/download/initiate"):
            self.initiate()
        elif (method, path) == ("POST", "/v1/download/check"):
            self.check(self.body["file_id"])
        elif path == "/v1/download/jobs":
            self.jobs()
        elif not path.endswith(JOB_ID):
            self.send_json(404, problem(404, "job_not_found", "there is no such job"))
        elif method == "DELETE":
            self.cancel()
        else:
            ended = service.job["status"] in ("ready", "failed", "cancelled") and not service.polls
            headers = {} if ended else {"Retry-After": service.retry_after}
            self.send_json(200, service.status(self.query), headers)

    def initiate(self) -> None:
        ids = list(dict.fromkeys(self.body["file_ids"]))
        if min(ids) < 10_000:
            places = [{"pointer": "/file_ids/0", "detail": "must be 10000 or more"}]
            self.send_json(400, problem(400, "invalid_request", "the request is not valid", errors=places))
            return
        self.stand_in.make_job([f"downloads/{number}.zip" for number in ids], **self.stand_in.job)
        duplicates = len(self.body["file_ids"]) - len(ids)
        self.send_json(
            202, {"jobId": JOB_ID, "status": "queued", "totalFileIds": len(ids), "duplicates": duplicates, "links": {}}
        )

    def check(self, number: int) -> None:
        found = self.stand_in.objects.get(f"downloads/{number}.zip")
        key = f"downloads/{number}.zip" if found else None
        size = len(found.data) if found else None
        self.send_json(200, {"file_id": number, "available": bool(found), "s3Key": key, "size": size})

    def jobs(self) -> None:
        wanted = self.query.get("status")
        listed = [job for job in self.stand_in.listed if wanted in (None, job["status"])]
        first = int(self.query.get("cursor", "0"))
        last = first + min(int(self.query["limit"]), self.stand_in.page_limit)
        self.send_json(200, {"jobs": listed[first:last], "nextCursor": str(last) if last < len(listed) else None})

    def cancel(self) -> None:
        if self.stand_in.job["status"] in ("ready", "failed"):
            self.send_json(409, problem(409, "job_already_ended", "the job has already ended"))
            return
        self.stand_in.job["status"] = "cancelled"
        self.send_json(202, self.stand_in.job)

    def store(self, key: str) -> None:
        if int(self.query["signature"]) < self.stand_in.oldest_valid_signature:
            self.send(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        elif key not in self.stand_in.objects:
            self.send(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.send_object(self.stand_in.objects[key])

    def send_object(self, stored: StoredObject) -> None:
        data, whole = stored.data, len(stored.data)
        etag = f"W/{stored.etag}" if self.stand_in.weak_etags else stored.etag
        wanted = re.fullmatch(r"bytes=(\d+)-", self.handler.headers.get("Range", ""))
        version = etag if self.stand_in.ignore_if_range else self.handler.headers.get("If-Range", etag)
        if not wanted or self.stand_in.ignore_range or version != etag:
            self.send_body(200, data, {"ETag": etag}, stored)
        elif int(wanted[1]) >= whole:
            self.send(416, b"", {"Content-Range": f"bytes */{whole}"})
        else:
            first = int(wanted[1])
            place = self.stand_in.change_range(f"bytes {first}-{whole - 1}/{whole}")
            self.send_body(206, data[first:], {"ETag": etag, "Content-Range": place}, stored)

    def send_body(self, status: int, data: bytes, headers: dict[str, str], stored: StoredObject) -> None:
        cut = stored.cuts.pop(0) if stored.cuts else None
        self.send_head(status, headers | {"Content-Length": str(len(data))})
        if cut is not None:
            self.handler.wfile.write(data[:cut])
            if stored.after_cut:
                stored.after_cut()
            self.break_off()
            return
        if stored.hold_after is not None and not self.stand_in.released.is_set():
            self.handler.wfile.write(data[: stored.hold_after])
            self.handler.wfile.flush()
            data = data[stored.hold_after :]
            self.stand_in.released.wait(10)
        try:
            self.handler.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.handler.close_connection = True

    def send_json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send(status, json.dumps(body).encode(), {"Content-Type": kind} | (headers or {}))

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_head(status, (headers or {}) | {"Content-Length": str(len(body))})
        self.handler.wfile.write(body)

    def send_head(self, status: int, headers: dict[str, str]) -> None:
        self.handler.send_response(status)
        for name, value in headers.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()

    def break_off(self) -> None:
        self.handler.wfile.flush()
        self.handler.close_connection = True
