"""Runs one seed: a storm, the calm after it, and the time when every job has expired."""

from __future__ import annotations

import io
import logging
import random
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field

from chalicelib.errors import LorryError
from chalicelib.observability import logger
from tests.simulation.deployment import Deployment, Lowered
from tests.simulation.faults import Fault, Faults
from tests.simulation.invariants import check_at_rest, check_expired
from tests.simulation.limits import AWS, NEW_ACCOUNT, NO_LIMITS
from tests.simulation.scheduler import START_MS
from tests.simulation.story import PATIENCE_SECONDS, Story

JOB_TTL_SECONDS = 7_200
SETTLING_SECONDS = 1_200.0  # messages that come back, and the second cleaning of ended jobs
WEBHOOK_SECONDS = 24 * 3600.0
MOST_STEPS = 100_000  # some twenty times what a run takes
RARE_SWEEPS = 300.0  # seconds, once nothing happens any more

# One fault in so many chances. A job of a dozen files makes some hundred calls.
STORM: Mapping[Fault, float] = {
    Fault.CRASH_BEFORE: 0.004,
    Fault.CRASH_AFTER: 0.004,
    Fault.STOP: 0.002,
    Fault.UNREACHABLE: 0.004,
    Fault.LOST_ANSWER: 0.006,
    Fault.SLOW_CALL: 0.003,
    Fault.LATE_EFFECT: 0.5,
    Fault.TABLE_THROTTLED: 0.01,
    Fault.TRANSACTION_CONFLICT: 0.02,
    Fault.UNPROCESSED: 0.05,
    Fault.STALE_READ: 0.2,
    Fault.LAGGING_INDEX: 0.2,
    Fault.REPEATED_STREAM_BATCH: 0.05,
    Fault.QUEUE_THROTTLED: 0.01,
    Fault.PARTIAL_SEND: 0.02,
    Fault.DUPLICATE_MESSAGE: 0.05,
    Fault.RETURNING_MESSAGE: 0.02,
    Fault.DELAYED_MESSAGE: 0.02,
    Fault.REORDERED_MESSAGES: 0.2,
    Fault.OLD_RECEIPT_WORKS: 0.5,
    Fault.SLOW_DOWN: 0.02,
    Fault.STORE_ERROR: 0.005,
    Fault.STORE_CONFLICT: 0.02,
    Fault.ERROR_IN_OK: 0.01,
    Fault.COMPLETED_AGAIN: 0.5,
    Fault.CLOCK_SKEW: 0.3,
    Fault.THROTTLED_INVOCATION: 0.02,
    Fault.REPEATED_INVOCATION: 0.05,
}


@dataclass
class Report:
    """What came of one seed. `violations` are empty in a good run."""

    seed: int
    violations: list[str] = field(default_factory=list)
    jobs: Counter[str] = field(default_factory=Counter)
    steps: int = 0
    seconds: float = 0.0  # of virtual time
    faults: Counter[Fault] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)  # what users and others did
    drawn: list[int] = field(default_factory=list)
    points: set[tuple[str, Fault]] = field(default_factory=set)
    crashed: set[tuple[str, Fault]] = field(default_factory=set)
    trace: str = ""

    def add(self, other: Report) -> None:
        """Count another run in."""
        self.jobs += other.jobs
        self.steps += other.steps
        self.seconds += other.seconds
        self.faults += other.faults
        self.happened += other.happened
        self.points |= other.points
        self.crashed |= other.crashed


