"""A proxy in front of an S3 store that plays what emulators cannot: unreadable objects, archive tiers, throttling.

with StoreProxy((HOST, seaweedfs.port)) as store:
    store.url                                         what to use instead of the store's address
    store.objects["downloads/a"] = Trouble.KMS        how it answers for this key from now on
    store.everything = Trouble.DENIED                 and for every key, listing and bucket
    store.slow_down["HEAD"] = 0.08                    the share of such calls that is answered 503, see `Kind`
    store.seconds["LIST"] = 3                         how long such calls take
    store.calls                                       how often each kind came: Counter({"HEAD": 2})

Requests pass as they are: their signatures name this proxy's host, which the store compares. Buckets are in the path.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import Counter
from enum import Enum
from html import unescape
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, unquote_plus, urlsplit
from xml.sax.saxutils import escape

HOST = "127.0.0.1"
UPSTREAM_SECONDS = 120.0
EXPIRY = 'ongoing-request="false", expiry-date="Fri, 01 Jan 2100 00:00:00 GMT"'
_HOP_BY_HOP = frozenset({"connection", "content-length", "expect", "keep-alive", "transfer-encoding"})
_CONTENTS = re.compile(r"<Contents>.*?</Contents>", re.DOTALL)
_KEY = re.compile(r"<Key>(.*?)</Key>", re.DOTALL)
_STORAGE_CLASS = re.compile(r"<StorageClass>.*?</StorageClass>")
_ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message></Error>'


class Refusal(NamedTuple):
    """An answer that is an error."""

    status: int
    code: str
    message: str


DENIED = Refusal(403, "AccessDenied", "Access Denied")
DISABLED = Refusal(403, "AllAccessDisabled", "All access to this object has been disabled")
KMS_DENIED = Refusal(403, "AccessDenied", "The ciphertext refers to a customer master key that you may not use.")
KMS_DISABLED = Refusal(400, "KMS.DisabledException", "arn:aws:kms:us-east-1:1:key/1 is disabled.")
CUSTOMER_KEY = Refusal(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption.")
ARCHIVED = Refusal(403, "InvalidObjectState", "The operation is not valid for the object's storage class")
NOT_ACTIVE = Refusal(
    403, "ObjectNotInActiveTierError", "The source object of the COPY action is not in the active tier"
)
SLOW_DOWN = Refusal(503, "SlowDown", "Please reduce your request rate.")


class _Played(NamedTuple):
    """What a HEAD and a read of an object answer, and how HEAD and a listing describe it."""

    head: Refusal | None = None
    read: Refusal | None = None
    copy: Refusal | None = None
    storage_class: str = ""
    archive_status: str = ""
    restore: str = ""


class Trouble(Enum):
    """How the store answers for an object."""

    DENIED = _Played(DENIED, DENIED)  # a policy, an ACL, another owner
    DISABLED = _Played(DISABLED, DISABLED)  # by AWS
    KMS = _Played(KMS_DENIED, KMS_DENIED)  # a HEAD that asks for the checksum needs the key
    KMS_READ = _Played(None, KMS_DENIED)  # described to anybody, readable with the key only
    KMS_DISABLED = _Played(KMS_DISABLED, KMS_DISABLED)
    CUSTOMER_KEY = _Played(CUSTOMER_KEY, CUSTOMER_KEY)
    GLACIER = _Played(None, ARCHIVED, NOT_ACTIVE, "GLACIER")
    RESTORING = _Played(None, ARCHIVED, NOT_ACTIVE, "DEEP_ARCHIVE", restore='ongoing-request="true"')
    RESTORED = _Played(None, None, None, "GLACIER", restore=EXPIRY)
    ARCHIVE_ACCESS = _Played(None, ARCHIVED, NOT_ACTIVE, "INTELLIGENT_TIERING", "ARCHIVE_ACCESS")
    INSTANT = _Played(storage_class="GLACIER_IR")


class StoreProxy(ThreadingHTTPServer):
    """Kinds of calls are HEAD, GET, LIST, COPY, PUT, POST and DELETE."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, target: tuple[str, int] = (HOST, 0), *, seed: int = 1) -> None:
        self.target = target
        self.reset()
        self.random = random.Random(seed)
        super().__init__((HOST, 0), _Handler)

    def reset(self) -> None:
        """From now on it only passes on."""
        self.objects: dict[str, Trouble] = {}
        self.everything: Trouble | None = None
        self.slow_down: dict[str, float] = {}
        self.seconds: dict[str, float] = {}
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.server_port}"

    def __enter__(self) -> StoreProxy:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self.server_close()

    def played(self, key: str) -> _Played:
        """What is played for a key; an empty one stands for the bucket."""
        trouble = self.everything or self.objects.get(key)
        return trouble.value if trouble else _Played()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Callers that were killed are no news."""


class _Call(NamedTuple):
    """A request, as far as it matters here."""

    kind: str
    key: str
    copied: str


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer goes out in one piece
    server: StoreProxy
    upstream: HTTPConnection | None = None

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = self._call()
        self.server.calls[call.kind] += 1
        time.sleep(self.server.seconds.get(call.kind, 0))
        refusal = self._refusal(call)
        if refusal is None:
            self._pass_on(call, body)
            return
        self.server.refused[f"{call.kind} {refusal.code}"] += 1
        text = _ERROR.format(code=refusal.code, message=escape(refusal.message)).encode()
        self._answer(refusal.status, {"Content-Type": "application/xml"}, text)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _serve  # noqa: N815 - http.server's names

    def _call(self) -> _Call:
        parts = urlsplit(self.path)
        _, _, key = unquote(parts.path).lstrip("/").partition("/")
        copied = unquote(self.headers.get("x-amz-copy-source", "")).lstrip("/").partition("/")[2]
        if copied:
            return _Call("COPY", key, copied)
        if self.command == "GET" and not key and "list-type" in parse_qs(parts.query):
            return _Call("LIST", "", "")
        return _Call(self.command, key, "")

    def _refusal(self, call: _Call) -> Refusal | None:
        if self.server.random.random() < self.server.slow_down.get(call.kind, 0):
            return SLOW_DOWN
        if call.kind == "COPY":
            copied = self.server.played(call.copied)
            return copied.copy or copied.read
        if call.kind == "HEAD":
            return self.server.played(call.key).head
        if call.kind in ("GET", "LIST"):
            return self.server.played(call.key).read
        return None

    def _pass_on(self, call: _Call, body: bytes) -> None:
        try:
            status, headers, content, length = self._forwarded(body)
        except (OSError, HTTPException):
            self.upstream = None
            self.close_connection = True
            return
        if call.kind in ("HEAD", "GET") and status in (200, 206):
            headers |= _described(self.server.played(call.key))
        if call.kind == "LIST" and status == 200:
            with_restore = "RestoreStatus" in self.headers.get("x-amz-optional-object-attributes", "")
            content = self._listed(content.decode(), with_restore=with_restore).encode()
        self._answer(status, headers, content, length=length)

    def _forwarded(self, body: bytes) -> tuple[int, dict[str, str], bytes, str]:
        if self.upstream is None:
            self.upstream = HTTPConnection(*self.server.target, timeout=UPSTREAM_SECONDS)
        self.upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                self.upstream.putheader(name, value)
        if "Content-Length" in self.headers:
            self.upstream.putheader("Content-Length", str(len(body)))
        self.upstream.endheaders(body or None)
        answer = self.upstream.getresponse()
        headers = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        content = answer.read()
        if answer.will_close:
            self.upstream = None
        return answer.status, headers, content, answer.getheader("Content-Length") or "0"

    def _listed(self, listing: str, *, with_restore: bool) -> str:
        def described(found: re.Match[str]) -> str:
            element = found.group()
            key = _KEY.search(element)
            played = self.server.played(unquote_plus(unescape(key[1]))) if key else _Played()
            if not played.storage_class:
                return element
            more = f"<StorageClass>{played.storage_class}</StorageClass>"
            if with_restore and played.restore:
                more += f"<RestoreStatus>{_restore_status(played.restore)}</RestoreStatus>"
            return _STORAGE_CLASS.sub("", element).replace("</Contents>", f"{more}</Contents>")

        return _CONTENTS.sub(described, listing)

    def _answer(self, status: int, headers: dict[str, str], body: bytes, *, length: str = "") -> None:
        """An answer to HEAD has no body, and the length of the object."""
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if self.command != "HEAD":
            self.send_header("Content-Length", str(len(body)))
        elif length:
            self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quietly."""


def _described(played: _Played) -> dict[str, str]:
    headers = {
        "x-amz-storage-class": played.storage_class,
        "x-amz-archive-status": played.archive_status,
        "x-amz-restore": played.restore,
    }
    return {name: value for name, value in headers.items() if value}


def _restore_status(restore: str) -> str:
    if "true" in restore:
        return "<IsRestoreInProgress>true</IsRestoreInProgress>"
    expiry = "<RestoreExpiryDate>2100-01-01T00:00:00.000Z</RestoreExpiryDate>"
    return f"<IsRestoreInProgress>false</IsRestoreInProgress>{expiry}"
