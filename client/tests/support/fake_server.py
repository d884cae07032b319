"""A small service and store in one real HTTP server, with every fault that a test asks for.

Its state is here; `fake_server_http` answers requests.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from support.fake_server_http import JOB_ID as JOB_ID
from support.fake_server_http import Json, Seen, Server, handler_of
from support.zips import entries_of, zip_of

CREATED = "2025-01-01T00:00:00.000Z"


def stream_event(name: str, number: int, **members: Any) -> bytes:
    """One event of the stream, as the service sends it."""
    status = "processing" if name == "progress" else name
    data = json.dumps({"jobId": JOB_ID, "status": status} | members)
    return f"event: {name}\nid: {number}\ndata: {data}\n\n".encode()


@dataclass
class Fault:
    """Answers the next `times` requests whose path begins with `path`, in place of the real answer.

    Status 0 breaks the connection; with `served` the request is served first, so that only its answer is lost.
    """

    path: str
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    method: str | None = None
    times: int = 1
    served: bool = False


@dataclass
class StoredObject:
    """One object; the faults of its next reads are taken from the front of the lists."""

    data: bytes
    cuts: list[int] = field(default_factory=list)  # bytes of the body to send before the connection breaks
    after_cut: Callable[[], None] | None = None
    hold_after: int | None = None  # bytes of the body to send before waiting for `released`
    modified: float = field(default_factory=time.time)
    part_size: int | None = None  # of a multipart upload, which has another ETag

    @property
    def etag(self) -> str:
        if self.part_size is None:
            return f'"{hashlib.md5(self.data).hexdigest()}"'
        parts = [self.data[at : at + self.part_size] for at in range(0, len(self.data), self.part_size)]
        whole = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts))
        return f'"{whole.hexdigest()}-{len(parts)}"'

    def replace(self, data: bytes) -> None:
        """Stores other bytes, later than anything that was downloaded before."""
        self.data = data
        self.modified = time.time() + 10


class FakeServer:
    """The server. Tests set its attributes and read `seen`."""

    def __init__(self) -> None:
        self.objects: dict[str, StoredObject] = {}
        self.job: Json = {}
        self.files: list[Json] = []
        self.archives: list[Json] = []
        self.polls: list[Json] = []  # what status answers before the job as it is, one for each read
        self.retry_after = "0"
        self.page_limit = 1000
        self.purged = False
        self.listed: list[Json] = []
        self.trail: list[Json] = []
        self.limits: Json = {}
        self.changes: list[bytes] = []  # what the stream answers, one for each request; then 204
        self.tokens: set[str] | None = None  # the accepted ones; None: no token is required
        self.made = 0  # jobs that were made or retried
        self.answered: dict[str, tuple[Json, Json]] = {}  # by idempotency key: body of the request, answer
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
        self._server = Server(("127.0.0.1", 0), handler_of(self))
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

    def make_archives(self, *contents: bytes, filename: str = "out.zip") -> list[StoredObject]:
        """Gives the job archives of these bytes, whatever they are."""
        count = len(contents)
        self.archives = [
            {
                "index": index, "key": f"archives/{JOB_ID}/{index}.zip", "size": len(data),
                "filename": filename if count == 1 else f"{filename[:-4]}-{index + 1}-of-{count}.zip",
                "entries": entries_of(data), "parts": 7, "crcSource": "head", "verified": False,
                "address": f"{self.url}/v1/download/{JOB_ID}/archives/{index}",
            }
            for index, data in enumerate(contents)
        ]  # fmt: skip
        return [self.put(archive["key"], data) for archive, data in zip(self.archives, contents, strict=True)]

    def assemble(self, options: Json) -> None:
        """The archive of the job's files, unless a test made archives for it."""
        if not self.archives:
            available = [file["key"] for file in self.files if file["state"] == "available"]
            content = zip_of({key.rpartition("/")[2]: self.objects[key].data for key in available})
            self.make_archives(content, filename=options["filename"])
        size = sum(archive["size"] for archive in self.archives)
        self.job = {**self.job, "bytes": {"total": size, "done": size}}

    def expire_links(self) -> None:
        """Makes every link that was issued so far invalid."""
        self.signature += 1
        self.oldest_valid_signature = self.signature

    def requests(self, path: str, method: str = "GET") -> list[Seen]:
        with self._changed:
            return [seen for seen in self.seen if path in seen.path and seen.method == method]

    def wait_for(self, path: str, count: int = 1) -> None:
        """Waits until `count` requests for the path have arrived."""
        with self._changed:
            arrived = self._changed.wait_for(lambda: sum(path in seen.path for seen in self.seen) >= count, 60)
        assert arrived, f"no request for {path} arrived"

    def note(self, seen: Seen) -> Fault | None:
        with self._changed:
            self.seen.append(seen)
            self._changed.notify_all()
            for fault in self.faults:
                if seen.path.startswith(fault.path) and fault.method in (None, seen.method) and fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def link(self, key: str) -> str:
        base = self.url.removesuffix("/lorry")
        return f"{base}/store/{quote(key).replace('.', '%2E')}?signature={self.signature}"

    def status(self, query: dict[str, str]) -> Json:
        if self.polls:
            job = self.job | self.polls.pop(0) | {"files": [], "resultUrls": None, "nextCursor": None}
            return job | {"archives": self._archives(job)}
        first = int(query.get("cursor", "0"))
        last = first + min(int(query.get("limit", "1000")), self.page_limit)
        page = self.files[first:last]
        links = [self.link(file["key"]) if file["state"] == "available" else None for file in page]
        urls = links if self.job["status"] == "ready" else None
        cursor = str(last) if last < len(self.files) else None
        archives = self._archives(self.job)
        return self.job | {"files": page, "resultUrls": urls, "nextCursor": cursor, "archives": archives}

    def _archives(self, job: Json) -> list[Json]:
        ready = job["status"] == "ready"
        return [archive | {"url": self.link(archive["key"]) if ready else None} for archive in self.archives]

    def _file(self, index: int, key: str) -> Json:
        found = self.objects.get(key)
        number = re.search(r"(\d{5,})", key)
        return {
            "index": index, "id": int(number[1]) if number else None, "key": key,
            "state": "missing" if not found else "available" if found.data or key[-1] != "/" else "folder",
            "size": len(found.data) if found else None, "reason": None,
            "etag": found.etag.strip('"') if found else None,
        }  # fmt: skip
