"""DynamoDB's Query: the key condition becomes a range of a partition, which is read in order, page by page."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.dynamodb.conditions import And, BeginsWith, Between, Compare, Condition, Not, Or
from tests.simulation.dynamodb.expressions import Literal, Operand, Path, Resolved, Scope, Size
from tests.simulation.dynamodb.items import Item, Value, invalid, size_of, sort_key
from tests.simulation.dynamodb.tables import Entry, Index, KeySchema, Table

MAX_PAGE_BYTES = 1024 * 1024
NAMES = {And: "AND", Or: "OR", Not: "NOT"}
MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class KeyRange:
    """One partition and a condition on its range keys: "=", "<", ..., "BETWEEN", "begins_with" or "" for all."""

    hash_key: Any
    operator: str = ""
    low: Any = None
    high: Any = None

    def slice(self, entries: Sequence[Entry]) -> tuple[int, int]:
        """From which entry to before which."""

        def first(value: Any) -> int:
            return bisect_left(entries, value, key=lambda entry: entry[0])

        def after(value: Any) -> int:
            return bisect_right(entries, value, key=lambda entry: entry[0])

        match self.operator:
            case "":
                return 0, len(entries)
            case "=":
                return first(self.low), after(self.low)
            case "<":
                return 0, first(self.low)
            case "<=":
                return 0, after(self.low)
            case ">":
                return after(self.low), len(entries)
            case ">=":
                return first(self.low), len(entries)
            case "BETWEEN":
                return first(self.low), after(self.high)
        start = first(self.low)
        return start, bisect_left(entries, True, lo=start, key=lambda entry: not entry[0].startswith(self.low))

    def holds(self, range_key: Any) -> bool:
        return self.slice([(range_key,)]) == (0, 1)


def key_range(condition: Condition, scope: Scope, schema: KeySchema) -> KeyRange:
    """What a KeyConditionExpression asks for. Raises Refused for anything but one partition and one range."""
    found: dict[str, tuple[str, list[Value]]] = {}
    for part in _conjuncts(condition):
        name, operator, values = _simple(part, scope)
        if name in found:
            raise invalid("KeyConditionExpressions must only contain one condition per key")
        found[name] = operator, values
    if schema.hash not in found or not set(found) <= set(schema.names):
        raise invalid(f"Query condition missed key schema element: {schema.hash}")
    for name, (_, values) in found.items():
        _check_values(name, values, schema)
    operator, values = found[schema.hash]
    if operator != "=":
        raise invalid("Query key condition not supported")
    hash_key = sort_key(values[0])
    if schema.range not in found:
        return KeyRange(hash_key)
    operator, values = found[schema.range]
    return KeyRange(hash_key, operator, sort_key(values[0]), sort_key(values[-1]))


def _conjuncts(condition: Condition) -> Iterable[Condition]:
    if isinstance(condition, And):
        return [*_conjuncts(condition.left), *_conjuncts(condition.right)]
    return [condition]


def _simple(condition: Condition, scope: Scope) -> tuple[str, str, list[Value]]:
    """Name, operator and values of a condition on one key."""
    match condition:
        case Compare("<>") | Or() | Not():
            wrong = getattr(condition, "operator", NAMES.get(type(condition), ""))
            raise invalid(f"Invalid operator used in KeyConditionExpression: {wrong}")
        case Compare(operator, Literal() as value, Path() as path):
            return _name(path, scope), MIRRORED[operator], [value.get(scope)]
        case Compare(operator, left, right):
            return _name(left, scope), operator, [_value(right, scope)]
        case Between(operand, low, high):
            return _name(operand, scope), "BETWEEN", [_value(low, scope), _value(high, scope)]
        case BeginsWith(operand, prefix):
            return _name(operand, scope), "begins_with", [_value(prefix, scope)]
    raise invalid(f"Invalid operator used in KeyConditionExpression: {type(condition).__name__}")


def _name(operand: Operand, scope: Scope) -> str:
    if isinstance(operand, Size):
        raise invalid("KeyConditionExpressions cannot contain nested operations")
    if not isinstance(operand, Path) or len(operand.elements) > 1:
        raise invalid("Invalid condition in KeyConditionExpression: no key attribute")
    return str(operand.resolve(scope)[0])


def _value(operand: Operand, scope: Scope) -> Value:
    if not isinstance(operand, Literal):
        raise invalid("Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition")
    return operand.get(scope)


def _check_values(name: str, values: Sequence[Value], schema: KeySchema) -> None:
    for value in values:
        if schema.types[name] not in value:
            raise invalid(
                "One or more parameter values were invalid: Condition parameter type does not match schema type"
            )
        if not next(iter(value.values())):
            raise invalid(
                "One or more parameter values are not valid."
                f" The AttributeValue for a key attribute cannot contain an empty string value. Key: {name}"
            )


@dataclass(frozen=True, slots=True)
class Page:
    """What one Query reads: the items, and where the next one continues (None: at the end)."""

    items: list[Item]
    last: Item | None


def read_page(
    source: Table | Index, table: Table, wanted: KeyRange, *, start: Item | None, limit: int | None, backward: bool
) -> Page:
    """At most `limit` items and 1 MiB, after `start`."""
    entries = source.below(wanted.hash_key)
    first, end = wanted.slice(entries)
    if start is not None:
        place = source.place(start, table.schema)
        if backward:
            end = min(end, bisect_left(entries, place))
        else:
            first = max(first, bisect_right(entries, place))
    order = range(end - 1, first - 1, -1) if backward else range(first, end)
    items: list[Item] = []
    read = 0
    for place_number in order:
        item = source.item(wanted.hash_key, entries[place_number])
        if item is None:
            continue
        items.append(item)
        read += size_of(item)
        if len(items) == limit or read > MAX_PAGE_BYTES:
            return Page(items, _last_key(item, source, table))
    return Page(items, None)


def _last_key(item: Item, source: Table | Index, table: Table) -> Item:
    names = dict.fromkeys((*table.schema.names, *source.schema.names))
    return {name: item[name] for name in names}


def check_start(start: Item, wanted: KeyRange, source: Table | Index, table: Table) -> None:
    """Raises Refused for an ExclusiveStartKey that no page of this query can have ended with."""
    if start.keys() != {*table.schema.names, *source.schema.names}:
        raise invalid("The provided starting key is invalid")
    hash_key, range_key = source.schema.of(start)
    if hash_key != wanted.hash_key or not wanted.holds(range_key):
        raise invalid("The provided starting key does not match the range key predicate")


def projected(item: Item, paths: Sequence[Resolved]) -> Item:
    """The parts of an item that lie at `paths`, where they lie; elements of lists move together."""
    if all(len(path) == 1 for path in paths):
        return {str(path[0]): item[str(path[0])] for path in paths if path[0] in item}
    tree: dict[Any, Any] = {}
    for path in paths:
        branch = tree
        for element in path:
            branch = branch.setdefault(element, {})
    found = _pruned({"M": item}, tree)
    return found["M"] if found else {}


def _pruned(value: Any, tree: dict[Any, Any]) -> Any:
    """What of a value is wanted; None where that is nothing."""
    if not tree:
        return value
    if "M" in value:
        inner = {name: _pruned(value["M"][name], branch) for name, branch in tree.items() if name in value["M"]}
        kept = {name: found for name, found in inner.items() if found is not None}
        return {"M": kept} if kept else None
    if "L" in value:
        places = sorted(place for place in tree if isinstance(place, int) and place < len(value["L"]))
        elements = [found for place in places if (found := _pruned(value["L"][place], tree[place])) is not None]
        return {"L": elements} if elements else None
    return None
