"""The calls of the service, as flows: which requests each one sends and what it makes of the responses."""

from __future__ import annotations

import math
import operator
import re
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, SupportsIndex, TypeVar
from urllib.parse import quote

import httpx
from httpx_sse import SSEError

from lorry.errors import WaitTimedOut
from lorry.events import EVENT_STREAM, EventStream, JobChange, JobEvent, read_events
from lorry.flows import Batches, Caller, Flow, OutOfTime, Pause, Request
from lorry.models import Answer, Availability, Job, Limits, Page, StartedJob, StoredObject

PAGE_FILES = 1000
"""The most files that the service returns at once."""

PAGE_JOBS = 100
PAGE_EVENTS = 1000

JOB_PATIENCE = 3
"""Requests about a running job are tried three times as often: an outage of a minute must not end the wait."""

USUAL_PAUSE_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 300.0

Layout = Literal["flat", "tree"]
OnMissing = Literal["skip", "fail"]
Params = Mapping[str, str | int]
Item = TypeVar("Item")

_KEY = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True)
class ArchiveOptions:
    """How the ZIP of a job is made.

    `filename` is what browsers save it as (None: the service chooses). `layout` puts every file at the top ("flat") or
    keeps the folders of the keys ("tree"). `on_missing` leaves missing files out ("skip") or fails the job ("fail").
    `manifest` adds an entry that lists all files.
    """

    filename: str | None = None
    layout: Layout = "flat"
    on_missing: OnMissing = "skip"
    manifest: bool = True

    def as_json(self) -> dict[str, Any]:
        """The `archive` of a request."""
        more: dict[str, Any] = {} if self.filename is None else {"filename": self.filename}
        if not self.manifest:
            more["manifest"] = False
        return more | {"layout": self.layout, "onMissing": self.on_missing}


