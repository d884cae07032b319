"""The HTTP side of the fake service."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from dataclasses import dataclass, field
from email.utils import formatdate, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from support.fake_server import FakeServer, StoredObject

JOB_ID = "6b1c3e0a-6f1b-4f6e-9a55-0d3c1f3f2b11"

Json = dict[str, Any]


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Json
    at: float = field(default_factory=time.monotonic)


class Server(ThreadingHTTPServer):
    """Takes many connections at once, as a store does."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignores clients that disconnect."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


def problem(status: int, code: str, detail: str, **members: Any) -> Json:
    return {
        "type": f"urn:lorry:problem:{code}", "title": code, "status": status, "detail": detail,
        "error": code, "message": detail, "requestId": "req-1", **members,
    }  # fmt: skip


def handler_of(fake_server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            _Exchange(fake_server, self).answer()

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


class _Exchange:
    """One request and its answer."""

    def __init__(self, fake_server: FakeServer, handler: BaseHTTPRequestHandler) -> None:
        self.fake_server = fake_server
        self.handler = handler
        parts = urlsplit(handler.path)
        self.path = parts.path
        self.query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length", "0")))
        self.body: Json = json.loads(body) if body else {}
        self.lost = False

    def answer(self) -> None:
        method = self.handler.command
        fault = self.fake_server.note(Seen(method, self.path, self.query, dict(self.handler.headers), self.body))
        self.lost = bool(fault and fault.served)
        if fault and fault.status == 0 and not fault.served:
            self.break_off()
        elif fault and not fault.served:
            self.send(fault.status, fault.body, fault.headers)
        elif self.path.startswith("/store/"):
            self.store(unquote(self.path.removeprefix("/store/")))
        elif not self.admitted():
            self.send_json(401, problem(401, "unauthenticated", "a bearer token is required"))
        elif not self.was_answered():
            self.api(method, self.path.removeprefix("/lorry"))

    def admitted(self) -> bool:
        scheme, _, token = self.handler.headers.get("Authorization", "").partition(" ")
        return self.fake_server.tokens is None or (scheme == "Bearer" and token in self.fake_server.tokens)

    def was_answered(self) -> bool:
        """Answers a request whose idempotency key is known."""
        request, answer = self.fake_server.answered.get(self.handler.headers.get("Idempotency-Key", ""), ({}, {}))
        if answer and request == self.body:
            self.send_json(202, answer, {"Idempotency-Replayed": "true"})
        elif answer:
            self.send_json(422, problem(422, "idempotency_key_reused", "the key belongs to a different request"))
        return bool(answer)

    def make(self, answer: Json) -> None:
        self.fake_server.made += 1
        self.fake_server.answered[self.handler.headers["Idempotency-Key"]] = (self.body, answer)
        self.send_json(202, answer)

    def api(self, method: str, path: str) -> None:
        service = self.fake_server
        if (method, path) == ("POST", "/v1/download/initiate"):
            self.initiate()
        elif (method, path) == ("POST", "/v1/download/check"):
            self.check(self.body["file_id"])
        elif path == "/v1/download/jobs":
            self.jobs()
        elif path == f"/v1/download/{JOB_ID}/retry":
            self.retry()
        elif path in (f"/v1/download/{JOB_ID}/manifest", f"/v1/download/{JOB_ID}/events"):
            self.manifest() if path.endswith("manifest") else self.listing("events", service.trail)
        elif path in ("/v1/objects", "/v1/limits"):
            self.send_json(200, service.limits if path == "/v1/limits" else self.objects())
        elif not path.endswith(JOB_ID):
            self.send_json(404, problem(404, "job_not_found", "there is no such job"))
        elif method == "DELETE":
            self.cancel()
        elif path.startswith("/v1/download/stream/"):
            self.stream()
        else:
            self.status()

    def status(self) -> None:
        answer = self.fake_server.status(self.query)
        if answer["status"] in ("ready", "failed", "cancelled"):
            self.send_json(200, answer)
            return
        etag = f'W/"{hashlib.md5(json.dumps(answer).encode()).hexdigest()}"'
        headers = {"Retry-After": self.fake_server.retry_after, "ETag": etag}
        if self.handler.headers.get("If-None-Match") == etag:
            self.send(304, b"", headers)
        else:
            self.send_json(200, answer | {"ticket": "a-ticket"}, headers)

    def stream(self) -> None:
        if self.fake_server.changes:
            self.send(200, self.fake_server.changes.pop(0), {"Content-Type": "text/event-stream; charset=utf-8"})
        else:
            self.send(204, b"")

    def initiate(self) -> None:
        service = self.fake_server
        named = self.body.get("file_ids") or self.body.get("keys") or []
        if "file_ids" in self.body and min(named) < 10_000:
            places = [{"pointer": "/file_ids/0", "detail": "must be 10000 or more"}]
            self.send_json(400, problem(400, "invalid_request", "the request is not valid", errors=places))
            return
        keys = [name if isinstance(name, str) else f"downloads/{name}.zip" for name in dict.fromkeys(named)]
        prefix = self.body.get("prefix")
        if prefix is not None:
            keys = [key for key in service.objects if key.startswith(prefix)]
        service.make_job(keys, **service.job)
        if self.body.get("archive"):
            service.assemble(self.body["archive"])
        duplicates, total = len(named) - len(keys), len(keys)
        started = {"totalFileIds": total, "duplicates": duplicates} if prefix is None else {"totalFileIds": None}
        self.make({"jobId": JOB_ID, "status": "queued", "links": {}, "ticket": "a-ticket"} | started)

    def retry(self) -> None:
        if self.fake_server.job["status"] != "failed":
            self.send_json(409, problem(409, "nothing_to_retry", "nothing in it failed"))
            return
        self.fake_server.job["status"] = "processing"
        self.make(dict(self.fake_server.job))

    def check(self, number: int) -> None:
        found = self.fake_server.objects.get(f"downloads/{number}.zip")
        key = f"downloads/{number}.zip" if found else None
        size = len(found.data) if found else None
        self.send_json(200, {"file_id": number, "available": bool(found), "s3Key": key, "size": size})

    def jobs(self) -> None:
        wanted = self.query.get("status")
        self.listing("jobs", [job for job in self.fake_server.listed if wanted in (None, job["status"])])

    def listing(self, name: str, items: list[Json]) -> None:
        first = int(self.query.get("cursor", "0"))
        last = first + min(int(self.query["limit"]), self.fake_server.page_limit)
        self.send_json(200, {name: items[first:last], "nextCursor": str(last) if last < len(items) else None})

    def manifest(self) -> None:
        """Two pages, each with a head and what was asked for."""
        last = self.query.get("cursor") == "1"
        following = f'<https://api.test{self.handler.path}&cursor=1>; rel="next"'
        text = f"head\n{self.query['format']} {self.query['links']} {int(last)}\n"
        self.send(200, text.encode(), {} if last else {"Link": following})

    def objects(self) -> Json:
        """A folder and two objects, one a page."""
        last = self.query.get("cursor") == "2"
        sizes = {"downloads/b.bin": 5} if last else {"downloads/a\x1b.bin": 102_400}
        found = [
            {"key": key, "size": size, "lastModified": "2026-01-01T00:00:00.000Z", "archived": last}
            for key, size in sizes.items()
        ]
        folders = [] if last or "delimiter" not in self.query else ["downloads/2026/"]
        return {"prefix": "", "objects": found, "folders": folders, "nextCursor": None if last else "2"}

    def cancel(self) -> None:
        if self.query.get("purge") == "true":
            self.fake_server.purged = True
            self.send(204, b"")
            return
        if self.fake_server.job["status"] in ("ready", "failed"):
            self.send_json(409, problem(409, "job_already_ended", "the job has already ended"))
            return
        self.fake_server.job["status"] = "cancelled"
        self.send_json(202, self.fake_server.job)

    def store(self, key: str) -> None:
        if int(self.query["signature"]) < self.fake_server.oldest_valid_signature:
            self.send(403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>")
        elif key not in self.fake_server.objects:
            self.send(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.send_object(self.fake_server.objects[key])

    def send_object(self, stored: StoredObject) -> None:
        data, whole = stored.data, len(stored.data)
        if self.handler.headers.get("If-Match", stored.etag) != stored.etag:
            self.send(412, b"<Error><Code>PreconditionFailed</Code></Error>")
            return
        etag = f"W/{stored.etag}" if self.fake_server.weak_etags else stored.etag
        wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.handler.headers.get("Range", ""))
        if not wanted and self.is_unchanged(stored):
            self.send(304, b"", {"ETag": etag})
            return
        version = etag if self.fake_server.ignore_if_range else self.handler.headers.get("If-Range", etag)
        if not wanted or self.fake_server.ignore_range or version != etag:
            self.send_body(200, data, {"ETag": etag}, stored)
        elif wanted[1] and int(wanted[1]) >= whole:
            self.send(416, b"", {"Content-Range": f"bytes */{whole}"})
        else:
            first = int(wanted[1]) if wanted[1] else max(0, whole - int(wanted[2]))
            last = min(int(wanted[2]), whole - 1) if wanted[1] and wanted[2] else whole - 1
            place = self.fake_server.change_range(f"bytes {first}-{last}/{whole}")
            self.send_body(206, data[first : last + 1], {"ETag": etag, "Content-Range": place}, stored)

    def is_unchanged(self, stored: StoredObject) -> bool:
        """Whether the request has a condition that the object does not meet."""
        since = self.handler.headers.get("If-Modified-Since")
        if since is not None:
            return int(stored.modified) <= parsedate_to_datetime(since).timestamp()
        return self.handler.headers.get("If-None-Match") == stored.etag

    def send_body(self, status: int, data: bytes, headers: dict[str, str], stored: StoredObject) -> None:
        cut = stored.cuts.pop(0) if stored.cuts else None
        modified = formatdate(stored.modified, usegmt=True)
        self.send_head(status, headers | {"Content-Length": str(len(data)), "Last-Modified": modified})
        if cut is not None:
            self.handler.wfile.write(data[:cut])
            if stored.after_cut:
                stored.after_cut()
            self.break_off()
            return
        if stored.hold_after is not None and not self.fake_server.released.is_set():
            self.handler.wfile.write(data[: stored.hold_after])
            self.handler.wfile.flush()
            data = data[stored.hold_after :]
            self.fake_server.released.wait(60)
        try:
            self.handler.wfile.write(data)
        except (BrokenPipeError, ConnectionResetError):
            self.handler.close_connection = True

    def send_json(self, status: int, body: Json, headers: dict[str, str] | None = None) -> None:
        kind = "application/json" if status < 400 else "application/problem+json"
        self.send(status, json.dumps(body).encode(), {"Content-Type": kind} | (headers or {}))

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        if self.lost:
            self.break_off()
            return
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
