"""Counts what functions ask of AWS: an HTTP relay between the workers of an embedded stack and its MiniStack.

    with Relay() as relay: ...  # AWS_ENDPOINT_URL=relay.url; then relay.tally

Everything is counted as AWS would bill it: S3 requests by price class, DynamoDB in request units, messages, calls.
"""

from __future__ import annotations

import base64
import http.client
import json
import math
import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

_SERVICE = re.compile(r"Credential=[^/]+/\d{8}/[^/]+/([^/]+)/aws4_request")
_KIB = 1024
_SINGLE_WRITES = ("PutItem", "UpdateItem", "DeleteItem")
_TRANSACTED = ("Put", "Update", "Delete", "ConditionCheck")

Item = dict[str, Any]
Key = tuple[str, str]


def s3_class(method: str, query: Mapping[str, Any]) -> str:
    """The price class of a request to S3: put (COPY, POST and LIST too), get (all other reads), or free (DELETE)."""
    if method == "DELETE":
        return "free"
    lists = method == "GET" and not query.keys().isdisjoint({"list-type", "uploads", "uploadId"})
    return "put" if lists or method in ("PUT", "POST") else "get"


def written(operation: str, body: Mapping[str, Any]) -> Iterator[tuple[Key, Item | None, int]]:
    """What a request to DynamoDB writes: key, item if all of it is told, and how often each unit counts."""
    if operation in _SINGLE_WRITES:
        yield _write(body, 1)
    if operation == "BatchWriteItem":
        for requests in body["RequestItems"].values():
            for request in requests:
                (inner,) = request.values()
                yield _write(inner, 1)
    if operation == "TransactWriteItems":
        for action in body["TransactItems"]:
            (inner,) = (action[name] for name in _TRANSACTED if name in action)
            yield _write(inner, 2)


def _write(request: Mapping[str, Any], factor: int) -> tuple[Key, Item | None, int]:
    item = request.get("Item")
    return key_of(item or request["Key"]), item, factor


def key_of(item: Mapping[str, Any]) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def size(item: Mapping[str, Any]) -> int:
    """Bytes of an item, its JSON being a little more than what DynamoDB counts."""
    return len(json.dumps(item, separators=(",", ":"), default=_base64))


def _base64(body: bytes) -> str:
    return base64.b64encode(body).decode()


def read_units(body: Mapping[str, Any], answered: int, items: Sequence[int] = ()) -> float:
    """Request units of a read that was answered with so many bytes; of a batch, the sizes of its `items` count.

    Each item of a batch is rounded up by itself, and one that is not there is a unit.
    """
    if "RequestItems" in body:
        (asked,) = body["RequestItems"].values()
        units = sum(math.ceil(one / (4 * _KIB)) for one in items) + len(asked["Keys"]) - len(items)
        return units if asked.get("ConsistentRead") else units / 2
    units = max(1, math.ceil(answered / (4 * _KIB)))
    return units if body.get("ConsistentRead") else units / 2


def _items(content: bytes) -> list[int]:
    """The sizes of the items in the answer to a BatchGetItem."""
    return [size(item) for found in json.loads(content).get("Responses", {}).values() for item in found]


class Tally:
    """What was asked so far. Several threads may add to it."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._reads = 0.0
        self._writes: list[tuple[Key, int | None, int]] = []
        self._lock = threading.Lock()

    def add(
        self, service: str, operation: str, body: Mapping[str, Any], answered: int, *, items: Sequence[int] = ()
    ) -> None:
        with self._lock:
            self.counts[f"{service}:{operation}"] += 1
            if service == "sqs" and operation.startswith("SendMessage"):
                queue = body["QueueUrl"].rsplit("/", 1)[-1]
                self.counts[f"messages:{queue}"] += len(body.get("Entries", [body]))
            if service == "dynamodb":
                writes = list(written(operation, body))
                self._writes += [(key, size(item) if item else None, factor) for key, item, factor in writes]
                self._reads += 0.0 if writes else read_units(body, answered, items)

    def clear(self) -> None:
        with self._lock:
            self.counts.clear()
            self._writes.clear()
            self._reads = 0.0

    @property
    def read_units(self) -> float:
        return self._reads

    def write_units(self, sizes: Mapping[Key, int]) -> int:
        """Request units of all writes. What an update leaves is as large as `sizes` says, 1 KiB if the item is gone.

        A job's row counts once more for its index, though not every write changes that.
        """
        return sum(
            math.ceil((known or sizes.get(key, 1)) / _KIB) * factor + (key[1] == "JOB")
            for key, known, factor in self._writes
        )

    def job_changes(self) -> int:
        """Writes of job rows, each of which comes up in the table's stream."""
        return sum(key[1] == "JOB" for key, _, _ in self._writes)


class Relay(ThreadingHTTPServer):
    """Passes requests on to `target` (host and port, given once it is known) and counts them in `tally`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tally = Tally()
        self.target = ("127.0.0.1", 0)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Relay:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Relay

    def _pass_on(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        onward = http.client.HTTPConnection(*self.server.target, timeout=120)
        onward.request(self.command, self.path, data, dict(self.headers))
        answer = onward.getresponse()
        content = answer.read()
        self._count(data, content)
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                self.send_header(name, value)
        # The length that HEAD tells is the object's, not that of what follows.
        length = answer.getheader("Content-Length", "0") if self.command == "HEAD" else str(len(content))
        self.send_header("Content-Length", length)
        self.end_headers()
        self.wfile.write(content)
        onward.close()

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on  # noqa: N815

    def _count(self, data: bytes, content: bytes) -> None:
        # A presigned request, as those for small files are, has its signature in the query.
        found = _SERVICE.search(unquote(self.headers.get("Authorization", "") or self.path))
        answered = len(content)
        service = found[1] if found else "unsigned"
        target = self.headers.get("X-Amz-Target")
        if service == "s3":
            query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            self.server.tally.add(service, s3_class(self.command, query), {}, answered)
        elif target:
            operation = target.rpartition(".")[2]
            items = _items(content) if operation == "BatchGetItem" else ()
            self.server.tally.add(service, operation, json.loads(data), answered, items=items)
        else:
            self.server.tally.add(service, self.command, {}, answered)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing of each request."""
