"""DynamoDB's update expressions: SET, REMOVE, ADD and DELETE, evaluated on the item as it was and applied to a copy."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.simulation.dynamodb.expressions import Literal, Path, Resolved, Scope, value_at
from tests.simulation.dynamodb.items import SETS, Item, Value, calculated, invalid, number_of

ABSENT = "The provided expression refers to an attribute that does not exist in the item"
WRONG_TYPE = "An operand in the update expression has an incorrect data type"
NO_SUCH_PATH = "The document path provided in the update expression is invalid for update"


@dataclass(frozen=True, slots=True)
class Sum:
    """left + right, or left - right."""

    left: SetOperand
    right: SetOperand
    minus: bool

    def check(self, scope: Scope) -> None:
        for operand in (self.left, self.right):
            operand.check(scope)
            if isinstance(operand, Literal) and "N" not in operand.get(scope):
                raise scope.wrong_type("-" if self.minus else "+", operand.get(scope))

    def value(self, item: Item, scope: Scope) -> Value | None:
        left, right = _needed(self.left, item, scope), _needed(self.right, item, scope)
        if "N" not in left or "N" not in right:
            raise invalid(WRONG_TYPE)
        return {"N": calculated(left["N"], right["N"], minus=self.minus)}


@dataclass(frozen=True, slots=True)
class IfNotExists:
    path: SetOperand
    otherwise: SetOperand

    def check(self, scope: Scope) -> None:
        if not isinstance(self.path, Path):
            raise scope.wrong("Operator or function requires a document path; operator or function: if_not_exists")
        self.path.check(scope)
        self.otherwise.check(scope)

    def value(self, item: Item, scope: Scope) -> Value | None:
        found, otherwise = self.path.value(item, scope), _needed(self.otherwise, item, scope)
        return otherwise if found is None else found


@dataclass(frozen=True, slots=True)
class ListAppend:
    first: SetOperand
    second: SetOperand

    def check(self, scope: Scope) -> None:
        for operand in (self.first, self.second):
            operand.check(scope)
            if isinstance(operand, Literal) and "L" not in operand.get(scope):
                raise scope.wrong_type("list_append", operand.get(scope))

    def value(self, item: Item, scope: Scope) -> Value | None:
        first, second = _needed(self.first, item, scope), _needed(self.second, item, scope)
        if "L" not in first or "L" not in second:
            raise invalid(WRONG_TYPE)
        return {"L": [*first["L"], *second["L"]]}


SetOperand = Path | Literal | Sum | IfNotExists | ListAppend


def _needed(operand: SetOperand, item: Item, scope: Scope) -> Value:
    value = operand.value(item, scope)
    if value is None:
        raise invalid(ABSENT)
    return value


@dataclass(frozen=True, slots=True)
class Update:
    """An update expression. `adds` and `deletes` are pairs of a path and a :value."""

    sets: tuple[tuple[Path, SetOperand], ...]
    removes: tuple[Path, ...]
    adds: tuple[tuple[Path, Literal], ...]
    deletes: tuple[tuple[Path, Literal], ...]

    def paths(self, scope: Scope) -> list[Resolved]:
        return [
            path.resolve(scope)
            for path in (
                *(path for path, _ in self.sets),
                *self.removes,
                *(path for path, _ in self.adds),
                *(path for path, _ in self.deletes),
            )
        ]

    def check(self, scope: Scope) -> None:
        """Raises Refused for what is wrong whatever the item is."""
        paths = self.paths(scope)
        for _, operand in self.sets:
            operand.check(scope)
        for action, pairs, allowed in (("ADD", self.adds, ("N", *SETS)), ("DELETE", self.deletes, tuple(SETS))):
            for _, literal in pairs:
                _check_type(literal.get(scope), action, allowed, scope)
        check_overlaps(paths, scope)

    def touched(self, scope: Scope) -> list[str]:
        """The attributes that it is about."""
        return list(dict.fromkeys(str(path[0]) for path in self.paths(scope)))

    def applied(self, item: Item, scope: Scope) -> Item:
        """The item as it is afterwards. Raises Refused where the item does not allow it."""
        new = dict(item)
        values = [(path.resolve(scope), _needed(operand, item, scope)) for path, operand in self.sets]
        for nested in {path[0]: None for path in self.paths(scope) if len(path) > 1}:
            if nested in new:
                new[str(nested)] = copy.deepcopy(new[str(nested)])
        removed = sorted((path.resolve(scope) for path in self.removes), key=_last_place, reverse=True)
        for path, value in values:
            _put(new, path, value)
        for path in removed:
            _remove(new, path)
        for target, literal in self.adds:
            path = target.resolve(scope)
            _put(new, path, _added(value_at(item, path), literal.get(scope)))
        for target, literal in self.deletes:
            _delete(new, target.resolve(scope), literal.get(scope))
        return new


def check_overlaps(paths: Sequence[Resolved], scope: Scope) -> None:
    if all(len(path) == 1 for path in paths) and len(set(paths)) == len(paths):
        return
    for place, one in enumerate(paths):
        for other in paths[:place]:
            shorter = min(len(one), len(other))
            if one[:shorter] == other[:shorter]:
                raise scope.wrong(
                    "Two document paths overlap with each other; must remove or rewrite one of these paths;"
                    f" path one: {list(other)}, path two: {list(one)}"
                )


def _check_type(value: Value, action: str, allowed: tuple[str, ...], scope: Scope) -> None:
    if next(iter(value)) not in allowed:
        raise scope.wrong(
            f"Incorrect operand type for operator or function; operator: {action}, operand type: {next(iter(value))}"
        )


def _last_place(path: Resolved) -> int:
    """Elements of lists are removed from the end on, for their places are those before the update."""
    return path[-1] if isinstance(path[-1], int) else -1


def _parent(item: Item, path: Resolved) -> Any:
    """The dict or list that holds the last element of a path."""
    if len(path) == 1:
        return item
    holder = value_at(item, path[:-1])
    kind = "M" if isinstance(path[-1], str) else "L"
    if holder is None or kind not in holder:
        raise invalid(NO_SUCH_PATH)
    return holder[kind]


def _put(item: Item, path: Resolved, value: Value) -> None:
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, int) and last >= len(parent):
        parent.append(value)
    else:
        parent[last] = value


def _remove(item: Item, path: Resolved) -> None:
    parent, last = _parent(item, path), path[-1]
    if isinstance(last, str):
        parent.pop(last, None)
    elif last < len(parent):
        del parent[last]


def _added(old: Value | None, value: Value) -> Value:
    ((kind, content),) = value.items()
    if old is None:
        return value
    if kind not in old:
        raise invalid(WRONG_TYPE)
    if kind == "N":
        return {"N": calculated(old["N"], content, minus=False)}
    return {kind: _sorted(kind, {*old[kind], *content})}


def _delete(item: Item, path: Resolved, value: Value) -> None:
    old = value_at(item, path)
    ((kind, content),) = value.items()
    if old is None:
        _parent(item, path)
        return
    if kind not in old:
        raise invalid(WRONG_TYPE)
    left = {*old[kind]} - {*content}
    if left:
        _put(item, path, {kind: _sorted(kind, left)})
    else:
        _remove(item, path)


def _sorted(kind: str, values: set[Any]) -> list[Any]:
    return sorted(values, key=number_of) if kind == "NS" else sorted(values)
