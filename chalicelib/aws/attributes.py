"""Plain values as DynamoDB's attributes, and back: text, integers, booleans, bytes, None, lists, maps, sets."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

from chalicelib.aws.keys import Row

Attribute = dict[str, Any]


def attribute(value: Any) -> Attribute:
    """One value. Raises TypeError for a type that no row holds, such as float."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}  # of an enumeration its value
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {str(name): attribute(member) for name, member in value.items()}}
        case list() | tuple():
            return {"L": [attribute(member) for member in value]}
        case set() | frozenset() if value:
            return _set(value)
    raise TypeError(f"no attribute of a row holds {value!r}")


def _set(members: Set[Any]) -> Attribute:
    if all(isinstance(member, str) for member in members):
        return {"SS": sorted(members)}
    return {"NS": sorted(map(str, members))}


def attributes(values: Mapping[str, Any]) -> Row:
    """A row of these values; None is left out."""
    return {name: attribute(value) for name, value in values.items() if value is not None}


def plain(row: Row) -> dict[str, Any]:
    """The values of a row."""
    return {name: _value(stored) for name, stored in row.items()}


def _value(stored: Attribute) -> Any:
    ((kind, value),) = stored.items()
    match kind:
        case "N":
            return int(value)
        case "NULL":
            return None
        case "M":
            return plain(value)
        case "L":
            return [_value(member) for member in value]
        case "SS":
            return frozenset(value)
        case "NS":
            return frozenset(map(int, value))
    return value
