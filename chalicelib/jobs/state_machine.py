"""The one table of what may happen to a job. Pure: adapters turn it into conditions of conditional writes.

A state is a status and, while the job is processing, the step it is in. Ready, failed and cancelled are final for every
worker; only a client's `retry` leads from failed, and from ready if files may be read by now, back to processing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from chalicelib.jobs.model import Job, JobStatus, Step


class Trigger(StrEnum):
    """What makes a job change its state."""

    START = "start"  # a worker has the job's first message
    ASSEMBLE = "assemble"  # all files are checked, and an archive is wanted
    CHECKSUM = "checksum"  # the archives are planned, but bodies must be read for their CRC-32s first
    BUILD = "build"  # the archives are planned, and nothing is left to read first
    REPLAN = "replan"  # a file is not what it was when the archives were planned
    SUCCEED = "succeed"
    FAIL = "fail"
    CANCEL = "cancel"
    RETRY = "retry"


class State(NamedTuple):
    """A status and, while the job is processing, its step."""

    status: JobStatus
    step: Step | None = None


QUEUED = State(JobStatus.QUEUED)
CHECKING, CHECKSUMMING, ASSEMBLING = (State(JobStatus.PROCESSING, step) for step in Step)
READY, FAILED, CANCELLED = State(JobStatus.READY), State(JobStatus.FAILED), State(JobStatus.CANCELLED)

OPEN: Final = frozenset({QUEUED, CHECKING, CHECKSUMMING, ASSEMBLING})

# Where each trigger may happen, and where it leads to.
TRANSITIONS: Final[dict[Trigger, tuple[frozenset[State], State]]] = {
    Trigger.START: (frozenset({QUEUED}), CHECKING),
    Trigger.ASSEMBLE: (frozenset({CHECKING}), ASSEMBLING),
    Trigger.CHECKSUM: (frozenset({ASSEMBLING}), CHECKSUMMING),
    Trigger.BUILD: (frozenset({ASSEMBLING, CHECKSUMMING}), ASSEMBLING),
    Trigger.REPLAN: (frozenset({ASSEMBLING, CHECKSUMMING}), ASSEMBLING),
    Trigger.SUCCEED: (frozenset({CHECKING, ASSEMBLING}), READY),
    Trigger.FAIL: (OPEN, FAILED),
    Trigger.CANCEL: (OPEN, CANCELLED),
    Trigger.RETRY: (frozenset({READY, FAILED}), CHECKING),
}


def sources(trigger: Trigger) -> frozenset[State]:
    """The states in which `trigger` may happen."""
    return TRANSITIONS[trigger][0]


def target(trigger: Trigger) -> State:
    """The state that `trigger` leads to, the same from each of its sources."""
    return TRANSITIONS[trigger][1]


def allows(job: Job, trigger: Trigger) -> bool:
    """Whether `trigger` may happen to the job as it stands."""
    return State(job.status, job.step) in sources(trigger)