class _Surprises(logging.Handler):
    """Exceptions of the service that are none of its own errors: each is a bug."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, LorryError):
            self.found.append(f"{record.getMessage()}: {error!r}")


class _Nowhere(io.TextIOBase):
    def write(self, text: str) -> int:
        return len(text)


@contextmanager
def listening() -> Iterator[_Surprises]:
    """The service's log goes nowhere but here, and its metrics nowhere at all."""
    log = logging.getLogger(logger.name)
    before, level = log.handlers[:], log.level
    surprises = _Surprises()
    log.handlers[:] = [surprises]
    log.setLevel(logging.WARNING)
    try:
        with redirect_stdout(_Nowhere()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of metrics that are empty
            yield surprises
    finally:
        log.handlers[:] = before
        log.setLevel(level)


def storm(seed: int) -> dict[Fault, float]:
    """How likely each fault is in the run of a seed: some do not happen, and some runs are rougher than others."""
    chance = random.Random(f"storm {seed}")
    strength = chance.choice((0.0, 0.5, 1.0, 1.5))
    return {fault: min(0.5, strength * often) for fault, often in STORM.items() if chance.random() < 0.7}


def run(seed: int, *, only: Collection[int] | None = None, trace: bool = False) -> Report:
    """Run a seed, with all its faults or `only` some, named by their draws."""
    chance = random.Random(f"settings {seed}")
    settings = {"JOB_TTL_SECONDS": str(JOB_TTL_SECONDS), "CHECK_THREADS": str(chance.choice((2, 16)))}
    if chance.random() < 0.3:
        settings["ARCHIVE_MAX_BYTES"] = str(10 * 1024 * 1024)
    settings["AUTH_MODE"] = chance.choice(("none", "iam"))
    settings["CRC_SOURCE"] = chance.choice(("auto", "auto", "copy", "head", "read"))
    faults = Faults(seed, storm(seed), only)
    with listening() as surprises:
        batch = chance.choice((2, 4, 200))
        lowered = Lowered(plan_ms=chance.choice((0, 20, 10_000))) if chance.random() < 0.6 else None
        limits = random.Random(f"limits {seed}").choice((NO_LIMITS, NO_LIMITS, AWS, NEW_ACCOUNT))
        deployment = Deployment(seed, faults, settings, limits=limits, files_per_batch=batch, lowered=lowered)
        try:
            return _run(seed, deployment, surprises, trace=trace)
        finally:
            deployment.close()


def _run(seed: int, deployment: Deployment, surprises: _Surprises, *, trace: bool) -> Report:
    scheduler, faults = deployment.scheduler, deployment.environment.faults
    story = Story(deployment, seed)
    scheduler.run(until=lambda: story.users == 0 or scheduler.steps > MOST_STEPS, seconds=2 * PATIENCE_SECONDS)
    report = Report(seed)
    report.seconds = (scheduler.true_ms - START_MS) / 1000
    report.jobs.update(str(request.last.get("status")) for request in story.requests)
    faults.active = lambda: False
    deployment.sweeps.seconds = RARE_SWEEPS
    scheduler.run(seconds=SETTLING_SECONDS)
    scheduler.run(until=lambda: not deployment.queues["WebhookQueue"].messages, seconds=WEBHOOK_SECONDS)
    if story.users:
        report.violations = [*story.violations, f"the story did not end: {scheduler.steps} steps"]
        report.trace = scheduler.story()
        return report
    report.violations = story.violations + check_at_rest(deployment, story)
    if not report.violations:
        scheduler.run(seconds=2 * JOB_TTL_SECONDS + SETTLING_SECONDS)
        report.violations = check_expired(deployment)
    report.violations += surprises.found
    report.steps, report.faults, report.happened = scheduler.steps, faults.happened, story.happened
    report.happened["a function killed by its time limit"] = deployment.functions.out_of_time
    report.drawn = [number for number, _, _ in faults.drawn]
    report.points, report.crashed = deployment.environment.points, deployment.environment.crashed
    if trace:
        report.trace = scheduler.story()
    return report


def shrunk(faults: Sequence[int], fails: Callable[[Sequence[int]], bool], *, attempts: int = 60) -> Sequence[int]:
    """Fewer faults with which a run still `fails`: halves, quarters and so on are left out, in so many attempts."""
    size = max(1, len(faults) // 2)
    start = 0
    while faults and attempts:
        fewer = [*faults[:start], *faults[start + size :]]
        attempts -= 1
        if fails(fewer):
            faults = fewer
        else:
            start += size
        if start >= len(faults):
            if size == 1:
                break
            size, start = size // 2, 0
    return faults
