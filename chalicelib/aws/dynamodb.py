"""Calls to DynamoDB in the terms of the core: conflicts are retried, outages become TableUnavailable."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.errors import TableUnavailable
from chalicelib.limits import DYNAMODB_MAX_BATCH_GET, DYNAMODB_MAX_BATCH_WRITE

Row = dict[str, Any]

CONFLICT_ATTEMPTS = 12  # workers of one job meet at its row; each waits a random while and tries again
CONFLICT_PAUSE = 0.02

# Reasons that pass: another transaction is at the item, or the table is scaling up.
PASSING = frozenset({"None", "TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})


class ConditionFailed(Exception):
    """The condition of one action of a transaction did not hold. `rows` are the items as they were, where asked for."""

    def __init__(self, rows: Sequence[Row | None]) -> None:
        self.rows = rows
        super().__init__("a condition of the transaction did not hold")


@contextmanager
def table_errors() -> Iterator[None]:
    """Whatever the table does wrong in here is TableUnavailable."""
    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise TableUnavailable(f"the job table did not answer: {error}") from error


def transact(client: Any, actions: Sequence[Row]) -> None:
    """All actions or none. Raises ConditionFailed and TableUnavailable."""
    for attempt in range(CONFLICT_ATTEMPTS):
        if _try_transaction(client, actions):
            return
        time.sleep(random.uniform(0, CONFLICT_PAUSE * 2 ** min(attempt, 5)))
    raise TableUnavailable(f"a transaction met another one {CONFLICT_ATTEMPTS} times in a row")


def _try_transaction(client: Any, actions: Sequence[Row]) -> bool:
    """False if another transaction was at the same items."""
    with table_errors():
        try:
            client.transact_write_items(TransactItems=list(actions))
        except client.exceptions.TransactionCanceledException as error:
            reasons = error.response.get("CancellationReasons", [])
            codes = {reason.get("Code") for reason in reasons}
            if "ConditionalCheckFailed" in codes:
                raise ConditionFailed([reason.get("Item") for reason in reasons]) from error
            if codes <= PASSING:
                return False
            raise
    return True


def write_all(client: Any, table: str, items: Sequence[Row]) -> None:
    """Put items that nothing races for, 25 at a time; what the table leaves over is sent again."""
    for start in range(0, len(items), DYNAMODB_MAX_BATCH_WRITE):
        pending = [{"PutRequest": {"Item": item}} for item in items[start : start + DYNAMODB_MAX_BATCH_WRITE]]
        for attempt in range(CONFLICT_ATTEMPTS):
            with table_errors():
                answer = client.batch_write_item(RequestItems={table: pending})
            pending = answer.get("UnprocessedItems", {}).get(table, [])
            if not pending:
                break
            time.sleep(random.uniform(0, CONFLICT_PAUSE * 2**attempt))
        else:
            raise TableUnavailable("the job table kept throttling writes")


def read_all(client: Any, table: str, keys: Sequence[Row]) -> list[Row]:
    """The items that exist among `keys`, in any order, read consistently."""
    found: list[Row] = []
    for start in range(0, len(keys), DYNAMODB_MAX_BATCH_GET):
        pending = list(keys[start : start + DYNAMODB_MAX_BATCH_GET])
        for attempt in range(CONFLICT_ATTEMPTS):
            with table_errors():
                answer = client.batch_get_item(RequestItems={table: {"Keys": pending, "ConsistentRead": True}})
            found.extend(answer["Responses"].get(table, []))
            pending = answer.get("UnprocessedKeys", {}).get(table, {}).get("Keys", [])
            if not pending:
                break
            time.sleep(random.uniform(0, CONFLICT_PAUSE * 2**attempt))
        else:
            raise TableUnavailable("the job table kept throttling reads")
    return found
