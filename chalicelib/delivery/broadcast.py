"""Pushes the state of jobs to the connections that watch them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from chalicelib.delivery.events import Render, event_message
from chalicelib.delivery.watchers import Push, SubscriptionTable
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.model import Job
from chalicelib.observability import logger

THREADS = 8  # messages on their way at once


@dataclass(frozen=True, slots=True)
class Audience:
    """A job and the connections that watch it."""

    job: Job
    connections: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Broadcaster:
    table: SubscriptionTable
    connections: Push

    def audience(self, jobs: Iterable[Job]) -> list[Audience]:
        """Who watches each of the jobs, without those that nobody does. Raises TableUnavailable."""
        found = [Audience(job, tuple(self.table.subscribers(job.job_id))) for job in jobs]
        return [audience for audience in found if audience.connections]

    def push(self, audiences: Sequence[Audience], render: Render, *, time_left: Callable[[], bool]) -> int:
        """Push each job to its audience while there is time; how many messages were tried. Never raises for a
        connection that fails. One that is gone is forgotten, and so are the subscriptions of a job that ended."""
        messages = [(connection, audience.job) for audience in audiences for connection in audience.connections]
        if not messages:
            return 0
        bodies = {audience.job.job_id: event_message(audience.job, render) for audience in audiences}

        def one(message: tuple[str, Job]) -> bool:
            connection, job = message
            if not time_left():
                return False
            self._settle(connection, job, there=self.connections.send(connection, bodies[job.job_id]))
            return True

        with ThreadPoolExecutor(THREADS) as pool:
            tried = sum(pool.map(one, messages))
        if tried < len(messages):
            logger.warning("no time for all messages to connections", left=len(messages) - tried)
        return tried

    def _settle(self, connection: str, job: Job, *, there: bool) -> None:
        """What follows from a message. The rows expire anyway, so that a table that is down does no harm here."""
        try:
            if not there:
                self.table.unsubscribe(connection, job.job_id)  # also where the connection's own row is gone already
                self.table.close(connection)
            elif job.status.ended:
                self.table.unsubscribe(connection, job.job_id)
        except TableUnavailable as error:
            logger.warning("could not remove a subscription", connection_id=connection, error=str(error))
