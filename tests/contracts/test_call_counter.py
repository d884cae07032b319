"""What every CallCounter does, on the fake and on DynamoDB (moto)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any, TypeVar

import boto3
import pytest

from chalicelib.aws.dynamodb import DynamoCallCounter, Table
from chalicelib.callers import CallCounter
from chalicelib.errors import TableUnavailable
from tests.support.aws import emulated_aws
from tests.support.fakes import FakeCallCounter
from tests.support.tables import create_table

THREADS = 8
T = TypeVar("T")


class OneAtATime:
    """A client each of whose calls is atomic, as DynamoDB's are and moto's are not."""

    def __init__(self, client: Any) -> None:
        self.exceptions = client.exceptions
        self._client, self._lock = client, Lock()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            with self._lock:
                return getattr(self._client, name)(**arguments)

        return call


@pytest.fixture(params=["fake", "dynamodb"])
def client(request: pytest.FixtureRequest) -> Iterator[Any]:
    """None for the fakes."""
    if request.param == "fake":
        yield None
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield OneAtATime(client)


@pytest.fixture
def counter(client: Any) -> CallCounter:
    return DynamoCallCounter(Table(client, "jobs")) if client else FakeCallCounter()


def at_once(task: Callable[[int], T], times: int) -> list[T]:
    with ThreadPoolExecutor(THREADS) as threads:
        return list(threads.map(task, range(times)))


def test_each_addition_tells_how_many_there_are(counter: CallCounter) -> None:
    assert [counter.add("alice", until=60) for _ in range(4)] == [1, 2, 3, 4]


def test_names_are_counted_apart(counter: CallCounter) -> None:
    counter.add("alice", until=60)
    assert [counter.add(name, until=60) for name in ("Alice", "alice#", "alicE", "alice")] == [1, 1, 1, 2]


def test_additions_of_many_at_once_are_each_told_another_number(counter: CallCounter) -> None:
    assert sorted(at_once(lambda _: counter.add("alice", until=60), 100)) == list(range(1, 101))


def test_a_count_is_kept_for_as_long_as_its_window() -> None:
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        DynamoCallCounter(Table(client, "jobs")).add("alice", until=1_700_000_060)
        kept = {item["sk"]["S"]: item["ttl"]["N"] for item in client.scan(TableName="jobs")["Items"]}
    assert kept == {"CALLS": "1700000060"}


def test_a_table_that_is_not_there_is_an_outage() -> None:
    with emulated_aws(), pytest.raises(TableUnavailable):
        DynamoCallCounter(Table(boto3.client("dynamodb", region_name="us-east-1"), "jobs")).add("alice", until=60)
