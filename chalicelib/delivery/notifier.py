"""Turns changes of jobs, as the table's stream reports them, into webhooks and WebSocket messages.

Notifying starts from the stream alone, so no code that changes a job can forget it. Lambda repeats a batch that
raises: webhooks and messages tolerate repetition, and what may fail comes before what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor

import msgspec

from chalicelib.delivery.job_summary import event_message
from chalicelib.delivery.subscriptions import Push, SubscriptionTable
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Job
from chalicelib.jobs.ports import WorkQueue
from chalicelib.messages import SendWebhook
from chalicelib.observability import logger

PUSHES_IN_FLIGHT = 8  # threads that the executor of a notifier should have


class JobChange(msgspec.Struct, frozen=True):
    """One write of a job's row; `old` is None for a new job."""

    old: Job | None
    new: Job


class Collapsed(msgspec.Struct, frozen=True):
    """A batch of changes, deduplicated per job.

    `latest` holds the last state of each job that changed visibly, `ended` each job that ended, as it was then.
    """

    latest: tuple[Job, ...]
    ended: tuple[Job, ...]


class Audience(msgspec.Struct, frozen=True):
    """A job and the connections subscribed to it."""

    job: Job
    connections: tuple[str, ...]


class SendResult(msgspec.Struct, frozen=True):
    """How many webhooks were queued and how many WebSocket messages were attempted."""

    webhooks: int
    messages: int


class Notifier(msgspec.Struct, frozen=True):
    """Queues webhooks and pushes WebSocket messages. `public_url` is the base URL of the links in a message."""

    queue: WorkQueue
    table: SubscriptionTable
    push: Push
    executor: Executor
    public_url: str

    def notify(self, changes: Iterable[JobChange], *, time_left: Callable[[], bool]) -> SendResult:
        """Processes a batch of changes, those of one job in order.

        Raises QueueUnavailable or TableUnavailable; the batch must then be repeated. Messages that cannot be
        pushed, or not while there is `time_left`, are dropped: the next one carries the newer state anyway.
        """
        collapsed = collapse(changes)
        audiences = self._audiences(collapsed.latest)  # may raise, so it precedes the webhooks
        webhooks = [_webhook(job) for job in collapsed.ended if job.callback_url]
        self.queue.send(webhooks)
        return SendResult(len(webhooks), self._push(audiences, time_left))

    def _audiences(self, jobs: Iterable[Job]) -> list[Audience]:
        """Finds the subscribers of each job; leaves out jobs without any."""
        found = [Audience(job, tuple(self.table.subscribers(job.job_id))) for job in jobs]
        return [audience for audience in found if audience.connections]

    def _push(self, audiences: Sequence[Audience], time_left: Callable[[], bool]) -> int:
        """Returns how many messages were attempted. Never raises for a connection that fails."""
        bodies = {audience.job.job_id: event_message(audience.job, self.public_url) for audience in audiences}
        messages = [(connection, audience.job) for audience in audiences for connection in audience.connections]

        def attempt(message: tuple[str, Job]) -> bool:
            connection, job = message
            if not time_left():
                return False
            if not self.push.send(connection, bodies[job.job_id]):
                self._forget(connection, job, gone=True)
            elif job.status.ended:
                self._forget(connection, job, gone=False)
            return True

        attempted = sum(self.executor.map(attempt, messages))
        if attempted < len(messages):
            logger.warning("out of time for WebSocket messages", dropped=len(messages) - attempted)
        return attempted

    def _forget(self, connection: str, job: Job, *, gone: bool) -> None:
        """Removes a subscription, and the connection too if it is gone. The rows expire, so an outage is harmless."""
        try:
            self.table.unsubscribe(connection, job.job_id)  # even if the connection's own row is gone
            if gone:
                self.table.close(connection)
        except TableUnavailable as error:
            logger.warning("subscription not removed", connection_id=connection, error=str(error))


def collapse(changes: Iterable[JobChange]) -> Collapsed:
    """Deduplicates a batch. The changes of one job must be in order."""
    first: dict[str, int] = {}
    latest: dict[str, Job] = {}
    ended = []
    for change in changes:
        job = change.new
        # A client learns of a job after its first version is written, so that version is no change to report.
        first.setdefault(job.job_id, change.old.version if change.old else job.version)
        latest[job.job_id] = job
        if job.status.ended and not (change.old and change.old.status.ended):
            ended.append(job)
    return Collapsed(tuple(job for job in latest.values() if job.version > first[job.job_id]), tuple(ended))


def _webhook(job: Job) -> SendWebhook:
    return SendWebhook(job.job_id, str(job.status), job.finished_at or job.updated_at)