@dataclass(frozen=True)
class Operations:
    """Makes the flows of all calls. They raise as `Caller.read`.

    `patience` multiplies the attempts to read jobs and files: 1 answers a person soon, JOB_PATIENCE sits out an outage.
    """

    caller: Caller
    patience: int = 1

    def start(self, body: dict[str, Any], *, idempotency_key: str | None) -> Flow[StartedJob]:
        """Creates the job of `body` (`initiate_body`). Raises ValueError for a key that cannot be sent."""
        headers = key_header(idempotency_key)
        request = Request("POST", "/v1/download/initiate", body=body, headers=headers)
        return self.caller.read(request, StartedJob.from_answer)

    def status(self, job_id: str) -> Flow[Job]:
        """Reads the job, with fresh links to its archives."""
        return self.caller.read(_status(job_id, {"limit": 1}, patience=self.patience), Job.from_answer)

    def wait(self, job_id: str, *, timeout: float | None, on_change: Callable[[Job], None] | None) -> Flow[Job]:
        """Reads the job until it has ended. Raises WaitTimedOut after `timeout` seconds."""
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        job, etag, shown = None, None, None
        while True:
            conditions: dict[str, str] = {"If-None-Match": etag} if etag and job else {}
            try:
                reply = yield from self.caller.send(
                    replace(_status(job_id, {"limit": 1}), headers=conditions, deadline=deadline)
                )
            except OutOfTime as late:
                raise (WaitTimedOut(job, timeout or 0.0) if job else late.error) from None
            etag = reply.etag
            if reply.body is not None or job is None:
                job = self.caller.understand(Job.from_answer, reply.body or {})
            state = replace(job, updated_at=None, links_expire_at=None)
            if on_change and state != shown:
                on_change(job)
            shown = state
            if job.ended:
                return job
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(job, timeout or 0.0)
            yield Pause(min(left, _bounded(reply.retry_after)))

    def follow(self, job_id: str) -> Batches[JobChange]:
        """Reads the changes of the job until it has ended."""
        return _Follower(self.caller, f"/v1/download/stream/{segment(job_id)}").next

    def page(self, job_id: str, cursor: str | None) -> Flow[Page]:
        """Reads one page of the job's files."""
        request = _status(job_id, {"limit": PAGE_FILES} | _cursor(cursor), patience=self.patience)
        return self.caller.read(request, lambda answer: Page.from_answer(answer, cursor))

    def pages(self, job_id: str) -> Batches[Page]:
        """Reads all pages of the job's files."""

        def read(cursor: str | None) -> Flow[tuple[Sequence[Page], str | None]]:
            page = yield from self.page(job_id, cursor)
            return [page], page.next_cursor

        return _Listing(read, None).next

    def jobs(self, status: str | None, limit: int | None, *, label: str | None = None) -> Batches[Job]:
        """Reads the caller's jobs, newest first."""
        wanted = {name: value for name, value in (("status", status), ("label", label)) if value}
        params: Params = {"limit": min(limit or PAGE_JOBS, PAGE_JOBS), **wanted}
        return self._listing("/v1/download/jobs", params, member="jobs", reader=Job.from_answer, limit=limit)

    def events(self, job_id: str, limit: int | None) -> Batches[JobEvent]:
        """Reads the job's audit trail, oldest first."""
        path = f"/v1/download/{segment(job_id)}/events"
        params: Params = {"limit": min(limit or PAGE_EVENTS, PAGE_EVENTS)}
        return self._listing(path, params, member="events", reader=JobEvent.from_answer, limit=limit)

    def objects(self, prefix: str | None, *, recursive: bool) -> Batches[StoredObject]:
        """Reads what lies below a prefix."""
        wanted = ({"prefix": prefix} if prefix else {}) | ({} if recursive else {"delimiter": "/"})

        def read(cursor: str | None) -> Flow[tuple[Sequence[StoredObject], str | None]]:
            request = Request("GET", "/v1/objects", params={**wanted, **_cursor(cursor)})
            return self.caller.read(request, lambda answer: (StoredObject.page_from(answer), answer["nextCursor"]))

        return _Listing(read, None).next

    def manifest(self, job_id: str, kind: str, *, stable: bool) -> Batches[str]:
        """Reads the job's list for other tools; the cursor is the URL of a page."""
        wanted: Params = {"format": kind, "links": "stable" if stable else "direct"}

        def read(cursor: str | None) -> Flow[tuple[Sequence[str], str | None]]:
            request = Request("GET", f"/v1/download/{segment(job_id)}/manifest", params={**wanted, **_cursor(cursor)})
            response = yield from self.caller.exchange(request)
            following = response.links.get("next", {}).get("url")
            return [response.text], httpx.URL(following).params["cursor"] if following else None

        return _Listing(read, None).next

    def cancel(self, job_id: str) -> Flow[Job]:
        """Cancels the job."""
        return self.caller.read(Request("DELETE", f"/v1/download/{segment(job_id)}"), Job.from_answer)

    def purge(self, job_id: str) -> Flow[None]:
        """Removes the job."""
        request = Request("DELETE", f"/v1/download/{segment(job_id)}", {"purge": "true"})
        yield from self.caller.exchange(request)

    def retry(self, job_id: str, *, idempotency_key: str | None) -> Flow[Job]:
        """Runs again what failed of the job. Raises ValueError for a key that cannot be sent."""
        request = Request("POST", f"/v1/download/{segment(job_id)}/retry", headers=key_header(idempotency_key))
        return self.caller.read(request, Job.from_answer)

    def check(self, file_id: int) -> Flow[Availability]:
        """Looks for one file in the store."""
        request = Request("POST", "/v1/download/check", body={"file_id": file_id})
        return self.caller.read(request, Availability.from_answer)

    def limits(self) -> Flow[Limits]:
        """Reads the limits of the service."""
        return self.caller.read(Request("GET", "/v1/limits"), Limits)

    def _listing(
        self, path: str, params: Params, *, member: str, reader: Callable[[Answer], Item], limit: int | None
    ) -> Batches[Item]:
        """The items in `member` of each page."""

        def items_of(answer: Answer) -> tuple[Sequence[Item], str | None]:
            return [reader(item) for item in answer[member]], answer.get("nextCursor")

        def read(cursor: str | None) -> Flow[tuple[Sequence[Item], str | None]]:
            return self.caller.read(Request("GET", path, params={**params, **_cursor(cursor)}), items_of)

        return _Listing(read, limit).next


