"""Conditions of DynamoDB: each is checked once for a request and then holds for an item or not."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from tests.simulation.dynamodb.expressions import Literal, Operand, Path, Scope
from tests.simulation.dynamodb.items import ORDERED, SETS, TYPES, Item, Value, sort_key

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class And:
    left: Condition
    right: Condition

    def check(self, scope: Scope) -> None:
        self.left.check(scope)
        self.right.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return self.left.holds(item, scope) and self.right.holds(item, scope)


@dataclass(frozen=True, slots=True)
class Or:
    left: Condition
    right: Condition

    def check(self, scope: Scope) -> None:
        self.left.check(scope)
        self.right.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return self.left.holds(item, scope) or self.right.holds(item, scope)


@dataclass(frozen=True, slots=True)
class Not:
    condition: Condition

    def check(self, scope: Scope) -> None:
        self.condition.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return not self.condition.holds(item, scope)


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Operand
    right: Operand

    def check(self, scope: Scope) -> None:
        for operand in (self.left, self.right):
            operand.check(scope)
            if self.operator in _ORDERINGS:
                _check_ordered(operand, self.operator, scope)
        _check_distinct(self.operator, self.left, self.right, scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        left, right = self.left.value(item, scope), self.right.value(item, scope)
        if self.operator == "=":
            return left is not None and left == right
        if self.operator == "<>":
            return left is None or left != right
        return _ordered(_ORDERINGS[self.operator], left, right)


@dataclass(frozen=True, slots=True)
class Between:
    operand: Operand
    low: Operand
    high: Operand

    def check(self, scope: Scope) -> None:
        for operand in (self.operand, self.low, self.high):
            operand.check(scope)
            _check_ordered(operand, "BETWEEN", scope)
        if isinstance(self.low, Literal) and isinstance(self.high, Literal):
            self._check_bounds(self.low.get(scope), self.high.get(scope), scope)

    def _check_bounds(self, low: Value, high: Value, scope: Scope) -> None:
        problem = ""
        if next(iter(low)) != next(iter(high)):
            problem = "same data type for lower and upper bounds"
        elif sort_key(low) > sort_key(high):
            problem = "upper bound to be greater than or equal to lower bound"
        if problem:
            raise scope.wrong(f"The BETWEEN operator requires {problem}")

    def holds(self, item: Item, scope: Scope) -> bool:
        value = self.operand.value(item, scope)
        low, high = self.low.value(item, scope), self.high.value(item, scope)
        return _ordered(operator.ge, value, low) and _ordered(operator.le, value, high)


@dataclass(frozen=True, slots=True)
class In:
    operand: Operand
    choices: tuple[Operand, ...]

    def check(self, scope: Scope) -> None:
        self.operand.check(scope)
        for choice in self.choices:
            choice.check(scope)
            _check_distinct("IN", self.operand, choice, scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        value = self.operand.value(item, scope)
        return value is not None and any(value == choice.value(item, scope) for choice in self.choices)


@dataclass(frozen=True, slots=True)
class Exists:
    """attribute_exists, or attribute_not_exists where `wanted` is False."""

    operand: Operand
    wanted: bool

    def check(self, scope: Scope) -> None:
        if not isinstance(self.operand, Path):
            name = "attribute_exists" if self.wanted else "attribute_not_exists"
            raise scope.wrong(f"Operator or function requires a document path; operator or function: {name}")
        self.operand.check(scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        return (self.operand.value(item, scope) is not None) is self.wanted


@dataclass(frozen=True, slots=True)
class HasType:
    operand: Operand
    kind: Operand

    def check(self, scope: Scope) -> None:
        self.operand.check(scope)
        self.kind.check(scope)
        _check_distinct("attribute_type", self.operand, self.kind, scope)
        if not isinstance(self.kind, Literal):
            raise scope.wrong("Operator or function requires a value; operator or function: attribute_type")
        value = self.kind.get(scope)
        if "S" not in value:
            raise scope.wrong_type("attribute_type", value)
        if value["S"] not in TYPES:
            raise scope.wrong(f"Invalid attribute type name found; type: {value['S']}")

    def holds(self, item: Item, scope: Scope) -> bool:
        value, kind = self.operand.value(item, scope), self.kind.value(item, scope)
        return value is not None and kind is not None and kind["S"] in value


@dataclass(frozen=True, slots=True)
class BeginsWith:
    operand: Operand
    prefix: Operand

    def check(self, scope: Scope) -> None:
        for operand in (self.operand, self.prefix):
            operand.check(scope)
            if isinstance(operand, Literal) and next(iter(operand.get(scope))) not in ("S", "B"):
                raise scope.wrong_type("begins_with", operand.get(scope))
        _check_distinct("begins_with", self.operand, self.prefix, scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        value, prefix = self.operand.value(item, scope), self.prefix.value(item, scope)
        if value is None or prefix is None:
            return False
        return any(kind in value and kind in prefix and value[kind].startswith(prefix[kind]) for kind in ("S", "B"))


@dataclass(frozen=True, slots=True)
class Contains:
    operand: Operand
    wanted: Operand

    def check(self, scope: Scope) -> None:
        self.operand.check(scope)
        self.wanted.check(scope)
        _check_distinct("contains", self.operand, self.wanted, scope)

    def holds(self, item: Item, scope: Scope) -> bool:
        value, wanted = self.operand.value(item, scope), self.wanted.value(item, scope)
        if value is None or wanted is None:
            return False
        ((kind, content),) = value.items()
        if kind == "L":
            return wanted in content
        element = SETS.get(kind, kind if kind in ("S", "B") else "")
        return element in wanted and wanted[element] in content


Condition = And | Or | Not | Compare | Between | In | Exists | HasType | BeginsWith | Contains


def _ordered(compare: Callable[[Any, Any], bool], left: Value | None, right: Value | None) -> bool:
    """Values of different types, and of types without an order, compare as false."""
    if left is None or right is None:
        return False
    kind = next(iter(left))
    return kind in right and kind in ORDERED and compare(sort_key(left), sort_key(right))


def _check_ordered(operand: Operand, function: str, scope: Scope) -> None:
    if isinstance(operand, Literal) and next(iter(operand.get(scope))) not in ORDERED:
        raise scope.wrong_type(function, operand.get(scope))


def _check_distinct(function: str, left: Operand, right: Operand, scope: Scope) -> None:
    if isinstance(left, Path) and isinstance(right, Path) and left.resolve(scope) == right.resolve(scope):
        raise scope.wrong(
            "The first operand must be distinct from the remaining operands for this operator or function;"
            f" operator: {function}"
        )


def paths_of(node: object) -> Iterator[Path]:
    """Every path that a condition speaks of."""
    if isinstance(node, Path):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from paths_of(one)
    elif hasattr(node, "__dataclass_fields__"):
        for field in fields(node):  # type: ignore[arg-type]
            yield from paths_of(getattr(node, field.name))
