"""Attribute values and items of DynamoDB, as the low-level API writes them: {"pk": {"S": "a"}, "size": {"N": "7"}}.

Every value that comes in is brought into one form (numbers without leading zeros, sets sorted), so that two equal
values are equal dicts, and is never changed afterwards: items share their values, and an update makes a new item.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Context, Decimal
from typing import Any

from tests.simulation.client import Refused

Value = dict[str, Any]
Item = dict[str, Value]

MAX_DIGITS = 38
MAX_NESTING = 32
TYPES = frozenset({"S", "N", "B", "SS", "NS", "BS", "M", "L", "NULL", "BOOL"})
ORDERED = frozenset({"S", "N", "B"})  # types that < and > compare
SETS = {"SS": "S", "NS": "N", "BS": "B"}

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_WORDS = {"SS": "string", "NS": "number", "BS": "binary"}
_EXACT = Context(prec=200)


def invalid(message: str) -> Refused:
    return Refused("ValidationException", message)


def item_from(given: Mapping[str, Any]) -> Item:
    """A copy in the one form. Raises Refused."""
    return {_name(name): value_from(value) for name, value in given.items()}


def value_from(given: Mapping[str, Any], depth: int = 0) -> Value:
    if len(given) != 1:
        words = "has more than one datatypes set" if given else "is empty"
        raise invalid(f"Supplied AttributeValue {words}, must contain exactly one of the supported datatypes")
    ((kind, value),) = given.items()
    if kind == "S":
        return {"S": value}
    if kind == "N":
        return {"N": normal_number(value)}
    if depth > MAX_NESTING:
        raise invalid("Nesting Levels have exceeded supported limits")
    return {kind: _FORMS[kind](value, depth)}


def _name(name: str) -> str:
    if not name:
        raise invalid("Empty attribute name")
    return name


def _null(value: bool, _: int) -> bool:
    if not value:
        raise invalid(
            "One or more parameter values were invalid: Null attribute value types must have the value of true"
        )
    return True


def _set_of(kind: str, normal: Callable[[Any], Any], key: Callable[[Any], Any]) -> Callable[[Any, int], Any]:
    def form(values: Any, _: int) -> list[Any]:
        if not values:
            raise invalid(f"One or more parameter values were invalid: An {_WORDS[kind]} set  may not be empty")
        found = sorted(map(normal, values), key=key)
        if len(set(found)) < len(found):
            raise invalid("Input collection contains duplicates")
        return found

    return form


def normal_number(text: str) -> str:
    """As DynamoDB stores it: no leading or trailing zeros, no exponent."""
    if text.isdecimal() and text.isascii() and len(text) <= MAX_DIGITS and (text[0] != "0" or text == "0"):
        return text
    if not _NUMBER.fullmatch(text):
        raise invalid("A value provided cannot be converted into a number")
    number = Decimal(text)
    if not number:
        return "0"
    if len(number.as_tuple().digits) - _trailing_zeros(number) > MAX_DIGITS:
        raise invalid(f"DynamoDB only supports precision up to {MAX_DIGITS} digits")
    if number.adjusted() > 125:
        raise invalid("Number overflow. Attempting to store a number with magnitude larger than supported range")
    if number.adjusted() < -130:
        raise invalid("Number underflow. Attempting to store a number with magnitude smaller than supported range")
    return format(number.normalize(_EXACT), "f")


def _trailing_zeros(number: Decimal) -> int:
    digits = "".join(map(str, number.as_tuple().digits)).lstrip("0")
    return len(digits) - len(digits.rstrip("0")) + (len(number.as_tuple().digits) - len(digits))


def number_of(text: str) -> int | Decimal:
    """To compare and to calculate with."""
    return Decimal(text) if "." in text else int(text)


def calculated(left: str, right: str, *, minus: bool) -> str:
    """The sum or difference of two numbers. Raises Refused where it has too many digits."""
    if "." in left or "." in right:
        a, b = Decimal(left), Decimal(right)
        return normal_number(str(_EXACT.subtract(a, b) if minus else _EXACT.add(a, b)))
    return normal_number(str(int(left) - int(right) if minus else int(left) + int(right)))


def sort_key(value: Value) -> Any:
    """Orders values of one type among S, N and B as DynamoDB does."""
    ((kind, content),) = value.items()
    return number_of(content) if kind == "N" else content


_FORMS: dict[str, Callable[[Any, int], Any]] = {
    "B": lambda value, _: bytes(value),
    "BOOL": lambda value, _: bool(value),
    "NULL": _null,
    "SS": _set_of("SS", str, str),
    "NS": _set_of("NS", normal_number, number_of),
    "BS": _set_of("BS", bytes, bytes),
    "L": lambda values, depth: [value_from(value, depth + 1) for value in values],
    "M": lambda values, depth: {_name(name): value_from(value, depth + 1) for name, value in values.items()},
}


def size_of(item: Item) -> int:
    """Bytes, by the rules of DynamoDB's developer guide (item sizes and formats)."""
    size = 0
    for name, value in item.items():
        size += len(name) if name.isascii() else len(name.encode())
        text = value.get("S")
        size += _value_size(value) if text is None else len(text) if text.isascii() else len(text.encode())
    return size


def _value_size(value: Value) -> int:
    ((kind, content),) = value.items()
    if kind == "S":
        return _text_size(content)
    if kind == "N":
        return _number_size(content)
    if kind == "B":
        return len(content)
    if kind in ("BOOL", "NULL"):
        return 1
    if kind == "M":
        return 3 + len(content) + sum(_text_size(name) + _value_size(inner) for name, inner in content.items())
    if kind == "L":
        return 3 + len(content) + sum(map(_value_size, content))
    return sum({"SS": _text_size, "NS": _number_size, "BS": len}[kind](one) for one in content)


def _text_size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _number_size(text: str) -> int:
    """About one byte for two significant digits, one for the number and one for its sign."""
    if len(text) < 9 and text.isdecimal():
        return (len(text.strip("0")) + 1) // 2 + 1
    digits = text.lstrip("-").replace(".", "").strip("0")
    return (len(digits) + 1) // 2 + 1 + text.startswith("-")
