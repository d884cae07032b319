"""Updates of a job's row: transitions as the state machine allows them, and counters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from typing import Any

import msgspec

from chalicelib.aws import keys
from chalicelib.aws.updates import Condition, Name, Update, at_least, equals, one_of
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent, JobStatus, Step, tally
from chalicelib.jobs.ports import Advance, Change
from chalicelib.jobs.state_machine import Trigger, sources, target

LISTED = ("total", "batch_size", "batches", "size", "checked", "dispatched", "listed_to")


def counted(counts: Counts, size: int) -> dict[str, int]:
    """What files add to the counters of their job's row."""
    return {**msgspec.structs.asdict(counts), "size": size}


def allowed(trigger: Trigger) -> Condition:
    """The condition that the state machine allows `trigger`, whatever step of a status it is about."""
    possible = sources(trigger)
    conditions = []
    for status in sorted({state.status for state in possible}):
        steps = sorted(state.step for state in possible if state.status is status and state.step)
        in_status = equals("status", status)
        conditions.append(in_status & one_of("step", steps) if 0 < len(steps) < len(Step) else in_status)
    return reduce(Condition.__or__, conditions)


def entered(trigger: Trigger) -> dict[str, Any]:
    """The attributes of the state that `trigger` leads to."""
    to = target(trigger)
    return {"status": to.status, "step": to.step}


def transition(change: Change) -> Update:
    """The update that makes a transition, on condition that the state machine allows it now."""
    condition = allowed(change.trigger)
    if change.generation is not None:
        condition &= equals("generation", change.generation)
    if change.all_checked:
        condition &= at_least("checked", Name("batches"))
    ended = target(change.trigger).status.ended
    retried = change.trigger is Trigger.RETRY
    changes = {
        **entered(change.trigger),
        "updated_at": change.event.at,
        "finished_at": change.event.at if ended else None,
        "expires_at": change.expires_at,
        "error": msgspec.to_builtins(change.error),
        "sweep_at": change.sweep_at,
        "min_progress": change.min_progress,
        "retry_key": change.retry_key if retried else None,
    }
    return Update(
        key=keys.job(change.job_id),
        set={
            **changes,
            **(_run_again(change.job_id) if retried else {}),
            **(_listed(change.unlisted) if change.unlisted else {}),
        },
        add={"version": 1, "generation": 1} if retried else {"version": 1},
        remove=_removed(change, ended=ended),
        condition=condition,
    )


def _run_again(job_id: str) -> dict[str, Any]:
    """What a retry sets besides: the job is swept and dispatched again, and its archives start over."""
    counters = ("replans", "assembled", "to_assemble", "sweeps", "dispatched", "in_flight")
    return {**dict.fromkeys(counters, 0), "open_shard": keys.open_shard(job_id)}


def _removed(change: Change, *, ended: bool) -> list[str]:
    if change.trigger is Trigger.RETRY:
        return ["error", "finished_at"]
    if ended:
        return ["step"] if change.sweep_at else ["step", "open_shard", "sweep_at"]
    return []


def current(job: Job) -> Condition:
    """The condition that the job is processing, in the same attempt."""
    return equals("status", JobStatus.PROCESSING) & equals("generation", job.generation)


def recording(job: Job, results: Sequence[FileResult], *, advance: Advance | None, now: int) -> Update:
    """The update that counts a batch, while the job is processing, and moves its position."""
    sent = len(advance.batches) if advance else 0
    condition = current(job)
    return Update(
        key=keys.job(job.job_id),
        set={"updated_at": now, "dispatched": advance.position if advance else None},
        add={**counted(*tally(results)), "checked": 1, "in_flight": sent - 1, "version": 1},
        condition=condition & equals("dispatched", job.dispatched) if advance else condition,
    )


def reopened(job: Job, results: Sequence[FileResult]) -> Update:
    """The update that counts a batch no more, while no batch of the attempt was sent. Progress stays as it is."""
    add = {name: -count for name, count in counted(*tally(results)).items()}
    condition = current(job) & equals("dispatched", 0)
    return Update(
        key=keys.job(job.job_id),
        set={"min_progress": job.progress},
        add={**add, "checked": -1, "version": 1},
        condition=condition,
    )


def purged(job: Job, at: int) -> Update:
    """The update that lets an ended job expire."""
    return Update(
        key=keys.job(job.job_id),
        set={"expires_at": at, "sweep_at": at, "open_shard": keys.open_shard(job.job_id), "purged": True},
        add={"version": 1},
        condition=equals("status", job.status) & equals("generation", job.generation),
    )


def listed_as(job: Job, listed: Job, *, now: int) -> Update:
    """The update that takes a listing as far as `listed` has it, if it is as far as `job` has it."""
    return Update(
        key=keys.job(job.job_id),
        set={**_listed(listed), "updated_at": now},
        add={"version": 1},
        condition=current(job) & equals("listing", msgspec.to_builtins(job.listing)),
    )


def _listed(job: Job) -> dict[str, Any]:
    """The attributes that a listing sets."""
    plain = {name: getattr(job, name) for name in LISTED}
    return {**plain, **msgspec.structs.asdict(job.counts), "listing": msgspec.to_builtins(job.listing)}


def links_issued(job_id: str, event: JobEvent, *, count: int, ttl: int) -> Update:
    """The line of the audit trail about an actor's reads at a moment, with one more read. Its counts lie beside
    `details`, as DynamoDB adds to attributes of a row only."""
    token = f"links-{hashlib.sha256(event.actor.by.encode()).hexdigest()[:32]}"
    line = {**msgspec.to_builtins(event), "ttl": ttl}
    return Update(key=keys.event(job_id, event.at, token=token), set=line, add={"links": count, "reads": 1})
