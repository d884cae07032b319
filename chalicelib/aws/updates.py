"""Conditions, updates and the other actions of a write, built from values.

Names and values always go into an expression by placeholders, and no expression is ever edited as text. boto3's own
conditions would bring its resource layer along at each cold start, and it has no builder for updates.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from chalicelib.aws.keys import Row
from chalicelib.aws.rows import attribute


class Name(msgspec.Struct, frozen=True):
    """The name of an attribute, where a value could stand too."""

    name: str


class _Value(msgspec.Struct, frozen=True):
    value: Any


_Token = str | Name | _Value


class Condition(msgspec.Struct, frozen=True):
    """What must hold of a row. `a & b`, `a | b` and `~a` combine conditions."""

    tokens: tuple[_Token, ...]

    def __and__(self, other: Condition) -> Condition:
        return Condition(("(", *self.tokens, " AND ", *other.tokens, ")"))

    def __or__(self, other: Condition) -> Condition:
        return Condition(("(", *self.tokens, " OR ", *other.tokens, ")"))

    def __invert__(self) -> Condition:
        return Condition(("(NOT ", *self.tokens, ")"))


def equals(name: str, value: Any) -> Condition:
    """`value` may be a Name, here and below."""
    return _compared(name, "=", value=value)


def less(name: str, value: Any) -> Condition:
    """Whether an attribute is below a value."""
    return _compared(name, "<", value=value)


def at_most(name: str, value: Any) -> Condition:
    """Whether an attribute is at most a value."""
    return _compared(name, "<=", value=value)


def at_least(name: str, value: Any) -> Condition:
    """Whether an attribute is at least a value."""
    return _compared(name, ">=", value=value)


def between(name: str, *, low: Any, high: Any) -> Condition:
    """Both ends belong to it."""
    return Condition((Name(name), " BETWEEN ", _operand(low), " AND ", _operand(high)))


def one_of(name: str, values: Iterable[Any]) -> Condition:
    """Whether an attribute is one of the values."""
    return Condition((Name(name), " IN (", *_listed(map(_operand, values)), ")"))


def absent(name: str) -> Condition:
    """Whether the row lacks an attribute."""
    return Condition(("attribute_not_exists(", Name(name), ")"))


def present(name: str) -> Condition:
    """Whether the row has an attribute."""
    return Condition(("attribute_exists(", Name(name), ")"))


def begins_with(name: str, prefix: str) -> Condition:
    """Whether a string attribute starts with a prefix."""
    return Condition(("begins_with(", Name(name), ", ", _Value(prefix), ")"))


def contains(name: str, value: Any) -> Condition:
    """Of a set: whether the value is in it."""
    return Condition(("contains(", Name(name), ", ", _Value(value), ")"))


def smaller(name: str, size: int) -> Condition:
    """Of a set: whether it has fewer members."""
    return Condition(("size(", Name(name), ") < ", _Value(size)))


NEW_ROW = absent("pk")
KNOWN_ROW = present("pk")


class Put(msgspec.Struct, frozen=True):
    """Writes a row as a whole. `row` is in DynamoDB's attributes."""

    row: Row
    condition: Condition | None = None

    def request(self) -> Row:
        return {"Item": self.row, **_conditional(self.condition, Expression())}


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """Changes attributes of one row: `set` them (None: leave it as it is), `add` to numbers and sets, `remove`
    attributes, `discard` members of sets. `key` is in DynamoDB's attributes, everything else in plain values.
    """

    key: Row
    set: Mapping[str, Any] = {}
    add: Mapping[str, Any] = {}
    remove: Collection[str] = ()
    discard: Mapping[str, Any] = {}
    condition: Condition | None = None

    def request(self) -> Row:
        expression = Expression()
        clauses: dict[str, list[Sequence[_Token]]] = {
            "SET": [(Name(name), " = ", _Value(value)) for name, value in self.set.items() if value is not None],
            "ADD": [(Name(name), " ", _Value(value)) for name, value in self.add.items()],
            "REMOVE": [(Name(name),) for name in self.remove],
            "DELETE": [(Name(name), " ", _Value(value)) for name, value in self.discard.items()],
        }
        texts = [f"{clause} {', '.join(map(expression.render, items))}" for clause, items in clauses.items() if items]
        return {"Key": self.key, "UpdateExpression": " ".join(texts), **_conditional(self.condition, expression)}


class Delete(msgspec.Struct, frozen=True):
    """Deletes a row, if the condition holds."""

    key: Row
    condition: Condition | None = None

    def request(self) -> Row:
        return {"Key": self.key, **_conditional(self.condition, Expression())}


class ConditionCheck(msgspec.Struct, frozen=True):
    """Changes nothing; the transaction it is in succeeds only if the condition holds."""

    key: Row
    condition: Condition

    def request(self) -> Row:
        return {"Key": self.key, **_conditional(self.condition, Expression())}


Action = Put | Update | Delete | ConditionCheck


class Expression:
    """Names and values behind the placeholders of the expressions of one request."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.values: Row = {}

    def render(self, tokens: Iterable[_Token]) -> str:
        return "".join(self._placed(token) for token in tokens)

    def arguments(self) -> Row:
        """The arguments of a request that explain the placeholders: DynamoDB refuses empty ones."""
        names = {"ExpressionAttributeNames": self.names} if self.names else {}
        values = {"ExpressionAttributeValues": self.values} if self.values else {}
        return {**names, **values}

    def _placed(self, token: _Token) -> str:
        if isinstance(token, str):
            return token
        if isinstance(token, Name):
            self.names[f"#{token.name}"] = token.name
            return f"#{token.name}"
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = attribute(token.value)
        return placeholder


def _conditional(condition: Condition | None, expression: Expression) -> Row:
    """The rest of a request: its condition, and what explains all its placeholders."""
    if condition is None:
        return expression.arguments()
    text = expression.render(condition.tokens)
    return {
        "ConditionExpression": text,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        **expression.arguments(),
    }


def _compared(name: str, operator: str, *, value: Any) -> Condition:
    return Condition((Name(name), f" {operator} ", _operand(value)))


def _operand(value: Any) -> Name | _Value:
    return value if isinstance(value, Name) else _Value(value)


def _listed(operands: Iterable[Name | _Value]) -> list[_Token]:
    tokens: list[_Token] = []
    for operand in operands:
        tokens += [", ", operand]
    return tokens[1:]
