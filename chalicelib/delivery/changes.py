"""Changes of jobs, as the table's stream tells them, become webhooks and messages to whoever watches.

The stream is the only place where notifying begins, so that no code that changes a job can forget it. It repeats a
batch that raised: both ways of telling bear repetition, and what may fail is done before what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from chalicelib.delivery.broadcast import Broadcaster
from chalicelib.delivery.events import Render
from chalicelib.jobs.model import Job
from chalicelib.messages import SendWebhook


@dataclass(frozen=True, slots=True)
class JobChange:
    """One write of a job's row; `old` is None where the job is new."""

    old: Job | None
    new: Job


@dataclass(frozen=True, slots=True)
class Collapsed:
    """What a batch of changes comes to: the latest state of each job that a client would find changed, each once,
    and every job that ended, as it was then."""

    latest: tuple[Job, ...]
    ended: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """How many webhooks were ordered and how many messages went out."""

    webhooks: int
    messages: int


class WebhookQueue(Protocol):
    def send(self, messages: Iterable[SendWebhook]) -> None:
        """Put each message on the queue of webhooks. Raises QueueUnavailable; some may have been sent then."""


@dataclass(frozen=True, slots=True)
class Notifier:
    webhooks: WebhookQueue
    broadcaster: Broadcaster

    def tell(self, changes: Iterable[JobChange], render: Render, *, time_left: Callable[[], bool]) -> Told:
        """Tell of a batch of changes. Raises QueueUnavailable and TableUnavailable: then the batch must come again.

        Messages that cannot be pushed, or not while there is `time_left`, are lost: the next one says more.
        """
        found = collapsed(changes)
        audience = self.broadcaster.audience(found.latest)  # before webhooks are sent, as it may raise
        due = [_webhook(job) for job in found.ended if job.callback_url]
        self.webhooks.send(due)
        return Told(len(due), self.broadcaster.push(audience, render, time_left=time_left))


def collapsed(changes: Iterable[JobChange]) -> Collapsed:
    """What a batch comes to. The changes of one job are in their order."""
    first: dict[str, int] = {}
    latest: dict[str, Job] = {}
    ended = []
    for change in changes:
        job = change.new
        # Nobody can watch a job before its first version is written, so there is nobody to tell of that one.
        first.setdefault(job.job_id, change.old.version if change.old else job.version)
        latest[job.job_id] = job
        if job.status.ended and not (change.old and change.old.status.ended):
            ended.append(job)
    return Collapsed(tuple(job for job in latest.values() if job.version > first[job.job_id]), tuple(ended))


def _webhook(job: Job) -> SendWebhook:
    return SendWebhook(job.job_id, str(job.status), job.finished_at or job.updated_at)
