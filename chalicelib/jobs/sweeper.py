"""Restarts jobs that no message is working on, for instance after a crash between the table write and the send."""

from __future__ import annotations

from collections.abc import Callable
from itertools import takewhile

import msgspec

from chalicelib.jobs.lifecycle import JobLifecycle, first_messages
from chalicelib.jobs.model import Actor, Failure, Job, JobEvent
from chalicelib.jobs.ports import JobTable, WorkQueue
from chalicelib.messages import CleanUp, Message
from chalicelib.observability import count, logger

SWEEPER = Actor(by="sweeper")
TIMED_OUT = Failure("timed_out", "the job did not end within its time to live")
STUCK_AFTER = 3  # sweeps without any progress: silent for 2 + 4 + 8 minutes, as `sweep_after` is by default
MAX_DOUBLINGS = 5  # a job whose messages wait in a long backlog is not sent again and again


class Sweeper(msgspec.Struct, frozen=True):
    """`sweep_after` and `job_ttl` are seconds, `now()` is epoch milliseconds."""

    table: JobTable
    queue: WorkQueue
    lifecycle: JobLifecycle
    now: Callable[[], int]
    sweep_after: int
    job_ttl: int

    def sweep(self, *, time_left: Callable[[], bool]) -> int:
        """Looks at every job that is due while there is time left. Returns how many it restarted or ended."""
        due = takewhile(lambda _: time_left(), self.table.due(now=self.now()))
        return sum(map(self._safely_look_at, due))

    def _safely_look_at(self, job_id: str) -> bool:
        """One job that raises must not keep the sweeper from the others."""
        try:
            return self._look_at(job_id)
        except Exception:
            logger.exception("the sweeper could not restart a job", job_id=job_id)
            return False

    def _look_at(self, job_id: str) -> bool:
        job = self.table.get(job_id)
        if job is None or job.sweep_at > self.now():
            return False  # the index lags behind the table
        if job.status.ended:
            return self._send(job, [CleanUp(job_id)])
        if self.now() >= job.expires_at - self.job_ttl * 1000:
            self._count_stuck(job)
            return self.lifecycle.fail(job, TIMED_OUT) is not None
        quiet_until = job.updated_at + self.sweep_after * 1000
        if self.now() < quiet_until:
            self.table.postpone_sweep(job, sweep_at=quiet_until, event=None)
            return False
        if job.sweeps + 1 >= STUCK_AFTER:
            self._count_stuck(job)
        return self._send(job, first_messages(job, resume=True))

    def _count_stuck(self, job: Job) -> None:
        """Counts a stuck job: an alarm watches the metric, and the log names the job."""
        count("JobsStuck")
        logger.warning("a job is stuck", job_id=job.job_id, sweeps=job.sweeps, step=job.step)

    def _send(self, job: Job, messages: list[Message]) -> bool:
        """Sends the messages that restart the job, the next time after twice as long."""
        pause = self.sweep_after * 1000 * 2 ** min(job.sweeps + 1, MAX_DOUBLINGS)
        event = JobEvent("swept", self.now(), SWEEPER, {"sweeps": job.sweeps + 1})
        if not self.table.postpone_sweep(job, sweep_at=self.now() + pause, event=event):
            return False
        self.queue.send(messages)
        return True
