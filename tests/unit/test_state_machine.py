"""What may happen to a job, pair by pair."""

from __future__ import annotations

import itertools

import pytest

from chalicelib.jobs.model import JobStatus
from chalicelib.jobs.state_machine import TRANSITIONS, Trigger, sources, target

ALLOWED = {
    ("queued", "start"): "processing",
    ("queued", "fail"): "failed",
    ("queued", "cancel"): "cancelled",
    ("processing", "assemble"): "processing",
    ("processing", "succeed"): "ready",
    ("processing", "fail"): "failed",
    ("processing", "cancel"): "cancelled",
    ("failed", "retry"): "processing",
}


@pytest.mark.parametrize(("status", "trigger"), list(itertools.product(JobStatus, Trigger)))
def test_a_trigger_happens_exactly_where_it_is_allowed(status: JobStatus, trigger: Trigger) -> None:
    to = ALLOWED.get((str(status), str(trigger)))
    assert (status in sources(trigger)) == (to is not None)
    assert to is None or target(trigger) == to
    assert TRANSITIONS.get((status, trigger)) == to


@pytest.mark.parametrize("trigger", Trigger)
def test_a_trigger_leads_to_one_status_from_wherever_it_happens(trigger: Trigger) -> None:
    assert {TRANSITIONS[status, trigger] for status in sources(trigger)} == {target(trigger)}


@pytest.mark.parametrize("status", JobStatus)
def test_an_ended_job_stays_as_it_is_unless_a_failed_one_is_retried(status: JobStatus) -> None:
    possible = {str(trigger) for trigger in Trigger if status in sources(trigger)}
    assert not status.ended or possible == ({"retry"} if status is JobStatus.FAILED else set())
    assert status.ended or {"fail", "cancel"} <= possible
