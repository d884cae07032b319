"""One request of DynamoDB, or one action of a transaction: its expressions, checked and ready to evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.simulation.client import Refused
from tests.simulation.dynamodb.conditions import Condition
from tests.simulation.dynamodb.expressions import Resolved, Scope
from tests.simulation.dynamodb.items import Item, Value, invalid, value_from
from tests.simulation.dynamodb.parsing import Parsed, parse_condition, parse_projection, parse_update
from tests.simulation.dynamodb.updates import Update, check_overlaps

Arguments = Mapping[str, Any]

UNKNOWN = frozenset(  # of the API before there were expressions
    {"AttributeUpdates", "AttributesToGet", "ConditionalOperator", "Expected", "KeyConditions", "QueryFilter"}
)
EXPRESSIONS = (
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
)


class Request:
    """Reads expressions out of a request's arguments, and sees to it that every placeholder is used."""

    def __init__(self, arguments: Arguments) -> None:
        legacy = UNKNOWN & arguments.keys()
        if legacy:
            raise NotImplementedError(f"the simulated table knows no {', '.join(sorted(legacy))}; use expressions")
        self._arguments = arguments
        self._names: Mapping[str, str] = arguments.get("ExpressionAttributeNames", {})
        self._values = _values(arguments)
        self._used_names: set[str] = set()
        self._used_values: set[str] = set()
        self._check_placeholders()

    def scope(self, kind: str) -> Scope:
        return Scope(kind, self._names, self._values)

    def condition(self, kind: str = "ConditionExpression") -> tuple[Condition, Scope] | None:
        if kind not in self._arguments:
            return None
        parsed, scope = parse_condition(self._arguments[kind], kind), self.scope(kind)
        parsed.tree.check(scope)
        self._use(parsed)
        return parsed.tree, scope

    def update(self) -> tuple[Update, Scope] | None:
        if "UpdateExpression" not in self._arguments:
            return None
        parsed, scope = parse_update(self._arguments["UpdateExpression"]), self.scope("UpdateExpression")
        parsed.tree.check(scope)
        self._use(parsed)
        return parsed.tree, scope

    def projection(self) -> list[Resolved] | None:
        if "ProjectionExpression" not in self._arguments:
            return None
        parsed, scope = parse_projection(self._arguments["ProjectionExpression"]), self.scope("ProjectionExpression")
        paths = [path.resolve(scope) for path in parsed.tree]
        check_overlaps(paths, scope)
        self._use(parsed)
        return paths

    def finish(self) -> None:
        """Raises Refused if a placeholder was not used by any expression."""
        for kind, given, used in (
            ("Names", self._names, self._used_names),
            ("Values", self._values, self._used_values),
        ):
            unused = [name for name in given if name not in used]
            if unused:
                raise invalid(
                    f"Value provided in ExpressionAttribute{kind} unused in expressions: keys: {{{', '.join(unused)}}}"
                )

    def _use(self, parsed: Parsed[Any]) -> None:
        self._used_names |= parsed.names
        self._used_values |= parsed.values

    def _check_placeholders(self) -> None:
        for kind, start in (("Names", "#"), ("Values", ":")):
            name = f"ExpressionAttribute{kind}"
            if name not in self._arguments:
                continue
            if not any(expression in self._arguments for expression in EXPRESSIONS):
                raise invalid(f"{name} can only be specified when using expressions")
            if not self._arguments[name]:
                raise invalid(f"{name} must not be empty")
            for placeholder, value in self._arguments[name].items():
                if not placeholder.startswith(start) or len(placeholder) == 1:
                    raise invalid(f'{name} contains invalid key: Syntax error; key: "{placeholder}"')
                if value == "":
                    raise invalid(f"{name} contains invalid value: Empty attribute name for key {placeholder}")


def _values(arguments: Arguments) -> dict[str, Value]:
    found = {}
    for name, value in arguments.get("ExpressionAttributeValues", {}).items():
        try:
            found[name] = value_from(value)
        except Refused as refused:
            raise invalid(
                f"ExpressionAttributeValues contains invalid value: {refused.message} for key {name}"
            ) from None
    return found


def copy_of(item: Item) -> Item:
    """For a caller, who may change what it is given; values themselves are never changed."""
    return dict(item)
