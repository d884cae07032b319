"""Entry points of the stream, the WebSocket API and the queue of webhooks, called as Lambda calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

import app
from chalicelib import container
from chalicelib.aws.table_rows import job_row
from chalicelib.delivery.broadcast import Broadcaster
from chalicelib.delivery.changes import Notifier
from chalicelib.delivery.subscriptions import Subscriptions
from chalicelib.delivery.watchers import Connection
from chalicelib.delivery.webhooks import Delivery
from chalicelib.errors import QueueUnavailable, WebhookFailed
from chalicelib.handlers import changes, queues, websocket
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import SendWebhook, encode
from chalicelib.settings import Settings
from tests.builders import job
from tests.events import Event, recorded
from tests.fake_notify import FakeGate, FakePush, FakeSubscriptions, FakeWebhookQueue
from tests.fakes import Clock
from tests.unit.services import ENVIRONMENT, FakeRetries

ONE = job().job_id
CONNECTION = "Fconnection="
BASE = "https://lorry.example.com"


@dataclass
class Context:
    """What Lambda hands to a function."""

    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@dataclass
class FakeDeliverer:
    """Notes what it is to deliver, and fails if told to."""

    delivered: list[tuple[SendWebhook, int]] = field(default_factory=list)
    fails: Exception | None = None

    def deliver(self, message: SendWebhook, *, first_sent: int) -> Delivery:
        if self.fails:
            raise self.fails
        self.delivered.append((message, first_sent))
        return Delivery.DELIVERED


class NotifyServices:
    """The part of the container's services that notifying needs, on fakes."""

    def __init__(self) -> None:
        self.settings = Settings.from_environment({**ENVIRONMENT, "PUBLIC_URL": BASE})
        self.table, self.push, self.queue = FakeSubscriptions(), FakePush(), FakeWebhookQueue()
        self.gate, self.clock, self.jobs = FakeGate(), Clock(), {ONE: job(owner="alice")}
        self.notifier = Notifier(self.queue, Broadcaster(self.table, self.push))
        self.subscriptions = Subscriptions(self.table, self.jobs, self.push, self.gate, self.clock)
        self.webhooks, self.webhook_retries = FakeDeliverer(), FakeRetries()
        self.counted: list[str] = []
        self.allowed = 100

    def counts_socket(self, caller: str) -> bool:
        self.counted.append(caller)
        return len(self.counted) <= self.allowed


@pytest.fixture
def services() -> Iterator[NotifyServices]:
    made = NotifyServices()
    container.use(made)  # type: ignore[arg-type]
    yield made
    container.use(None)


def summary(job: Job, base: str) -> dict[str, Any]:
    return {"jobId": job.job_id, "base": base}


# --- the stream ---------------------------------------------------------------------------


def record(old: Job | None, new: Job | None, *, sort_key: str = "JOB") -> dict[str, Any]:
    (template,) = recorded("dynamodb_notify")["Records"]
    change = {**template["dynamodb"], "Keys": {**template["dynamodb"]["Keys"], "sk": {"S": sort_key}}}
    del change["OldImage"], change["NewImage"]
    for name, image in (("OldImage", old), ("NewImage", new)):
        if image:
            ended = {"finishedAt": {"N": str(image.finished_at)}} if image.finished_at else {}
            change[name] = {**job_row(image, ttl=1), **ended}
    return {**template, "dynamodb": change}


def stream(*records: dict[str, Any]) -> Event:
    return {"Records": list(records)}


def ready() -> Job:
    hook = "https://hooks.example.com/lorry"
    return job(status=JobStatus.READY, version=3, finished_at=1_700_000_005_000, callback_url=hook)


def test_a_job_that_ends_is_told_to_its_callback_url_and_its_watchers(services: NotifyServices) -> None:
    services.table.open(Connection("a", "alice", "", 0))
    services.table.subscribe("a", ONE, now=0)
    answer = changes.notify(stream(record(job(version=2), ready())), Context(), summary)
    assert json.loads(json.dumps(answer)) == {"batchItemFailures": []}
    assert services.queue.messages == [SendWebhook(ONE, "ready", 1_700_000_005_000)]
    assert services.push.last("a") == {
        "event": "ready",
        "id": 3,
        "jobId": ONE,
        "data": {"jobId": ONE, "base": BASE},
    }