class _Listing(Generic[Item]):
    """Reads page after page, `limit` items at most. `read` takes a cursor and returns items and the next cursor."""

    def __init__(
        self, read: Callable[[str | None], Flow[tuple[Sequence[Item], str | None]]], limit: int | None
    ) -> None:
        self._read = read
        self._left = math.inf if limit is None else limit
        self._cursor: str | None = None
        self._ended = False

    def next(self) -> Flow[Sequence[Item] | None]:
        """Reads the next items; None at the end."""
        if self._ended:
            return None
        items, self._cursor = yield from self._read(self._cursor)
        if len(items) > self._left:
            items = items[: int(self._left)]
        self._left -= len(items)
        self._ended = not self._cursor or self._left <= 0
        return items


class _Follower:
    """Reads the event stream of a job: each response is finite, so it reconnects with the id of the last change."""

    def __init__(self, caller: Caller, path: str) -> None:
        self._caller = caller
        self._path = path
        self._seen = ""
        self._pause = 0.0
        self._ended = False

    def next(self) -> Flow[Sequence[JobChange] | None]:
        """Reads the next changes; None after the last."""
        if self._ended:
            return None
        if self._pause:
            yield Pause(self._pause)
        headers = {"Accept": EVENT_STREAM} | ({"Last-Event-ID": self._seen} if self._seen else {})
        request = Request("GET", self._path, headers=headers, patience=JOB_PATIENCE)
        response = yield from self._caller.exchange(request)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        try:
            stream: EventStream = self._caller.understand(lambda _: read_events(response), {})
        except SSEError:
            self._caller.not_lorry(f"{response.status_code}, not an event stream")
        self._pause = _bounded(stream.retry)
        for place, change in enumerate(stream.changes, 1):
            self._seen = change.id
            if change.last:
                self._ended = True
                return stream.changes[:place]
        return stream.changes


def initiate_body(
    *,
    file_ids: Iterable[SupportsIndex] | None,
    keys: Iterable[str] | None,
    prefix: str | None,
    archive: bool | ArchiveOptions,
    callback_url: str | None = None,
    link_ttl: int | None = None,
    label: str | None = None,
) -> dict[str, Any]:
    """The body of initiate. Raises ValueError unless exactly one of `file_ids`, `keys` and `prefix` is given, and
    TypeError for ids that are not integers (those of numpy and pandas are)."""
    named: dict[str, Any] = {
        "file_ids": None if file_ids is None else [operator.index(number) for number in file_ids],
        "keys": None if keys is None else list(keys),
        "prefix": prefix,
    }
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) != 1:
        raise ValueError(f"give exactly one of file_ids, keys and prefix, not {', '.join(given) or 'none'}")
    options = {
        "archive": archive.as_json() if isinstance(archive, ArchiveOptions) else archive,
        "callbackUrl": callback_url,
        "linkTtlSeconds": link_ttl,
        "label": label,
    }
    return given | {name: value for name, value in options.items() if value}


def checked_key(text: str) -> str:
    """`text` itself. Raises ValueError unless it is 1 to 255 visible ASCII characters, as the service requires."""
    if not _KEY.fullmatch(text):
        raise ValueError("an idempotency key is 1 to 255 visible ASCII characters, without spaces")
    return text


def key_header(given: str | None) -> dict[str, str]:
    """The header with the caller's key, or with a new one for this call. Raises ValueError as `checked_key`."""
    return {"Idempotency-Key": str(uuid.uuid4()) if given is None else checked_key(given)}


def segment(text: str) -> str:
    """`text` as one segment of a path, with every special character escaped."""
    return quote(text, safe="")


def _status(job_id: str, params: Params, *, patience: int = JOB_PATIENCE) -> Request:
    return Request("GET", f"/v1/download/status/{segment(job_id)}", params=params, patience=patience)


def _cursor(cursor: str | None) -> dict[str, str | int]:
    return {"cursor": cursor} if cursor else {}


def _bounded(asked: float | None) -> float:
    pause = USUAL_PAUSE_SECONDS if asked is None else asked
    return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, pause))
