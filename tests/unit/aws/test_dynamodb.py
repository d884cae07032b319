"""Calls to the table that are repeated, and those that fail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import ATTEMPTS, LONGEST_PAUSE_SECONDS, ConditionFailed, Table
from chalicelib.aws.updates import NEW_ROW, Put, equals
from chalicelib.errors import TableUnavailable
from chalicelib.limits import DYNAMODB_MAX_BATCH_GET, DYNAMODB_MAX_BATCH_WRITE

ROWS = [keys.error("one", number) for number in range(120)]


class Canceled(ClientError):  # type: ignore[misc]
    """A transaction that was canceled for these reasons."""

    def __init__(self, *codes: str) -> None:
        reasons = [{"Code": code} for code in codes]
        super().__init__(
            {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}, "Transact"
        )


class Conflict(ClientError):  # type: ignore[misc]
    """A transaction is at the row of a single write."""

    def __init__(self) -> None:
        super().__init__({"Error": {"Code": "TransactionConflictException"}}, "Put")


class ConditionCheckFailed(ClientError):  # type: ignore[misc]
    """The condition of a single write did not hold."""


class Client:
    """Handles only `served` of the rows of each batch, and raises `failures` of transactions one after the other."""

    def __init__(self, served: int = 100, failures: Sequence[Exception] = ()) -> None:
        self.served, self.failures = served, list(failures)
        self.rows: list[Any] = []
        self.sizes: list[int] = []

    class exceptions:  # noqa: N801 - as boto3 names it
        TransactionCanceledException = Canceled
        TransactionConflictException = Conflict
        ConditionalCheckFailedException = ConditionCheckFailed

    def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803
        if self.failures:
            raise self.failures.pop(0)
        requests = RequestItems["jobs"]
        self.sizes.append(len(requests))
        self.rows += [request["PutRequest"]["Item"] for request in requests[: self.served]]
        left = requests[self.served :]
        return {"UnprocessedItems": {"jobs": left} if left else {}}

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803
        if self.failures:
            raise self.failures.pop(0)
        wanted = RequestItems["jobs"]["Keys"]
        self.sizes.append(len(wanted))
        left = wanted[self.served :]
        unprocessed = {"UnprocessedKeys": {"jobs": {**RequestItems["jobs"], "Keys": left}}} if left else {}
        return {"Responses": {"jobs": wanted[: self.served]}, **unprocessed}

    def query(self, ExclusiveStartKey: Any = None, **_: Any) -> Any:  # noqa: N803
        start = 1 + ROWS.index(ExclusiveStartKey) if ExclusiveStartKey else 0
        page = ROWS[start : start + self.served]
        self.sizes.append(len(page))
        return {"Items": page, **({"LastEvaluatedKey": page[-1]} if start + self.served < len(ROWS) else {})}

    def put_item(self, TableName: str, Item: Any) -> Any:  # noqa: N803
        if self.failures:
            raise self.failures.pop(0)
        self.rows.append(Item)
        return {}

    def transact_write_items(self, TransactItems: Any) -> None:  # noqa: N803
        if self.failures:
            raise self.failures.pop(0)
        self.rows += TransactItems


@pytest.fixture
def pauses() -> list[float]:
    return []


def table(client: Client, pauses: list[float]) -> Table:
    return Table(client, "jobs", pauses.append, lambda low, high: high)


def test_rows_are_written_in_the_largest_batches_and_what_is_left_over_again(pauses: list[float]) -> None:
    client = Client(served=20)
    table(client, pauses).write_all(ROWS)
    assert client.sizes == [25, 5, 25, 5, 25, 5, 25, 5, 20]
    assert sorted(row["sk"]["S"] for row in client.rows) == sorted(row["sk"]["S"] for row in ROWS)
    assert max(client.sizes) <= DYNAMODB_MAX_BATCH_WRITE


def test_rows_are_read_in_the_largest_batches_and_what_is_left_over_again(pauses: list[float]) -> None:
    client = Client(served=60)
    found = table(client, pauses).read_all(ROWS)
    assert client.sizes == [100, 40, 20]
    assert sorted(row["sk"]["S"] for row in found) == sorted(row["sk"]["S"] for row in ROWS)
    assert max(client.sizes) <= DYNAMODB_MAX_BATCH_GET


BUSY = ["ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"]


@pytest.mark.parametrize("code", BUSY)
def test_a_batch_that_is_refused_as_a_whole_is_sent_again(pauses: list[float], code: str) -> None:
    refused = [ClientError({"Error": {"Code": code}}, "Batch")] * 3
    writing, reading = Client(failures=refused), Client(failures=refused)
    table(writing, pauses).write_all(ROWS[:30])
    assert (writing.sizes, len(pauses)) == ([25, 5], 3)
    assert len(table(reading, pauses).read_all(ROWS[:30])) == 30
    assert len(pauses) == 6


def test_a_batch_that_is_refused_for_another_reason_is_an_outage(pauses: list[float]) -> None:
    refused = ClientError({"Error": {"Code": "ValidationException"}}, "Batch")
    for call in (Table.write_all, Table.read_all):
        with pytest.raises(TableUnavailable, match="did not answer"):
            call(table(Client(failures=[refused]), pauses), ROWS[:30])
    assert pauses == []


def test_pauses_double_up_to_a_limit_and_then_the_table_is_unavailable(pauses: list[float]) -> None:
    with pytest.raises(TableUnavailable, match="throttling writes"):
        table(Client(served=0), pauses).write_all(ROWS[:1])
    assert pauses[:3] == [0.02, 0.04, 0.08]
    assert (len(pauses), max(pauses)) == (ATTEMPTS, LONGEST_PAUSE_SECONDS)
    with pytest.raises(TableUnavailable, match="throttling reads"):
        table(Client(served=0), pauses).read_all(ROWS[:1])


@pytest.mark.parametrize("reason", ["TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_transaction_that_meets_another_is_repeated(pauses: list[float], reason: str) -> None:
    client = Client(failures=[Canceled("None", reason)] * 3)
    table(client, pauses).transact(Put(ROWS[0]), Put(ROWS[1]))
    assert (len(client.rows), len(pauses)) == (2, 3)


def test_a_transaction_that_always_meets_another_is_given_up(pauses: list[float]) -> None:
    client = Client(failures=[Canceled("TransactionConflict")] * ATTEMPTS)
    with pytest.raises(TableUnavailable, match="met another one 12 times"):
        table(client, pauses).transact(Put(ROWS[0]))


def test_a_single_write_that_meets_a_transaction_is_repeated(pauses: list[float]) -> None:
    client = Client(failures=[Conflict()] * 3)
    table(client, pauses).put(Put(ROWS[0]))
    assert (len(client.rows), len(pauses)) == (1, 3)


def test_a_single_write_that_always_meets_a_transaction_is_given_up(pauses: list[float]) -> None:
    client = Client(failures=[Conflict()] * ATTEMPTS)
    with pytest.raises(TableUnavailable, match="met a transaction 12 times"):
        table(client, pauses).put(Put(ROWS[0]))


def test_a_condition_that_does_not_hold_says_whose_it_is(pauses: list[float]) -> None:
    client = Client(failures=[Canceled("None", "ConditionalCheckFailed", "TransactionConflict")])
    with pytest.raises(ConditionFailed) as caught:
        table(client, pauses).transact(Put(ROWS[0]), Put(ROWS[1], NEW_ROW), Put(ROWS[2]))
    assert (caught.value.failed, caught.value.rows, pauses) == ((False, True, False), (None, None, None), [])


@pytest.mark.parametrize("error", [Canceled("ValidationError"), ConnectTimeoutError(endpoint_url="http://table.test")])
def test_everything_else_is_an_outage(pauses: list[float], error: Exception) -> None:
    with pytest.raises(TableUnavailable, match="did not answer"):
        table(Client(failures=[error]), pauses).transact(Put(ROWS[0]))
    assert pauses == []


def test_a_query_is_read_page_by_page_to_its_end() -> None:
    client = Client(served=50)
    table = Table(client, "jobs")
    assert list(table.rows(equals("pk", "JOB#one"))) == ROWS
    assert client.sizes == [50, 50, 20]
    first, last = table.page(equals("pk", "JOB#one"))
    assert (first, last) == (ROWS[:50], ROWS[49])
    assert table.page(equals("pk", "JOB#one"), start=ROWS[99]) == (ROWS[100:], None)
