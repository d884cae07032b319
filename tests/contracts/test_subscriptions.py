"""What every SubscriptionTable does, on the fake and on DynamoDB (moto)."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.websockets import KEPT_SECONDS, DynamoSubscriptions
from chalicelib.delivery.subscriptions import Connection, Subscribed, SubscriptionTable
from chalicelib.errors import TableUnavailable
from chalicelib.limits import MAX_SUBSCRIPTIONS, WEBSOCKET_MAX_SECONDS
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.delivery import FakeSubscriptions
from tests.support.tables import create_table, job_table

NOW = 1_700_000_000_000
ONE, OTHER = job().job_id, "6f6b0f9e-0000-4000-8000-000000000002"


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[SubscriptionTable]:
    if request.param == "fake":
        yield FakeSubscriptions()
        return
    with emulated_aws():
        yield DynamoSubscriptions(Table(client(), "jobs"))


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    """A client of an empty job table."""
    with emulated_aws():
        yield client()


def client() -> Any:
    made = boto3.client("dynamodb", region_name="us-east-1")
    create_table(made, "jobs")
    return made


def opened(table: SubscriptionTable, *names: str) -> SubscriptionTable:
    for name in names:
        table.open(Connection(name, "alice", "", NOW))
    return table


@pytest.mark.parametrize("connection", [Connection("a", "alice", "", NOW), Connection("a", None, "ticket", NOW)])
def test_a_connection_is_known_as_it_was_opened(table: SubscriptionTable, connection: Connection) -> None:
    table.open(connection)
    assert table.connection("a") == connection


def test_a_connection_that_was_never_opened_is_unknown(table: SubscriptionTable) -> None:
    assert table.connection("a") is None
    assert table.subscribe("a", ONE, now=NOW) is Subscribed.UNKNOWN
    assert table.subscribers(ONE) == []


def test_each_job_has_its_subscribers(table: SubscriptionTable) -> None:
    opened(table, "a", "b")
    for name, job_id in (("a", ONE), ("b", ONE), ("b", OTHER)):
        assert table.subscribe(name, job_id, now=NOW) is Subscribed.SUBSCRIBED
    assert sorted(table.subscribers(ONE)) == ["a", "b"]
    assert table.subscribers(OTHER) == ["b"]


def test_subscribing_again_changes_nothing(table: SubscriptionTable) -> None:
    opened(table, "a")
    assert [table.subscribe("a", ONE, now=NOW) for _ in range(2)] == [Subscribed.SUBSCRIBED] * 2
    assert table.subscribers(ONE) == ["a"]


def test_unsubscribing_leaves_the_others(table: SubscriptionTable) -> None:
    opened(table, "a", "b")
    for name in ("a", "b"):
        table.subscribe(name, ONE, now=NOW)
    table.unsubscribe("a", ONE)
    table.unsubscribe("a", ONE)
    assert table.subscribers(ONE) == ["b"]


def test_unsubscribing_does_not_make_a_connection_of_one_that_is_unknown(table: SubscriptionTable) -> None:
    table.unsubscribe("a", ONE)
    assert table.connection("a") is None


def test_closing_forgets_the_connection_and_all_it_watches(table: SubscriptionTable) -> None:
    opened(table, "a", "b")
    for name, job_id in (("a", ONE), ("a", OTHER), ("b", ONE)):
        table.subscribe(name, job_id, now=NOW)
    table.close("a")
    table.close("a")
    assert table.connection("a") is None
    assert (table.subscribers(ONE), table.subscribers(OTHER)) == (["b"], [])


def test_after_closing_nothing_can_be_watched(table: SubscriptionTable) -> None:
    opened(table, "a").close("a")
    assert table.subscribe("a", ONE, now=NOW) is Subscribed.UNKNOWN
    assert table.subscribers(ONE) == []


def test_a_connection_watches_only_so_many_jobs_at_once(table: SubscriptionTable) -> None:
    opened(table, "a")
    jobs = [str(uuid.uuid4()) for _ in range(MAX_SUBSCRIPTIONS)]
    assert {table.subscribe("a", job_id, now=NOW) for job_id in jobs} == {Subscribed.SUBSCRIBED}
    assert table.subscribe("a", ONE, now=NOW) is Subscribed.TOO_MANY
    assert table.subscribe("a", jobs[0], now=NOW) is Subscribed.SUBSCRIBED  # it is watched already
    assert table.subscribers(ONE) == []
    table.unsubscribe("a", jobs[0])
    assert table.subscribe("a", ONE, now=NOW) is Subscribed.SUBSCRIBED


def test_a_connection_that_watches_all_it_may_is_forgotten_whole(table: SubscriptionTable) -> None:
    opened(table, "a")
    jobs = [str(uuid.uuid4()) for _ in range(MAX_SUBSCRIPTIONS)]
    for job_id in jobs:
        table.subscribe("a", job_id, now=NOW)
    table.close("a")
    assert not [job_id for job_id in jobs if table.subscribers(job_id)]


# --- DynamoDB alone ---------------------------------------------------------------------


def test_every_row_expires_after_the_connection_has_ended(dynamodb: Any) -> None:
    opened(DynamoSubscriptions(Table(dynamodb, "jobs")), "a").subscribe("a", ONE, now=NOW)
    items = dynamodb.scan(TableName="jobs")["Items"]
    assert [int(item["ttl"]["N"]) for item in items] == [NOW // 1000 + KEPT_SECONDS] * 2
    assert KEPT_SECONDS > WEBSOCKET_MAX_SECONDS


def test_more_subscribers_than_one_page_holds_are_all_found(dynamodb: Any) -> None:
    table = DynamoSubscriptions(Table(PagedClient(dynamodb, 2), "jobs"))
    for n in range(7):
        opened(table, f"c{n}").subscribe(f"c{n}", ONE, now=NOW)
    assert sorted(table.subscribers(ONE)) == [f"c{n}" for n in range(7)]


def test_subscriptions_do_not_show_in_what_else_is_read_of_a_job(dynamodb: Any) -> None:
    jobs = job_table(dynamodb)
    jobs.create(job(), [files(70000)], event=event())
    opened(DynamoSubscriptions(Table(dynamodb, "jobs")), "a").subscribe("a", ONE, now=NOW)
    assert jobs.get(ONE) == job()
    assert [found.kind for found in jobs.events(ONE, limit=10, cursor=None).events] == ["created"]


def test_a_table_that_is_not_there_is_unavailable() -> None:
    with emulated_aws():
        table = DynamoSubscriptions(Table(boto3.client("dynamodb", region_name="us-east-1"), "jobs"))
        calls = [
            lambda: table.open(Connection("a", None, "", NOW)),
            lambda: table.connection("a"),
            lambda: table.close("a"),
            lambda: table.subscribe("a", ONE, now=NOW),
            lambda: table.unsubscribe("a", ONE),
            lambda: table.subscribers(ONE),
        ]
        for call in calls:
            with pytest.raises(TableUnavailable):
                call()


class PagedClient:
    """A client whose queries return only so many items at a time."""

    def __init__(self, client: Any, limit: int) -> None:
        self._client, self._limit = client, limit

    def query(self, **arguments: Any) -> Any:
        return self._client.query(**arguments, Limit=self._limit)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