@pytest.mark.parametrize(
    "ignored",
    [
        record(job(version=2), ready(), sort_key="RESULT#00000"),
        record(ready(), None),
        record(ready(), ready()),
    ],
    ids=["another kind of row", "a row that expired", "a write that changed nothing"],
)
def test_what_is_no_change_of_a_job_is_passed_over(services: NotifyServices, ignored: dict[str, Any]) -> None:
    changes.notify(stream(ignored), Context(), summary)
    assert services.queue.messages == []


@pytest.mark.parametrize(
    "unreadable",
    [
        {},
        {"dynamodb": None},
        {"eventID": 7, "dynamodb": {"Keys": {"sk": {"S": "JOB"}}, "NewImage": {"id": {"S": "x"}}}},
        {"dynamodb": {"Keys": {"sk": {"S": "JOB"}}, "NewImage": {**job_row(job(), ttl=1), "total": {"N": "many"}}}},
    ],
)
def test_a_record_that_nobody_can_read_does_not_hold_up_those_after_it(
    services: NotifyServices, unreadable: dict[str, Any]
) -> None:
    changes.notify(stream(unreadable, record(job(version=2), ready())), Context(), summary)
    assert len(services.queue.messages) == 1


def test_the_batch_comes_again_if_the_queue_is_down(services: NotifyServices) -> None:
    services.queue.down = True
    with pytest.raises(QueueUnavailable):
        changes.notify(stream(record(job(version=2), ready())), Context(), summary)


def test_no_message_is_begun_when_the_time_is_nearly_up(services: NotifyServices) -> None:
    services.table.open(Connection("a", "alice", "", 0))
    services.table.subscribe("a", ONE, now=0)
    changes.notify(stream(record(job(version=2), ready())), Context(changes.RESERVE_MS), summary)
    assert (services.push.sent, len(services.queue.messages)) == ({}, 1)


# --- the WebSocket API --------------------------------------------------------------------


