"""What is told of a job while somebody watches, whichever way it goes out: an event's name, its number, the job."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from chalicelib.jobs.model import Job

# The job as callers read it: anything that msgspec encodes to a JSON object.
Render = Callable[[Job], Any]


def event_name(job: Job) -> str:
    """`progress` while the job has not ended, then how it did."""
    return str(job.status) if job.status.ended else "progress"


def event_message(job: Job, render: Render) -> bytes:
    """The event as one JSON text. `id` grows with each change, so that a reader can put events in order."""
    message = {"event": event_name(job), "id": job.version, "jobId": job.job_id, "data": render(job)}
    return msgspec.json.encode(message)
