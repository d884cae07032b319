"""The one table of what may happen to a job. Pure: adapters turn it into conditions of conditional writes.

    queued --start--> processing --(assemble)--succeed--> ready
      |                   |
      +----fail/cancel----+--> failed / cancelled

ready, failed and cancelled are final for every worker; only a client's `retry` leads from failed back to processing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from chalicelib.jobs.model import JobStatus, Stage


class Trigger(StrEnum):
    START = "start"
    ASSEMBLE = "assemble"
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    RETRY = "retry"


TRANSITIONS: Final[dict[tuple[JobStatus, Trigger], JobStatus]] = {
    (JobStatus.QUEUED, Trigger.START): JobStatus.PROCESSING,
    (JobStatus.PROCESSING, Trigger.ASSEMBLE): JobStatus.PROCESSING,
    (JobStatus.PROCESSING, Trigger.SUCCEED): JobStatus.READY,
    (JobStatus.QUEUED, Trigger.FAIL): JobStatus.FAILED,
    (JobStatus.PROCESSING, Trigger.FAIL): JobStatus.FAILED,
    (JobStatus.FAILED, Trigger.RETRY): JobStatus.PROCESSING,
    (JobStatus.QUEUED, Trigger.CANCEL): JobStatus.CANCELLED,
    (JobStatus.PROCESSING, Trigger.CANCEL): JobStatus.CANCELLED,
}

# The stage of a processing job that a trigger leads to.
ENTERS: Final[dict[Trigger, Stage]] = {
    Trigger.START: Stage.CHECKING,
    Trigger.ASSEMBLE: Stage.ASSEMBLING,
    Trigger.RETRY: Stage.CHECKING,
}


def sources(trigger: Trigger) -> frozenset[JobStatus]:
    """The statuses in which `trigger` may happen."""
    return frozenset(status for status, possible in TRANSITIONS if possible is trigger)


def target(trigger: Trigger) -> JobStatus:
    """The status that `trigger` leads to, the same from wherever it may happen."""
    (status,) = {to for (_, possible), to in TRANSITIONS.items() if possible is trigger}
    return status
