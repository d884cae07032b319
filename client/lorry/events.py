"""Events of jobs: their audit trail, and the changes that the service streams while a job runs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from httpx_sse import EventSource, ServerSentEvent

from lorry.models import ENDED_STATUSES, Answer, Job, time_of

PROGRESS = "progress"
CHANGES = ENDED_STATUSES | {PROGRESS}
EVENT_STREAM = "text/event-stream"

_ID = re.compile(r"[!-~]*")


@dataclass(frozen=True)
class JobEvent:
    """One line of a job's audit trail.

    `kind` says what happened, `details` with which values, `by` who did it (a caller or a part of the service).
    `request_id` and `trace_id` are empty where no request caused it. `answer` is the JSON object of the service.
    """

    kind: str
    at: datetime | None
    by: str
    request_id: str = ""
    trace_id: str = ""
    details: Answer = field(default_factory=dict)
    answer: Answer = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> JobEvent:
        """Reads one item of `events`."""
        return cls(
            kind=str(answer["kind"]),
            at=time_of(answer.get("at")),
            by=str(answer.get("by") or ""),
            request_id=str(answer.get("requestId") or ""),
            trace_id=str(answer.get("traceId") or ""),
            details=dict(answer.get("details") or {}),
            answer=answer,
        )


@dataclass(frozen=True)
class JobChange:
    """The job after a change: `name` is `progress`, or how the job ended (`ready`, `failed`, `cancelled`).

    `id` numbers the states of the job. `job` has no archives and no links; `Lorry.status` returns them.
    """

    name: str
    id: str
    job: Job

    @property
    def last(self) -> bool:
        """True for the change that ended the job."""
        return self.name in ENDED_STATUSES

    @classmethod
    def from_event(cls, event: ServerSentEvent) -> JobChange:
        """Reads an event of the stream. Raises ValueError, KeyError or TypeError as the readers of `models` do."""
        if not _ID.fullmatch(event.id):
            raise ValueError("the id of an event cannot be sent in a header")
        answer: Any = json.loads(event.data)
        return cls(event.event, event.id, Job.from_answer(answer))


@dataclass(frozen=True)
class EventStream:
    """A whole response of the stream: the changes in it, and after how many seconds to reconnect (None: unsaid)."""

    changes: tuple[JobChange, ...]
    retry: float | None


def read_events(response: httpx.Response) -> EventStream:
    """The changes in a response that was read to its end; skips events of other kinds.

    Raises SSEError when the response is not an event stream, else as `from_event`.
    """
    events = list(EventSource(response).iter_sse())
    retry = next((event.retry for event in reversed(events) if event.retry is not None), None)
    changes = tuple(JobChange.from_event(event) for event in events if event.event in CHANGES)
    return EventStream(changes, None if retry is None else retry / 1000)