def connecting(headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Event:
    event = recorded("websocket_connect")
    return {**event, "headers": {**event["headers"], **(headers or {})}, "queryStringParameters": query}


def saying(body: str | None) -> Event:
    return {**recorded("websocket_message"), "body": body}


def test_a_client_connects_subscribes_and_leaves(services: NotifyServices) -> None:
    assert websocket.connect(connecting({"Authorization": "Bearer alice"}), Context()) == {"statusCode": 200}
    body = json.dumps({"action": "subscribe", "jobId": ONE})
    assert websocket.message(saying(body), Context(), summary) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["data"] == {"jobId": ONE, "base": BASE}
    assert websocket.disconnect(recorded("websocket_disconnect"), Context()) == {"statusCode": 200}
    assert services.table.connections == {}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer nobody"}])
def test_a_client_without_right_credentials_is_refused(services: NotifyServices, headers: dict[str, str]) -> None:
    assert websocket.connect(connecting(headers), Context()) == {"statusCode": 401}
    assert services.table.connections == {}


def test_who_comes_or_asks_too_often_is_not_served(services: NotifyServices) -> None:
    services.allowed = 2
    assert websocket.connect(connecting({"Authorization": "Bearer alice"}), Context()) == {"statusCode": 200}
    assert websocket.message(saying('{"action": "ping"}'), Context(), summary) == {"statusCode": 200}
    assert websocket.message(saying('{"action": "ping"}'), Context(), summary) == {"statusCode": 429}
    assert websocket.connect(connecting({"Authorization": "Bearer alice"}), Context()) == {"statusCode": 429}
    assert services.counted[1:3] == [f"connection {CONNECTION}"] * 2
    assert services.counted[0] == services.counted[3] and services.counted[0].startswith("address ")


def test_a_client_may_come_with_a_ticket_only(services: NotifyServices) -> None:
    services.gate.tickets["t"] = ONE
    assert websocket.connect(connecting(query={"ticket": "t"}), Context()) == {"statusCode": 200}
    websocket.message(saying(json.dumps({"action": "subscribe", "jobId": ONE})), Context(), summary)
    assert services.push.last(CONNECTION)["event"] == "progress"


def test_tickets_and_bodies_are_in_no_log(services: NotifyServices, capsys: pytest.CaptureFixture[str]) -> None:
    websocket.connect(connecting(query={"ticket": "hidden-in-url"}), Context())
    websocket.message(
        saying(json.dumps({"action": "subscribe", "jobId": ONE, "ticket": "hidden-in-body"})), Context(), summary
    )
    websocket.message(saying('{"ticket": "hidden-in-nonsense"'), Context(), summary)
    written = capsys.readouterr()
    assert "hidden" not in written.out + written.err


def test_an_empty_message_is_answered(services: NotifyServices) -> None:
    assert websocket.message(saying(None), Context(), summary) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["error"] == "invalid_request"


def test_while_the_table_is_down_nobody_connects_and_leaving_is_not_taken_for_done(services: NotifyServices) -> None:
    services.table.down = True
    assert websocket.connect(connecting({"Authorization": "Bearer alice"}), Context()) == {"statusCode": 503}
    assert websocket.disconnect(recorded("websocket_disconnect"), Context()) == {"statusCode": 503}


def test_a_bug_is_answered_without_a_word_about_it(services: NotifyServices) -> None:
    def broken(job: Job, base: str) -> None:
        raise RuntimeError("a bug")

    websocket.connect(connecting({"Authorization": "Bearer alice"}), Context())
    body = json.dumps({"action": "subscribe", "jobId": ONE})
    assert websocket.message(saying(body), Context(), broken) == {"statusCode": 500}


# --- the queue of webhooks ----------------------------------------------------------------


def sqs(body: str, attempt: int = 1) -> Event:
    (template,) = recorded("sqs_check")["Records"]
    attributes = {**template["attributes"], "SentTimestamp": "1700000005123", "ApproximateReceiveCount": str(attempt)}
    return {"Records": [{**template, "body": body, "attributes": attributes, "receiptHandle": "r"}]}


def test_a_webhook_is_delivered_with_the_time_it_was_first_sent(services: NotifyServices) -> None:
    message = SendWebhook(ONE, "ready", 1_700_000_005_000)
    assert queues.webhook(sqs(encode(message)), Context())["batchItemFailures"] == []
    assert services.webhooks.delivered == [(message, 1_700_000_005_123)]


def test_a_webhook_that_fails_waits_by_its_own_backoff(services: NotifyServices) -> None:
    services.webhooks.fails = WebhookFailed(500)
    answer = queues.webhook(sqs(encode(SendWebhook(ONE, "ready", 1)), attempt=3), Context())
    assert len(answer["batchItemFailures"]) == 1
    assert services.webhook_retries.postponed == [("r", 30)]


# --- what is deployed ---------------------------------------------------------------------


def test_every_trigger_of_the_app_reaches_its_handler(services: NotifyServices) -> None:
    assert app.websocket_connect(connecting({"Authorization": "Bearer alice"}), Context()) == {"statusCode": 200}
    body = json.dumps({"action": "subscribe", "jobId": ONE})
    assert app.websocket_message(saying(body), Context()) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["data"]["links"]["status"] == f"{BASE}/v1/download/status/{ONE}"
    assert app.notify(stream(record(job(version=2), ready())), Context()) == {"batchItemFailures": []}
    assert services.push.last(CONNECTION)["event"] == "ready"
    assert app.websocket_disconnect(recorded("websocket_disconnect"), Context()) == {"statusCode": 200}
    assert app.webhook(sqs(encode(SendWebhook(ONE, "ready", 1))), Context())["batchItemFailures"] == []
