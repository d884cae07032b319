"""Writes of DynamoDB: puts, updates, deletes and condition checks, each alone or as an action of a transaction."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.dynamodb.items import Item, invalid, item_from, size_of
from tests.simulation.dynamodb.requests import Request, copy_of
from tests.simulation.dynamodb.tables import Key, Table

CONDITION_FAILED = "The conditional request failed"
TOO_LARGE = "Item size has exceeded the maximum allowed size"
TOO_LARGE_UPDATE = "Item size to update has exceeded the maximum allowed size"


class Write:
    """One write of one item. Made, it was checked without looking at the item; `evaluate` looks at it."""

    def __init__(self, table: Table, arguments: Mapping[str, Any]) -> None:
        self.table, self.arguments = table, arguments
        request = Request(arguments)
        self._condition = request.condition()
        self._update = request.update()
        request.finish()
        self._given: Item | None = None
        if "Item" in arguments:
            self._given = item_from(arguments["Item"])
            self.key: Key = table.check_item(self._given)
            table.check_size(self._given, TOO_LARGE)
        else:
            self._key_attributes = item_from(arguments["Key"])
            self.key = table.key_of(self._key_attributes)

    def validate(self) -> None:
        """Raises Refused for what a transaction gives as the reason of its cancellation, and not as its own error."""
        if self._given is not None:
            self.table.check_index_keys(self._given)

    def units(self) -> float:
        """What it costs of the partition's throughput: a unit for each KiB of the larger item, before or after."""
        sizes = [size_of(item) for item in (self.old, self._new()) if item is not None]
        return max(1.0, math.ceil(max(sizes, default=0) / 1024))

    @property
    def old(self) -> Item | None:
        return self.table.items.get(self.key)

    def check_condition(self) -> None:
        """Raises Refused where the condition does not hold."""
        if self._condition is None:
            return
        condition, scope = self._condition
        old = self.old
        if not condition.holds(old or {}, scope):
            refused = Refused("ConditionalCheckFailedException", CONDITION_FAILED)
            if old is not None and self.arguments.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD":
                refused.more["Item"] = copy_of(old)
            raise refused

    def evaluate(self) -> Callable[[], None]:
        """What to do to the table if everything else agrees. Raises Refused where the item does not allow it."""
        new = self._new()
        return lambda: self.table.write(self.key, new)

    def _new(self) -> Item | None:
        raise NotImplementedError

    def answer(self, old: Item | None) -> dict[str, Any]:
        """By ReturnValues; `old` is the item before the write."""
        wanted = self.arguments.get("ReturnValues", "NONE")
        if wanted == "ALL_OLD" and old is not None:
            return {"Attributes": copy_of(old)}
        return {}


class Put(Write):
    def _new(self) -> Item | None:
        return self._given


class Delete(Write):
    def _new(self) -> Item | None:
        return None


class Check(Write):
    def _new(self) -> Item | None:
        return self.old

    def evaluate(self) -> Callable[[], None]:
        return lambda: None


class UpdateItem(Write):
    def validate(self) -> None:
        if self._update is None:
            return
        update, scope = self._update
        for name in update.touched(scope):
            if name in self.table.schema.names:
                raise invalid(
                    f"One or more parameter values were invalid: Cannot update attribute {name}."
                    " This attribute is part of the key"
                )

    def _new(self) -> Item | None:
        old = self.old
        new = dict(self._key_attributes) if old is None else old
        if self._update is None:
            return new
        update, scope = self._update
        new = update.applied(new, scope)
        self.table.check_index_keys(new)
        self.table.check_size(new, TOO_LARGE_UPDATE)
        return new

    def answer(self, old: Item | None) -> dict[str, Any]:
        wanted = self.arguments.get("ReturnValues", "NONE")
        new = self.old or {}
        if wanted == "ALL_NEW":
            return {"Attributes": copy_of(new)}
        if wanted in ("UPDATED_NEW", "UPDATED_OLD"):
            touched = self._update[0].touched(self._update[1]) if self._update else []
            source = new if wanted == "UPDATED_NEW" else old or {}
            attributes = {name: source[name] for name in touched if name in source}
            return {"Attributes": attributes} if attributes else {}
        return super().answer(old)
