"""What the sending of webhooks needs from the outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from chalicelib.jobs.model import Job, JobEvent


class JobTrail(Protocol):
    """The part of the job table that webhooks touch. Both may raise TableUnavailable."""

    def get(self, job_id: str) -> Job | None:
        """The job as of now, None if there is none."""

    def note(self, job_id: str, event: JobEvent) -> None:
        """Append to the audit trail."""


class Sender(Protocol):
    def send(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST once, following nothing. The HTTP status; raises WebhookUnreachable or UnsafeCallbackUrl."""
