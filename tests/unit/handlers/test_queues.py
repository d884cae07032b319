"""The functions behind the queues and the schedule, called as Lambda calls them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

import app
from chalicelib import container
from chalicelib.aws.sqs import OPEN_SECONDS, Breaker, Heartbeat
from chalicelib.errors import InvalidSettings, StorageUnavailable, TableUnavailable, WebhookFailed
from chalicelib.handlers import queues
from chalicelib.handlers.queues import Record
from chalicelib.jobs.lifecycle import RUN_COST
from chalicelib.jobs.model import JobStatus
from chalicelib.jobs.ports import StoredObject
from chalicelib.messages import (
    AnyMessage,
    CheckBatch,
    CleanUp,
    DispatchJob,
    ListPrefix,
    PlanArchive,
    SendWebhook,
    encode,
    work_of,
)
from tests.events import Event, recorded
from tests.support.builders import SWEEP_AFTER, World
from tests.support.delivering import ONE, delivering
from tests.support.events import CONTEXT, SENT_AT, Context, failed, sqs
from tests.support.fakes import Clock, Crash, FakeSourceStore
from tests.support.services import WorldServices, in_use
from tests.support.sqs import fake_retries


@pytest.fixture
def services() -> Iterator[WorldServices]:
    with in_use(World(files_per_batch=2)) as services:
        yield services


# --- running a batch --------------------------------------------------------------------


def fragile(record: Record) -> None:
    if record["body"].startswith("bad"):
        raise RuntimeError(record["body"])


def test_only_the_failed_messages_of_a_batch_come_back() -> None:
    answer = queues.process(sqs("good", "bad 1", "good", "bad 2"), fragile, retries=fake_retries())
    assert failed(answer) == ["m1", "m3"]


def test_a_batch_that_fails_as_a_whole_comes_back_message_by_message() -> None:
    assert failed(queues.process(sqs("bad 1", "bad 2"), fragile, retries=fake_retries())) == ["m0", "m1"]


def test_a_batch_without_failure_is_gone() -> None:
    assert failed(queues.process(sqs("good", "good"), fragile, retries=fake_retries())) == []


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 10), (2, 20), (7, 600)])
def test_each_failed_message_waits_by_its_own_number_of_attempts(attempt: int, seconds: int) -> None:
    retries = fake_retries()
    queues.process(sqs("good", "bad", attempt=attempt), fragile, retries=retries)
    assert retries.client.hidden == [("r1", seconds)]


def test_a_crash_of_the_worker_reports_nothing() -> None:
    def killed(record: Record) -> None:
        raise SystemExit

    with pytest.raises(SystemExit):
        queues.process(sqs("good"), killed, retries=fake_retries())


def test_a_message_is_hidden_by_heartbeats_while_it_is_handled_and_not_while_it_waits() -> None:
    retries, beating = fake_retries(), []

    def repeat(seconds, action):
        action()
        beating.append("begun")
        return lambda: beating.append("ended")

    def handle(record: Record) -> None:
        assert beating[-1] == "begun"
        fragile(record)

    queues.process(sqs("good", "bad"), handle, retries=retries, heartbeat=Heartbeat(retries, 25.0, repeat))
    assert beating == ["begun", "ended"] * 2
    assert retries.client.hidden == [("r0", 25), ("r1", 25), ("r1", 10)]  # the delay comes last, so that it counts


@pytest.mark.parametrize(
    ("error", "seconds", "tried"),
    [
        (TableUnavailable("it did not answer"), 6.0, 1),
        (StorageUnavailable("key", "it did not answer"), 6.0, 1),
        (StorageUnavailable("key", "HTTP 500"), 0.1, 3),
        (StorageUnavailable("key", "HTTP 404", outage=False), 6.0, 3),
        (KeyError("a bug"), 6.0, 3),
    ],
)
def test_after_a_service_that_did_not_answer_the_rest_of_a_batch_waits_untried(
    error: Exception, seconds: float, tried: int
) -> None:
    clock, retries, runs = Clock(), fake_retries(), []

    def handle(record: Record) -> None:
        runs.append(record)
        clock.advance(seconds)
        raise error

    breaker = Breaker(lambda: clock() / 1000)
    answer = queues.process(sqs("a", "b", "c"), handle, retries=retries, breaker=breaker)
    assert (failed(answer), len(runs)) == (["m0", "m1", "m2"], tried)
    assert [handle for handle, _ in retries.client.hidden] == ["r0", "r1", "r2"]
    clock.advance(OPEN_SECONDS)
    queues.process(sqs("a"), handle, retries=retries, breaker=breaker)
    assert len(runs) == tried + 1


# --- dispatching and checking -----------------------------------------------------------


def test_a_job_is_worked_off_through_the_entry_points(services: WorldServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    messages = services.world.queue.messages
    assert failed(queues.dispatch(sqs(messages.pop(0)), CONTEXT)) == []
    while messages:
        assert failed(queues.check(sqs(messages.pop(0)), CONTEXT)) == []
    assert services.world.job(job.job_id).status is JobStatus.READY


class OddStore(FakeSourceStore):
    """Answers nothing that the adapter understands."""

    def head(self, key: str) -> StoredObject | None:
        raise KeyError("ContentLength")


def test_whatever_a_worker_raises_is_noted_and_named_when_its_message_gives_up() -> None:
    world = World(files_per_batch=2)
    world.store = OddStore()
    with in_use(world) as services:
        job = services.world.start(70000)
        for attempt in range(1, 11):
            assert failed(queues.check(sqs(CheckBatch(job.job_id, 0), attempt=attempt), CONTEXT)) == ["m0"]
        assert world.table.trail[job.job_id][-1].kind == "batch_retried"
        queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)
    error = world.job(job.job_id).error
    assert error is not None and error.code == "internal_error" and "unexpected KeyError" in error.message


def test_an_outage_sends_the_message_back_with_backoff(services: WorldServices) -> None:
    job = services.world.start(70000)
    services.world.store.down = True
    assert failed(queues.check(sqs(CheckBatch(job.job_id, 0), attempt=3), CONTEXT)) == ["m0"]
    assert services.retries.client.hidden == [("r0", 40)]


def test_a_queue_outage_sends_the_dispatch_back_with_backoff(services: WorldServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    services.world.queue.down = True
    assert failed(queues.dispatch(sqs(DispatchJob(job.job_id)), CONTEXT)) == ["m0"]
    assert services.retries.client.hidden == [("r0", 10)]


def set_aside(services: WorldServices) -> list[str]:
    """The messages moved to the queue of unreadable ones."""
    return [*services.retries.client.set_aside, *services.webhook_retries.client.set_aside]


Function = Callable[[Event, Any], Event]
WRONG_KINDS: list[tuple[Function, AnyMessage]] = [
    (queues.dispatch, CheckBatch("a", 0)),
    (queues.dispatch, PlanArchive("a", 1)),
    (queues.check, DispatchJob("a")),
    (queues.check, ListPrefix("a")),
    (queues.assemble, CheckBatch("a", 0)),
    (queues.assemble, DispatchJob("a")),
    (queues.assemble, SendWebhook("a", "ready", 1)),
    (queues.webhook, CleanUp("a")),
    (queues.dead_letters, SendWebhook("a", "ready", 1)),
]


@pytest.mark.parametrize(("function", "message"), WRONG_KINDS)
def test_a_message_on_the_wrong_queue_is_set_aside_on_first_receipt(
    services: WorldServices, function: Function, message: AnyMessage
) -> None:
    assert failed(function(sqs(message), CONTEXT)) == []
    assert set_aside(services) == [encode(message)]


@pytest.mark.parametrize("body", ["not JSON", "[]", "{}", "\u2603"])
def test_an_unreadable_message_is_set_aside_on_first_receipt_and_counted(
    services: WorldServices, body: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for function in (queues.dispatch, queues.check, queues.assemble, queues.webhook, queues.dead_letters):
        assert failed(function(sqs(body), CONTEXT)) == []
    assert set_aside(services) == [body] * 5
    assert capsys.readouterr().out.count('"MessagesUnreadable":[1.0]') == 5


def test_an_unreadable_message_comes_back_while_it_cannot_be_set_aside(services: WorldServices) -> None:
    services.retries.client.down = True
    assert failed(queues.check(sqs("not JSON", attempt=3), CONTEXT)) == ["m0"]
    assert services.retries.client.hidden == [("r0", 40)]


def test_an_unreadable_message_does_not_harm_its_neighbours(services: WorldServices) -> None:
    job = services.world.start(70000)
    assert failed(queues.check(sqs("not JSON", CheckBatch(job.job_id, 0)), CONTEXT)) == []
    assert set_aside(services) == ["not JSON"]
    assert services.world.job(job.job_id).status is JobStatus.READY


# --- dead letters -----------------------------------------------------------------------


def test_a_dead_letter_fails_its_job_with_a_reason(services: WorldServices) -> None:
    job = services.world.start(70000, 70001)
    services.world.store.down = True
    for attempt in range(1, 101):  # an outage of an hour
        queues.check(sqs(CheckBatch(job.job_id, 0), attempt=attempt), CONTEXT)
    assert failed(queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == []
    error = services.world.job(job.job_id).error
    assert error is not None
    assert (error.code, "it is down" in error.message) == ("storage_unavailable", True)


def test_dead_letters_that_killed_their_workers_fail_their_jobs(
    services: WorldServices, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = services.world.start(70000), services.world.start(70001, 70002, 70003)
    messages = (CheckBatch(first.job_id, 0), DispatchJob(second.job_id))
    for message in messages:
        services.world.table.runs[message.job_id, work_of(message)] = 9 * RUN_COST
    assert failed(queues.dead_letters(sqs(*messages), CONTEXT)) == []
    assert [services.world.job(job.job_id).status for job in (first, second)] == [JobStatus.FAILED, JobStatus.FAILED]
    assert '"MessagesGivenUp":[1.0,1.0]' in capsys.readouterr().out


def test_dead_letters_that_no_worker_had_fail_nothing(
    services: WorldServices, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = services.world.start(70000), services.world.start(70001, 70002, 70003)
    services.world.queue.messages.clear()
    messages: list[AnyMessage] = [CheckBatch(first.job_id, 0), DispatchJob(second.job_id)]
    assert failed(queues.dead_letters(sqs(*messages), CONTEXT)) == []
    assert services.world.queue.messages == messages
    assert services.world.queue.delays == [600, 600]
    assert '"MessagesSentAgain":[1.0,1.0]' in capsys.readouterr().out
    services.world.work_off()
    assert [services.world.job(job.job_id).status for job in (first, second)] == [JobStatus.READY, JobStatus.READY]


def test_a_message_that_kills_its_worker_ends_its_job(services: WorldServices) -> None:
    class Fatal(FakeSourceStore):
        def head(self, key: str) -> StoredObject | None:
            raise Crash

    job = services.world.start(70000)
    services.checker = replace(services.checker, store=Fatal())
    for attempt in range(1, 11):
        with pytest.raises(Crash):
            queues.check(sqs(CheckBatch(job.job_id, 0), attempt=attempt), CONTEXT)
    queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)
    error = services.world.job(job.job_id).error
    assert error is not None and error.code == "gave_up"


def test_a_dead_letter_waits_for_the_table(services: WorldServices) -> None:
    job = services.world.start(70000)
    services.world.table.down = True
    assert failed(queues.dead_letters(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == ["m0"]
    services.world.table.down = False
    assert services.world.job(job.job_id).status is JobStatus.QUEUED


# --- the schedule -----------------------------------------------------------------------


def test_the_schedule_sweeps(services: WorldServices) -> None:
    services.world.start(70000)
    services.world.clock.advance(SWEEP_AFTER)
    assert queues.sweep(recorded("schedule_sweep"), CONTEXT) == {"moved": 1}


def test_the_schedule_begins_nothing_when_its_time_is_nearly_up(services: WorldServices) -> None:
    services.world.start(70000)
    services.world.clock.advance(SWEEP_AFTER)
    assert queues.sweep(recorded("schedule_sweep"), Context(milliseconds=queues.RESERVE_MS)) == {"moved": 0}


# --- webhooks ---------------------------------------------------------------------------


@pytest.fixture
def delivery() -> Iterator[Any]:
    with delivering() as services:
        yield services


def test_a_webhook_is_delivered_with_the_time_it_was_first_sent(delivery: Any) -> None:
    message = SendWebhook(ONE, "ready", 1_700_000_005_000)
    assert failed(queues.webhook(sqs(message), CONTEXT)) == []
    assert delivery.webhooks.delivered == [(message, SENT_AT)]


def test_a_webhook_that_fails_waits_by_its_own_backoff(delivery: Any) -> None:
    delivery.webhooks.fails = WebhookFailed(500)
    assert failed(queues.webhook(sqs(SendWebhook(ONE, "ready", 1), attempt=3), CONTEXT)) == ["m0"]
    assert delivery.webhook_retries.client.hidden == [("r0", 40)]


# --- what is deployed -------------------------------------------------------------------


def test_every_trigger_of_the_app_reaches_its_handler(services: WorldServices) -> None:
    job = services.world.start(70000, 70001, 70002)
    assert failed(app.dispatch(sqs(DispatchJob(job.job_id)), CONTEXT)) == []
    assert failed(app.check(sqs(CheckBatch(job.job_id, 0)), CONTEXT)) == []
    assert services.world.job(job.job_id).counts.processed == 2
    message = CheckBatch(job.job_id, 1)
    services.world.table.runs[job.job_id, work_of(message)] = 9 * RUN_COST
    assert failed(app.dead_letters(sqs(message), CONTEXT)) == []
    assert services.world.job(job.job_id).status is JobStatus.FAILED
    assert app.sweep(recorded("schedule_sweep"), CONTEXT) == {"moved": 0}


def test_an_answer_to_sqs_is_plain_json(services: WorldServices) -> None:
    services.world.store.down = True
    answer = queues.check(sqs(CheckBatch(services.world.start(70000).job_id, 0)), CONTEXT)
    assert json.loads(json.dumps(answer)) == {"batchItemFailures": [{"itemIdentifier": "m0"}]}


def test_a_container_without_settings_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with pytest.raises(InvalidSettings, match="TABLE_NAME"):
        container.services()
