"""What may happen to a job, pair by pair."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.jobs.model import JobStatus, Step
from chalicelib.jobs.state_machine import OPEN, State, Trigger, allows, sources, target
from tests.support.builders import job

STATES = [
    *(State(status) for status in JobStatus if status is not JobStatus.PROCESSING),
    *(State(JobStatus.PROCESSING, step) for step in Step),
]
ALLOWED = {
    ("queued", "start"): "checking",
    ("queued", "fail"): "failed",
    ("queued", "cancel"): "cancelled",
    ("checking", "assemble"): "assembling",
    ("checking", "succeed"): "ready",
    ("checking", "fail"): "failed",
    ("checking", "cancel"): "cancelled",
    ("assembling", "checksum"): "checksumming",
    ("assembling", "build"): "assembling",
    ("assembling", "replan"): "assembling",
    ("assembling", "succeed"): "ready",
    ("assembling", "fail"): "failed",
    ("assembling", "cancel"): "cancelled",
    ("checksumming", "build"): "assembling",
    ("checksumming", "replan"): "assembling",
    ("checksumming", "fail"): "failed",
    ("checksumming", "cancel"): "cancelled",
    ("failed", "retry"): "checking",
    ("ready", "retry"): "checking",
}


def name(state: State) -> str:
    return str(state.step or state.status)


@pytest.mark.parametrize(("state", "trigger"), list(itertools.product(STATES, Trigger)))
def test_a_trigger_happens_exactly_where_it_is_allowed(state: State, trigger: Trigger) -> None:
    to = ALLOWED.get((name(state), str(trigger)))
    assert (state in sources(trigger)) == (to is not None)
    assert allows(job(status=state.status, step=state.step), trigger) == (to is not None)
    assert to is None or name(target(trigger)) == to


@pytest.mark.parametrize("trigger", Trigger)
def test_a_job_has_a_step_exactly_while_it_is_processing(trigger: Trigger) -> None:
    for state in (*sources(trigger), target(trigger)):
        assert (state.step is not None) == (state.status is JobStatus.PROCESSING)


@pytest.mark.parametrize("state", STATES, ids=name)
def test_an_ended_job_stays_as_it_is_unless_it_is_retried(state: State) -> None:
    possible = {str(trigger) for trigger in Trigger if state in sources(trigger)}
    assert state.status.ended or {"fail", "cancel"} <= possible
    assert not state.status.ended or possible == (set() if state.status is JobStatus.CANCELLED else {"retry"})
    assert (state in OPEN) == (not state.status.ended)
