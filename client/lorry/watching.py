"""Stays with a job until it has ended: by asking for its status, or by following its events."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx

from lorry.errors import WaitTimedOut
from lorry.event_stream import EventStream, read_events
from lorry.model import Job
from lorry.trail import CHANGES, JobChange
from lorry.transport import JOB_PATIENCE, OutOfTime, Request, Transport

EVENT_STREAM = "text/event-stream"

USUAL_PAUSE_SECONDS = 1.0
SHORTEST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 300.0


def segment(text: str) -> str:
    """`text` as one segment of a path, whatever is in it."""
    return quote(text, safe="")


def wait_until_ended(
    transport: Transport, job_id: str, *, timeout: float | None, on_change: Callable[[Job], None] | None
) -> Job:
    """The job once it has ended. Raises WaitTimedOut after `timeout` seconds, and as `Transport.send`."""
    deadline = time.monotonic() + (math.inf if timeout is None else timeout)
    poller = _Poller(transport, job_id, deadline)
    while True:
        try:
            job = poller.read()
        except OutOfTime as late:
            raise (WaitTimedOut(poller.job, timeout or 0.0) if poller.job else late.error) from None
        if on_change:
            on_change(job)
        if job.ended:
            return job
        left = deadline - time.monotonic()
        if left <= 0:
            raise WaitTimedOut(job, timeout or 0.0)
        time.sleep(min(left, poller.pause))


class _Poller:
    """Reads a job again and again; the service sends it only when it has changed (If-None-Match).

    `job` is the last answer, None before the first; `pause` the seconds to wait before the next reading.
    """

    def __init__(self, transport: Transport, job_id: str, deadline: float) -> None:
        self.job: Job | None = None
        self.pause = USUAL_PAUSE_SECONDS
        self._transport = transport
        self._path = f"/v1/download/status/{segment(job_id)}"
        self._deadline = deadline
        self._etag: str | None = None

    def read(self) -> Job:
        reply = self._transport.send(self._request())
        self._etag = reply.etag
        self.pause = _bounded(reply.retry_after)
        if reply.body is not None or self.job is None:
            self.job = self._transport.understood(Job.from_answer, reply.body or {})
        return self.job

    def _request(self) -> Request:
        known = {"If-None-Match": self._etag} if self._etag and self.job else {}
        return Request(
            "GET", self._path, params={"limit": 1}, headers=known, patience=JOB_PATIENCE, deadline=self._deadline
        )


def follow(transport: Transport, job_id: str) -> Iterator[JobChange]:
    """The job as it is now, then each of its changes, until it has ended. Raises as `Transport.send`.

    Each response of the service is finite, so it is asked again with the id of the last event.
    """
    path = f"/v1/download/stream/{segment(job_id)}"
    seen = ""
    while True:
        headers = {"Accept": EVENT_STREAM} | ({"Last-Event-ID": seen} if seen else {})
        response = transport.exchange(Request("GET", path, headers=headers, patience=JOB_PATIENCE))
        if response.status_code == httpx.codes.NO_CONTENT:
            return
        stream = _stream_of(response, transport)
        for change in _changes(stream, transport):
            yield change
            if change.last:
                return
            seen = change.id
        time.sleep(_bounded(stream.retry))


def _stream_of(response: httpx.Response, transport: Transport) -> EventStream:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != EVENT_STREAM:
        transport.not_lorry(f"{response.status_code}, not an event stream")
    return read_events(response.content)


def _changes(stream: EventStream, transport: Transport) -> list[JobChange]:
    """The events that tell of the job; others may be added to the service one day."""
    told = [event for event in stream.events if event.name in CHANGES]
    return transport.understood(lambda _: [JobChange.from_event(event) for event in told], {})


def _bounded(asked: float | None) -> float:
    pause = USUAL_PAUSE_SECONDS if asked is None else asked
    return min(LONGEST_PAUSE_SECONDS, max(SHORTEST_PAUSE_SECONDS, pause))
