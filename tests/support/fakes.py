"""The clock, queue, source and counter of tests, which keep the rules of the real ones.

tests/contracts runs each beside its real adapter; FakeJobTable has a module of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from threading import Lock

from chalicelib.errors import ObjectRefused, QueueUnavailable, StorageUnavailable, TableUnavailable
from chalicelib.jobs.ports import Listing, StoredObject
from chalicelib.messages import AnyMessage, Message, SendWebhook


class Clock:
    """Epoch milliseconds that pass only when told."""

    def __init__(self, now: int = 1_700_000_000_000) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class Crash(BaseException):
    """The worker dies here. Not an Exception, so nothing on the way can handle it."""


@dataclass
class FakeWorkQueue:
    """WorkQueue in memory; tests take messages out as SQS would: in any order, and more than once."""

    messages: list[Message] = field(default_factory=list)
    webhooks: list[SendWebhook] = field(default_factory=list)
    delays: list[int] = field(default_factory=list)
    down: bool = False

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        self.delays += [delay] if delay else []
        for message in messages:
            if self.down:
                raise QueueUnavailable("the work queue did not answer: it is down")
            if isinstance(message, SendWebhook):
                self.webhooks.append(message)
            else:
                self.messages.append(message)


@dataclass
class FakeSourceStore:
    """SourceStore in memory."""

    objects: dict[str, StoredObject] = field(default_factory=dict)
    down: bool = False
    bucket_exists: bool = True
    refused: dict[str, str] = field(default_factory=dict)  # reasons by key
    unreadable: dict[str, str] = field(default_factory=dict)  # the same, of objects that a HEAD describes
    hashes: dict[str, str] = field(default_factory=dict)  # SHA-256 by key
    page: int = 1_000  # objects in a page of a listing

    def head(self, key: str) -> StoredObject | None:
        self._answer(key)
        if key in self.refused:
            raise ObjectRefused(key, "AccessDenied: Access Denied", self.refused[key])
        return self.objects.get(key) if self.bucket_exists else None

    def sha256(self, key: str, etag: str) -> str | None:
        self._answer(key)
        return self.hashes.get(key)

    def confirm_readable(self, key: str) -> None:
        self._answer(key)
        if key in self.unreadable:
            raise ObjectRefused(key, "AccessDenied: Access Denied", self.unreadable[key])

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        found = sorted((key, stored) for key, stored in self.objects.items() if key.startswith(prefix) and key > after)
        for first in range(0, max(1, len(found)), self.page):
            self._answer(prefix)
            page, rest = found[first : first + self.page], found[first + self.page :]
            yield Listing(tuple(page), token=page[-1][0] if rest else None)

    def page_below(self, prefix: str, *, delimiter: str, token: str | None, limit: int) -> Listing | None:
        """Its tokens are the last key or folder of a page."""
        if token and not token.startswith(prefix):
            return None
        found: dict[str, StoredObject | None] = {}
        for key, stored in (one for page in self.pages_below(prefix) for one in page.objects):
            head, cut, _ = key.removeprefix(prefix).partition(delimiter) if delimiter else (key, "", "")
            found[prefix + head + cut if cut else key] = None if cut else stored
        rest = [name for name in found if not token or name > token]
        page = {name: found[name] for name in rest[:limit]}
        objects = tuple((name, stored) for name, stored in page.items() if stored is not None)
        folders = tuple(name for name, stored in page.items() if stored is None)
        return Listing(objects, folders, rest[limit - 1] if len(rest) > limit else None)

    def confirm_bucket(self) -> None:
        self._answer("bucket")

    def combined_crc32(self, key: str, etag: str) -> int | None:
        self._answer(key)
        return None

    def put(self, key: str, size: int = 10) -> None:
        self.objects[key] = StoredObject(size=size, etag=f"etag-{key}", modified=1_600_000_000_000)

    def _answer(self, key: str) -> None:
        if self.down or (not self.bucket_exists and key == "bucket"):
            raise StorageUnavailable(key, "it is down")


@dataclass
class FakeCallCounter:
    counts: dict[str, int] = field(default_factory=dict)
    down: bool = False
    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, *, until: int) -> int:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]
