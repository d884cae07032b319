"""TransactWriteItems: all actions or none, in two steps, so that transactions can meet."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.dynamodb.items import invalid, size_of
from tests.simulation.dynamodb.tables import Table
from tests.simulation.dynamodb.throughput import Throughput
from tests.simulation.dynamodb.writes import Check, Delete, Put, UpdateItem, Write
from tests.simulation.environment import Environment
from tests.simulation.faults import Fault

MAX_ACTIONS = 100
MAX_BYTES = 4 * 1024 * 1024
TRANSACTION_COST = 2.0  # as much as two writes of each item
TOKEN_SECONDS = 600  # for so long a token is remembered
ACTIONS: dict[str, type[Write]] = {"Put": Put, "Update": UpdateItem, "Delete": Delete, "ConditionCheck": Check}

Actions = Sequence[Mapping[str, Any]]


class Transactions:
    """`table` finds a table by its name."""

    def __init__(self, environment: Environment, table: Callable[[str], Table], throughput: Throughput) -> None:
        self._environment, self._table, self._throughput = environment, table, throughput
        self._tokens: dict[str, tuple[int, Any]] = {}  # until when, and what was asked

    def write(self, given: Actions, token: str) -> Generator[None, None, dict[str, Any]]:
        """Takes the items, lets others run, and writes: who meets a transaction at an item is refused."""
        if self._is_repeated(token, given):
            return {}
        writes = self._writes(given)
        self._raise_conflicts(writes)
        if any(self._throughput.refuses(write, cost=TRANSACTION_COST) for write in writes):
            raise _canceled(
                [{"Code": "ThrottlingError", "Message": "Throughput exceeds the current capacity"}] * len(writes)
            )
        act = _evaluated(writes)
        for write in writes:
            write.table.locked.add(write.key)
        try:
            yield
            for one in act:
                one()
        finally:
            for write in writes:
                write.table.locked.discard(write.key)
        self._remember(token, given)
        return {}

    def _writes(self, given: Actions) -> list[Write]:
        if len(given) > MAX_ACTIONS:
            raise invalid(f"Member must have length less than or equal to {MAX_ACTIONS}")
        writes: list[Write] = []
        for one in given:
            if len(one) != 1:
                raise invalid("TransactItems can only contain one of Check, Put, Update or Delete")
            ((kind, arguments),) = one.items()
            writes.append(ACTIONS[kind](self._table(arguments["TableName"]), arguments))
        if len({(write.table.name, write.key) for write in writes}) < len(writes):
            raise invalid("Transaction request cannot include multiple operations on one item")
        size = sum(size_of(write.arguments["Item"]) for write in writes if "Item" in write.arguments)
        if size > MAX_BYTES:
            raise invalid(f"Transaction payload size cannot exceed 4MB. Payload Size: {size}")
        return writes

    def _raise_conflicts(self, writes: Sequence[Write]) -> None:
        conflicts = [write.key in write.table.locked for write in writes]
        if self._environment.faults.happens(Fault.TRANSACTION_CONFLICT):
            conflicts[self._environment.random.randrange(len(conflicts))] = True
        if any(conflicts):
            message = "Transaction is ongoing for the item"
            raise _canceled(
                [{"Code": "TransactionConflict", "Message": message} if one else {"Code": "None"} for one in conflicts]
            )

    def _is_repeated(self, token: str, asked: Any) -> bool:
        until, before = self._tokens.get(token, (0, None))
        if until <= self._environment.now_ms():
            return False
        if before != asked:
            raise Refused("IdempotentParameterMismatchException", "Request parameters do not match those of the token")
        return True

    def _remember(self, token: str, asked: Any) -> None:
        if token:
            self._tokens[token] = self._environment.now_ms() + TOKEN_SECONDS * 1000, asked


def _evaluated(writes: Sequence[Write]) -> list[Any]:
    """What to do for each action. Raises Refused, with a reason for each, unless all can be done."""
    act, reasons = [], []
    for write in writes:
        try:
            write.validate()
            write.check_condition()
            act.append(write.evaluate())
            reasons.append({"Code": "None"})
        except Refused as refused:
            code = refused.code.removesuffix("Exception")
            code = {"Validation": "ValidationError"}.get(code, code)
            reasons.append({"Code": code, "Message": refused.message, **refused.more})
    if len(act) < len(writes):
        raise _canceled(reasons)
    return act


def _canceled(reasons: list[dict[str, Any]]) -> Refused:
    codes = ", ".join(reason["Code"] for reason in reasons)
    message = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{codes}]"
    return Refused("TransactionCanceledException", message, Message=message, CancellationReasons=reasons)
