"""Entry points of queues and schedules, called as Lambda calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

import app
from chalicelib import container
from chalicelib.errors import InvalidSettings
from chalicelib.handlers import batch, queues, schedules
from chalicelib.jobs.model import JobStatus
from chalicelib.messages import CheckBatch, DispatchJob, Message, encode
from tests.builders import SWEEP_AFTER, World
from tests.events import Event, recorded
from tests.unit.services import FakeRetries, FakeServices, in_use


@dataclass
class Context:
    """What Lambda hands to a function."""

    milliseconds: int = 20_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


CONTEXT = Context()


@pytest.fixture
def services() -> Iterator[FakeServices]:
    with in_use(World(files_per_batch=2)) as services:
        yield services


def sqs(*bodies: str | Message, attempt: int = 1) -> Event:
    """An SQS event; the n-th record has message id "m<n>" and receipt handle "r<n>"."""
    (template,) = recorded("sqs_check")["Records"]
    attributes = {**template["attributes"], "ApproximateReceiveCount": str(attempt)}
    texts = [body if isinstance(body, str) else encode(body) for body in bodies]
    records = [
        {**template, "body": text, "messageId": f"m{n}", "receiptHandle": f"r{n}", "attributes": attributes}
        for n, text in enumerate(texts)
    ]
    return {"Records": records}


def failed(answer: Event) -> list[str]:
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]


# --- running a batch --------------------------------------------------------------------


def fragile(body: str) -> None:
    if body.startswith("bad"):
        raise RuntimeError(body)


def test_only_the_failed_messages_of_a_batch_come_back() -> None:
    answer = batch.run(sqs("good", "bad 1", "good", "bad 2"), CONTEXT, fragile, FakeRetries())
    assert failed(answer) == ["m1", "m3"]


def test_a_batch_that_fails_as_a_whole_comes_back_message_by_message() -> None:
    answer = batch.run(sqs("bad 1", "bad 2"), CONTEXT, fragile, FakeRetries())
    assert failed(answer) == ["m0", "m1"]


def test_a_batch_without_failure_is_gone() -> None:
    assert failed(batch.run(sqs("good", "good"), CONTEXT, fragile, FakeRetries())) == []


@pytest.mark.parametrize("attempt", [1, 2, 7])
def test_each_failed_message_waits_by_its_own_number_of_attempts(attempt: int) -> None:
    retries = FakeRetries()
    batch.run(sqs("good", "bad", attempt=attempt), CONTEXT, fragile, retries)
    assert retries.postponed == [("r1", 10 * attempt)]


# --- dispatching and checking -----------------------------------------------------------


def test_a_job_is_worked_off_through_the_entry_points(services: FakeServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    messages = services.world.queue.messages
    assert failed(queues.dispatch(sqs(messages.pop(0)), CONTEXT)) == []
    while messages:
        assert failed(queues.check(sqs(messages.pop(0)), CONTEXT)) == []
    assert services.world.job(job.job_id).status is JobStatus.READY


def test_an_outage_sends_the_message_back_with_backoff(services: FakeServices) -> None:
    job = services.world.start(70000)
    services.world.store.down = True
    assert failed(queues.check(sqs(CheckBatch(job.job_id, 0), attempt=3), CONTEXT)) == ["m0"]
    assert services.retries.postponed == [("r0", 30)]


def test_a_queue_outage_sends_the_dispatch_back_with_backoff(services: FakeServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    services.world.queue.down = True
    assert failed(queues.dispatch(sqs(DispatchJob(job.job_id)), CONTEXT)) == ["m0"]
    assert services.retries.postponed == [("r0", 10)]


@pytest.mark.parametrize("body", ["not JSON", encode(DispatchJob("a"))])
def test_a_message_that_no_retry_can_help_comes_back_at_once(services: FakeServices, body: str) -> None:
    """So that it is through its attempts, and in the dead-letter queue, within seconds."""
    assert failed(queues.check(sqs(body, attempt=4), CONTEXT)) == ["m0"]
    assert services.retries.postponed == [("r0", 0)]


def test_a_poison_message_does_not_harm_its_neighbours(services: FakeServices) -> None:
    job = services.world.start(70000)
    assert failed(queues.check(sqs("poison", CheckBatch(job.job_id, 0)), CONTEXT)) == ["m0"]
    assert services.world.job(job.job_id).status is JobStatus.READY


# --- dead letters -----------------------------------------------------------------------


def test_a_dead_letter_fails_its_job_with_a_reason(services: FakeServices) -> None:
    job = services.world.start(70000, 70001)
    services.world.store.down = True
    queues.check(sqs(CheckBatch(job.job_id, 0)), CONTEXT)
    assert failed(queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == []
    error = services.world.job(job.job_id).error
    assert error is not None
    assert (error.code, "it is down" in error.message) == ("storage_unavailable", True)


def test_dead_letters_of_both_queues_are_understood(services: FakeServices) -> None:
    first, second = services.world.start(70000), services.world.start(70001, 70002, 70003)
    queues.dead_letters(sqs(CheckBatch(first.job_id, 0), DispatchJob(second.job_id)), CONTEXT)
    assert [services.world.job(job.job_id).status for job in (first, second)] == [JobStatus.FAILED, JobStatus.FAILED]


def test_a_dead_letter_that_cannot_be_read_is_left_for_a_person(services: FakeServices) -> None:
    assert failed(queues.dead_letters(sqs("poison"), CONTEXT)) == ["m0"]
    assert services.retries.postponed == [("r0", 0)]


def test_a_dead_letter_waits_for_the_table(services: FakeServices) -> None:
    job = services.world.start(70000)
    services.world.table.down = True
    assert failed(queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == ["m0"]
    services.world.table.down = False
    assert services.world.job(job.job_id).status is JobStatus.QUEUED


# --- the schedule -----------------------------------------------------------------------


def test_the_schedule_sweeps(services: FakeServices) -> None:
    services.world.start(70000)
    services.world.clock.advance(SWEEP_AFTER)
    assert schedules.sweep(recorded("schedule_sweep"), CONTEXT) == {"moved": 1}


def test_the_schedule_begins_nothing_when_its_time_is_nearly_up(services: FakeServices) -> None:
    services.world.start(70000)
    services.world.clock.advance(SWEEP_AFTER)
    assert schedules.sweep(recorded("schedule_sweep"), Context(milliseconds=schedules.RESERVE_MS)) == {"moved": 0}


# --- what is deployed -------------------------------------------------------------------


def test_every_trigger_of_the_app_reaches_its_handler(services: FakeServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    assert failed(app.dispatch(sqs(DispatchJob(job.job_id)), CONTEXT)) == []
    assert failed(app.check(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == []
    assert services.world.job(job.job_id).counts.processed == 2
    assert failed(app.dead_letters(sqs(CheckBatch(job.job_id, 1)), CONTEXT)) == []
    assert services.world.job(job.job_id).status is JobStatus.FAILED
    assert app.sweep(recorded("schedule_sweep"), CONTEXT) == {"moved": 0}


def test_an_answer_to_sqs_is_plain_json(services: FakeServices) -> None:
    answer = queues.check(sqs("poison"), CONTEXT)
    assert json.loads(json.dumps(answer)) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_container_without_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with pytest.raises(InvalidSettings, match="TABLE_NAME"):
        container.services()
