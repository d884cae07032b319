"""The function behind the table's stream, called as Lambda calls it; and how app.py reaches handlers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import app
from chalicelib.aws.rows import job_row
from chalicelib.delivery.subscriptions import Connection
from chalicelib.errors import QueueUnavailable
from chalicelib.handlers import stream
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.messages import SendWebhook
from tests.events import Event, recorded
from tests.support.builders import job
from tests.support.delivering import BASE, ONE, delivering
from tests.support.events import CONTEXT, Context, sqs
from tests.unit.handlers.test_websocket import CONNECTION, connecting, saying


@pytest.fixture
def services() -> Iterator[Any]:
    with delivering() as services:
        yield services


def record(old: Job | None, new: Job | None, *, sort_key: str = "JOB") -> dict[str, Any]:
    (template,) = recorded("dynamodb_notify")["Records"]
    change = {**template["dynamodb"], "Keys": {**template["dynamodb"]["Keys"], "sk": {"S": sort_key}}}
    del change["OldImage"], change["NewImage"]
    for name, image in (("OldImage", old), ("NewImage", new)):
        if image:
            ended = {"finished_at": {"N": str(image.finished_at)}} if image.finished_at else {}
            change[name] = {**job_row(image, ttl=1), **ended}
    return {**template, "dynamodb": change}


def batch(*records: dict[str, Any]) -> Event:
    return {"Records": list(records)}


def ready() -> Job:
    hook = "https://hooks.example.com/lorry"
    return job(status=JobStatus.READY, version=3, finished_at=1_700_000_005_000, callback_url=hook)


def test_the_end_of_a_job_is_sent_to_its_callback_url_and_its_subscribers(services: Any) -> None:
    services.subscription_table.open(Connection("a", "alice", "", 0))
    services.subscription_table.subscribe("a", ONE, now=0)
    answer = stream.notify(batch(record(job(version=2), ready())), CONTEXT)
    assert json.loads(json.dumps(answer)) == {"batchItemFailures": []}
    assert services.queue.webhooks == [SendWebhook(ONE, "ready", 1_700_000_005_000)]
    message = services.push.last("a")
    assert (message["event"], message["id"], message["jobId"]) == ("ready", 3, ONE)
    assert message["data"]["links"]["download"] == f"{BASE}/v1/download/{ONE}"


@pytest.mark.parametrize(
    "ignored",
    [
        record(job(version=2), ready(), sort_key="RESULT#00000"),
        record(ready(), None),
        record(ready(), ready()),
    ],
    ids=["another kind of row", "a row that expired", "a write that changed nothing"],
)
def test_other_changes_of_the_table_are_ignored(services: Any, ignored: dict[str, Any]) -> None:
    stream.notify(batch(ignored), CONTEXT)
    assert services.queue.webhooks == []


@pytest.mark.parametrize(
    "unreadable",
    [
        {},
        {"dynamodb": None},
        {"eventID": 7, "dynamodb": {"Keys": {"sk": {"S": "JOB"}}, "NewImage": {"id": {"S": "x"}}}},
        {"dynamodb": {"Keys": {"sk": {"S": "JOB"}}, "NewImage": {**job_row(job(), ttl=1), "total": {"N": "many"}}}},
    ],
)
def test_an_unreadable_record_does_not_hold_up_those_after_it(services: Any, unreadable: dict[str, Any]) -> None:
    stream.notify(batch(unreadable, record(job(version=2), ready())), CONTEXT)
    assert len(services.queue.webhooks) == 1


def test_the_batch_is_repeated_if_the_queue_is_down(services: Any) -> None:
    services.queue.down = True
    with pytest.raises(QueueUnavailable):
        stream.notify(batch(record(job(version=2), ready())), CONTEXT)


def test_no_message_is_begun_when_the_time_is_nearly_up(services: Any) -> None:
    services.subscription_table.open(Connection("a", "alice", "", 0))
    services.subscription_table.subscribe("a", ONE, now=0)
    stream.notify(batch(record(job(version=2), ready())), Context(stream.RESERVE_MS))
    assert (services.push.sent, len(services.queue.webhooks)) == ({}, 1)


# --- what is deployed ---------------------------------------------------------------------


def test_every_trigger_of_the_app_reaches_its_handler(services: Any) -> None:
    assert app.websocket_connect(connecting({"Authorization": "Bearer token-of-alice"}), CONTEXT) == {"statusCode": 200}
    body = json.dumps({"action": "subscribe", "jobId": ONE})
    assert app.websocket_message(saying(body), CONTEXT) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["data"]["links"]["status"] == f"{BASE}/v1/download/status/{ONE}"
    assert app.notify(batch(record(job(version=2), ready())), CONTEXT) == {"batchItemFailures": []}
    assert services.push.last(CONNECTION)["event"] == "ready"
    assert app.websocket_disconnect(recorded("websocket_disconnect"), CONTEXT) == {"statusCode": 200}
    assert app.webhook(sqs(SendWebhook(ONE, "ready", 1)), CONTEXT)["batchItemFailures"] == []
