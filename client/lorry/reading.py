"""Reads jobs, their files and events, and the limits of the service, page after page."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from lorry.limits import Limits
from lorry.model import Answer, Job, Page
from lorry.trail import JobEvent
from lorry.transport import JOB_PATIENCE, Request, Transport
from lorry.watching import segment

PAGE_FILES = 1000
"""The most files that the service answers with at once."""

PAGE_JOBS = 100
PAGE_EVENTS = 1000

Item = TypeVar("Item")
Params = Mapping[str, str | int]


class Reading:
    """What can be read of a service. Raises as `Transport.read`."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def job(self, job_id: str) -> Job:
        """The job as it stands, with fresh links to its archives."""
        return self._transport.read(_status(job_id, {"limit": 1}), Job.from_answer)

    def page(self, job_id: str, cursor: str | None) -> Page:
        """One page of the job's files."""
        request = _status(job_id, {"limit": PAGE_FILES} | _cursor(cursor))
        return self._transport.read(request, lambda answer: Page.from_answer(answer, cursor))

    def pages(self, job_id: str) -> Iterator[Page]:
        """All pages of the job's files."""
        page = self.page(job_id, None)
        yield page
        while page.next_cursor:
            page = self.page(job_id, page.next_cursor)
            yield page

    def jobs(self, status: str | None, limit: int | None) -> Iterator[Job]:
        """The caller's jobs, newest first."""
        params: Params = {"limit": min(limit or PAGE_JOBS, PAGE_JOBS)} | ({"status": status} if status else {})
        read = _reader_of("jobs", Job.from_answer)
        return itertools.islice(self._all(Request("GET", "/v1/download/jobs", params=params), read), limit)

    def events(self, job_id: str, limit: int | None) -> Iterator[JobEvent]:
        """The job's audit trail, oldest first."""
        params: Params = {"limit": min(limit or PAGE_EVENTS, PAGE_EVENTS)}
        read = _reader_of("events", JobEvent.from_answer)
        path = f"/v1/download/{segment(job_id)}/events"
        return itertools.islice(self._all(Request("GET", path, params=params), read), limit)

    def limits(self) -> Limits:
        """The service's limits."""
        return self._transport.read(Request("GET", "/v1/limits"), Limits.from_answer)

    def _all(self, request: Request, read: Callable[[Answer], tuple[list[Item], str | None]]) -> Iterator[Item]:
        """The items of all pages of a listing."""
        items, cursor = self._transport.read(request, read)
        yield from items
        while cursor:
            following = replace(request, params={**(request.params or {}), **_cursor(cursor)})
            items, cursor = self._transport.read(following, read)
            yield from items


def _reader_of(member: str, from_answer: Callable[[Answer], Item]) -> Callable[[Answer], tuple[list[Item], str | None]]:
    """Reads a page: the items in `member`, and the cursor of the next page."""
    return lambda answer: ([from_answer(item) for item in answer[member]], answer.get("nextCursor"))


def _status(job_id: str, params: Params) -> Request:
    return Request("GET", f"/v1/download/status/{segment(job_id)}", params=params, patience=JOB_PATIENCE)


def _cursor(cursor: str | None) -> dict[str, str | int]:
    return {"cursor": cursor} if cursor else {}
