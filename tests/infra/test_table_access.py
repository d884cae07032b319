"""Those who serve WebSocket clients and webhooks reach the rows that they need, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import DynamoCallCounter, Table
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.aws.websockets import DynamoSubscriptions
from chalicelib.delivery.subscriptions import Connection, Subscribed
from chalicelib.errors import TableUnavailable
from tests.infra.conftest import Template
from tests.infra.test_roles import as_list, statements
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.iam import Guarded
from tests.support.tables import RETENTION, create_table, token

NOW, LATER = 1_700_000_000_000, 1_800_000_000
JOB = job()
ON_TABLE = {"Fn::GetAtt": ["Table", "Arn"]}
NARROWED = [
    *("WebsocketConnectRole", "WebsocketMessageRole", "WebsocketDisconnectRole"),
    *("NotifyRole", "WebhookRole"),
]


@pytest.fixture
def client() -> Iterator[Any]:
    """A client with every right, of a table that holds a job."""
    with emulated_aws():
        made = boto3.client("dynamodb", region_name="us-east-1")
        create_table(made, "jobs")
        DynamoJobTable(Table(made, "jobs"), RETENTION, token).create(JOB, [files(1)], event=event())
        yield made


def of_role(client: Any, resources: dict[str, Template], role: str) -> Table:
    """The table as a role may use it."""
    rights = [found for found in statements(resources, role) if ON_TABLE in as_list(found["Resource"])]
    assert rights
    return Table(Guarded(client, rights), "jobs")


def test_each_role_may_do_its_work(client: Any, resources: dict[str, Template]) -> None:
    connecting, messages, closing, notifying, webhooks = (of_role(client, resources, role) for role in NARROWED)
    for socket in ("one", "other"):
        DynamoCallCounter(connecting).add("sockets", until=LATER)
        DynamoSubscriptions(connecting).open(Connection(socket, "alice", "", NOW))
    clients = DynamoSubscriptions(messages)
    DynamoCallCounter(messages).add("connection", until=LATER)
    assert clients.connection("one") is not None
    assert DynamoJobTable(messages, RETENTION, token).get(JOB.job_id) is not None
    for socket in ("one", "other"):
        assert clients.subscribe(socket, JOB.job_id, now=NOW) is Subscribed.SUBSCRIBED
    watching = DynamoSubscriptions(notifying)
    assert sorted(watching.subscribers(JOB.job_id)) == ["one", "other"]
    watching.unsubscribe("one", JOB.job_id)
    watching.close("other")
    clients.subscribe("one", JOB.job_id, now=NOW)
    clients.unsubscribe("one", JOB.job_id)
    clients.subscribe("one", JOB.job_id, now=NOW)
    DynamoSubscriptions(closing).close("one")
    assert DynamoJobTable(webhooks, RETENTION, token).get(JOB.job_id) is not None
    DynamoJobTable(webhooks, RETENTION, token).note(JOB.job_id, event())


@pytest.mark.parametrize(
    ("role", "foreign"),
    [
        ("WebsocketConnectRole", keys.job(JOB.job_id)),
        ("WebsocketMessageRole", keys.fact("crc")),
        ("WebsocketDisconnectRole", keys.calls("alice")),
        ("NotifyRole", keys.calls("alice")),
        ("WebhookRole", keys.connection("one")),
    ],
)
def test_rows_of_other_kinds_are_out_of_reach(
    client: Any, resources: dict[str, Template], role: str, foreign: dict[str, Any]
) -> None:
    table = of_role(client, resources, role)
    for attempt in (lambda: table.client.delete_item(TableName="jobs", Key=foreign), lambda: table.get(foreign)):
        with pytest.raises(Exception, match=r"AccessDeniedException|did not answer"):
            attempt()


def test_a_client_that_only_connects_cannot_read(client: Any, resources: dict[str, Template]) -> None:
    with pytest.raises(TableUnavailable, match="dynamodb:GetItem"):
        DynamoSubscriptions(of_role(client, resources, "WebsocketConnectRole")).connection("one")
