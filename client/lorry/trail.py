"""What a job went through and what it goes through now: its audit trail, and its changes while somebody watches."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lorry.event_stream import StreamedEvent
from lorry.model import ENDED_STATUSES, Answer, Job, moment

PROGRESS = "progress"
CHANGES = ENDED_STATUSES | {PROGRESS}

_ID = re.compile(r"[!-~]*")


@dataclass(frozen=True)
class JobEvent:
    """One line of a job's audit trail.

    `kind` says what happened and `details` more of it, `by` who did it (a caller, or a part of the service).
    `request_id` and `trace_id` are empty where no request caused it. `answer` is the service's own JSON object.
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
            at=moment(answer.get("at")),
            by=str(answer.get("by") or ""),
            request_id=str(answer.get("requestId") or ""),
            trace_id=str(answer.get("traceId") or ""),
            details=dict(answer.get("details") or {}),
            answer=answer,
        )


@dataclass(frozen=True)
class JobChange:
    """The job after a change: `name` is `progress`, or how the job ended (`ready`, `failed`, `cancelled`).

    `id` is the service's number of this state. `job` has no archives and no links: `Lorry.status` gives them.
    """

    name: str
    id: str
    job: Job

    @property
    def last(self) -> bool:
        """True for the one after which nothing changes any more."""
        return self.name in ENDED_STATUSES

    @classmethod
    def from_event(cls, event: StreamedEvent) -> JobChange:
        """Reads an event of the stream. Raises ValueError, KeyError or TypeError as the readers of `model` do."""
        if not _ID.fullmatch(event.id):
            raise ValueError("the id of an event cannot be sent back")
        answer: Any = json.loads(event.data)
        return cls(event.name, event.id, Job.from_answer(answer))
