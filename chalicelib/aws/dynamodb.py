"""The table in DynamoDB: conflicts and throttling are retried, outages become TableUnavailable."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import keys
from chalicelib.aws.keys import Row
from chalicelib.aws.updates import Action, Condition, Delete, Expression, Name, Put, Update
from chalicelib.errors import TableUnavailable
from chalicelib.limits import DYNAMODB_MAX_BATCH_GET, DYNAMODB_MAX_BATCH_WRITE

ATTEMPTS = 12  # workers of one job meet at its row; each waits a random while and tries again
PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 0.64

CONDITION_FAILED = "ConditionalCheckFailed"
# Codes of a request that a partition or the account took no part of.
THROTTLED = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})
# Reasons that pass: another transaction is at the item, or the table is scaling up.
PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(Exception):
    """A condition did not hold. `failed` says of each action whether its own did not; `rows` are those it found."""

    def __init__(self, failed: Sequence[bool], rows: Sequence[Row | None]) -> None:
        self.failed, self.rows = tuple(failed), tuple(rows)
        super().__init__("a condition did not hold")


@contextmanager
def table_errors() -> Iterator[None]:
    """Raises TableUnavailable for whatever the table does wrong in here."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise TableUnavailable(f"the job table did not answer: {error}") from error


class Table(msgspec.Struct, frozen=True):
    """One table. Reads are consistent. Every method may raise TableUnavailable; `sleep` takes seconds."""

    client: Any
    name: str
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform

    def get(self, key: Row) -> Row | None:
        with table_errors():
            answer: Row = self.client.get_item(TableName=self.name, Key=key, ConsistentRead=True)
        return answer.get("Item")

    def put(self, put: Put) -> None:
        """Raises ConditionFailed."""
        self._write(self.client.put_item, put)

    def update(self, update: Update, *, returned: str = "UPDATED_NEW") -> Row:
        """The updated attributes as they are now; `returned` "ALL_NEW": the whole row. Raises ConditionFailed."""
        return self._write(self.client.update_item, update, ReturnValues=returned)

    def delete(self, delete: Delete) -> Row:
        """The row that was there; empty if there was none. Raises ConditionFailed."""
        return self._write(self.client.delete_item, delete, ReturnValues="ALL_OLD")

    def transact(self, *actions: Action) -> None:
        """All of at most 100 actions, or none. Raises ConditionFailed."""
        items = [{type(action).__name__: {"TableName": self.name, **action.request()}} for action in actions]
        for attempt in range(ATTEMPTS):
            if self._try_transaction(items):
                return
            self._pause(attempt)
        raise TableUnavailable(f"a transaction met another one {ATTEMPTS} times in a row")

    def wins(self, *actions: Action) -> bool:
        """As `transact`; False if a condition did not hold."""
        try:
            self.transact(*actions)
        except ConditionFailed:
            return False
        return True

    def page(
        self, condition: Condition, *, limit: int | None = None, start: Row | None = None, **options: Any
    ) -> tuple[list[Row], Row | None]:
        """Rows of one partition in the order of their sort keys, and the key after which the next page starts.

        `options` are those of a query: IndexName, ScanIndexForward, ProjectionExpression. An index may lag.
        """
        expression = Expression()
        arguments = {
            "KeyConditionExpression": expression.render(condition.tokens),
            "ConsistentRead": "IndexName" not in options,
            **({"Limit": limit} if limit else {}),
            **({"ExclusiveStartKey": start} if start else {}),
            **options,
        }
        with table_errors():
            answer = self.client.query(TableName=self.name, **arguments, **expression.arguments())
        return answer["Items"], answer.get("LastEvaluatedKey")

    def rows(self, condition: Condition, **options: Any) -> Iterator[Row]:
        """All rows of one partition for which the condition of their keys holds, page by page; options as of `page`."""
        start: Row | None = None
        while True:
            found, start = self.page(condition, start=start, **options)
            yield from found
            if start is None:
                return

    def read_all(self, keys: Sequence[Row], *, only: Sequence[str] = ()) -> list[Row]:
        """The rows that exist among `keys`, in any order; of each all attributes, or `only` these."""
        expression = Expression()
        wanted = [expression.render([Name(name)]) for name in only]
        projection = {"ProjectionExpression": ", ".join(wanted), **expression.arguments()} if only else {}
        found: list[Row] = []
        for start in range(0, len(keys), DYNAMODB_MAX_BATCH_GET):
            pending = list(keys[start : start + DYNAMODB_MAX_BATCH_GET])
            for attempt in range(ATTEMPTS):
                request = {self.name: {"Keys": pending, "ConsistentRead": True, **projection}}
                answer = self._batch(self.client.batch_get_item, request)
                if answer is not None:
                    found.extend(answer["Responses"].get(self.name, []))
                    pending = answer.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
                if not pending:
                    break
                self._pause(attempt)
            else:
                raise TableUnavailable("the job table kept throttling reads")
        return found

    def write_all(self, rows: Sequence[Row]) -> None:
        """Put rows that nothing races for."""
        self._write_batches([{"PutRequest": {"Item": row}} for row in rows])

    def delete_all(self, keys: Sequence[Row]) -> None:
        """Delete rows that nothing races for; those that are not there are fine."""
        self._write_batches([{"DeleteRequest": {"Key": key}} for key in keys])

    def _write_batches(self, requests: Sequence[Row]) -> None:
        """Send 25 at a time; what the table leaves over, or all of it, is sent again."""
        for start in range(0, len(requests), DYNAMODB_MAX_BATCH_WRITE):
            pending = list(requests[start : start + DYNAMODB_MAX_BATCH_WRITE])
            for attempt in range(ATTEMPTS):
                answer = self._batch(self.client.batch_write_item, {self.name: pending})
                if answer is not None:
                    pending = answer.get("UnprocessedItems", {}).get(self.name, [])
                if not pending:
                    break
                self._pause(attempt)
            else:
                raise TableUnavailable("the job table kept throttling writes")

    def _batch(self, call: Callable[..., Row], request: Row) -> Row | None:
        """The answer to a batch; None if the table was too busy for any of it."""
        with table_errors():
            try:
                return call(RequestItems=request)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") in THROTTLED:
                    return None
                raise

    def _write(self, call: Callable[..., Row], action: Action, **options: Any) -> Row:
        for attempt in range(ATTEMPTS):
            with table_errors():
                try:
                    answer = call(TableName=self.name, **action.request(), **options)
                except self.client.exceptions.ConditionalCheckFailedException as error:
                    raise ConditionFailed([True], [error.response.get("Item")]) from error
                except self.client.exceptions.TransactionConflictException:
                    answer = None
            if answer is not None:
                found: Row = answer.get("Attributes", {})
                return found
            self._pause(attempt)
        raise TableUnavailable(f"a write met a transaction {ATTEMPTS} times in a row")

    def _try_transaction(self, items: list[Row]) -> bool:
        """False if another transaction was at the same rows."""
        with table_errors():
            try:
                self.client.transact_write_items(TransactItems=items)
            except self.client.exceptions.TransactionCanceledException as error:
                reasons = error.response.get("CancellationReasons", [])
                codes = [reason.get("Code") for reason in reasons]
                if CONDITION_FAILED in codes:
                    failed = [code == CONDITION_FAILED for code in codes]
                    raise ConditionFailed(failed, [reason.get("Item") for reason in reasons]) from error
                if PASSING.issuperset(codes):
                    return False
                raise
        return True

    def _pause(self, attempt: int) -> None:
        self.sleep(self.uniform(0, min(LONGEST_PAUSE_SECONDS, PAUSE_SECONDS * 2**attempt)))


class DynamoCallCounter(msgspec.Struct, frozen=True):
    """Counts calls, each count in a row of its own."""

    table: Table

    def add(self, name: str, *, until: int) -> int:
        counted = self.table.update(Update(key=keys.calls(name), add={"calls": 1}, set={"ttl": until}))
        return int(counted["calls"]["N"])
