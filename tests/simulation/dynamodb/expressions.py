"""What DynamoDB's expressions are made of: paths, :values and sizes. parsing.py makes them of text.

Each is checked and evaluated in a Scope, which says what the #names and :values of one request stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.simulation.dynamodb.items import Item, Value, invalid

Resolved = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request's placeholders stand for. `kind` names the expression in error messages."""

    kind: str
    names: Mapping[str, str]
    values: Mapping[str, Value]

    def wrong(self, what: str) -> Exception:
        return invalid(f"Invalid {self.kind}: {what}")

    def wrong_type(self, function: str, value: Value) -> Exception:
        kind = next(iter(value))
        return self.wrong(
            f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {kind}"
        )


@dataclass(frozen=True, slots=True)
class Path:
    """Where a value lies: names, #names and places in lists."""

    elements: Resolved
    has_placeholders: bool

    def resolve(self, scope: Scope) -> Resolved:
        if not self.has_placeholders:
            return self.elements
        return tuple(self._named(e, scope) if isinstance(e, str) and e[0] == "#" else e for e in self.elements)

    def _named(self, placeholder: str, scope: Scope) -> str:
        try:
            return scope.names[placeholder]
        except KeyError:
            raise scope.wrong(
                f"An expression attribute name used in the document path is not defined; attribute name: {placeholder}"
            ) from None

    def check(self, scope: Scope) -> None:
        self.resolve(scope)

    def value(self, item: Item, scope: Scope) -> Value | None:
        return value_at(item, self.resolve(scope))


@dataclass(frozen=True, slots=True)
class Literal:
    """A :value."""

    name: str

    def get(self, scope: Scope) -> Value:
        try:
            return scope.values[self.name]
        except KeyError:
            raise scope.wrong(
                f"An expression attribute value used in expression is not defined; attribute value: {self.name}"
            ) from None

    def check(self, scope: Scope) -> None:
        self.get(scope)

    def value(self, item: Item, scope: Scope) -> Value | None:
        return self.get(scope)


@dataclass(frozen=True, slots=True)
class Size:
    """size(operand), a number."""

    operand: Path | Literal

    def check(self, scope: Scope) -> None:
        self.operand.check(scope)
        if isinstance(self.operand, Literal):
            value = self.operand.get(scope)
            if next(iter(value)) in ("N", "BOOL", "NULL"):
                raise scope.wrong_type("size", value)

    def value(self, item: Item, scope: Scope) -> Value | None:
        value = self.operand.value(item, scope)
        if value is None:
            return None
        ((kind, content),) = value.items()
        if kind in ("N", "BOOL", "NULL"):
            return None
        return {"N": str(len(content))}


Operand = Path | Literal | Size


def value_at(item: Item, path: Resolved) -> Value | None:
    """What lies there, or None."""
    value: Any = item.get(str(path[0]))
    for element in path[1:]:
        if value is None:
            return None
        if isinstance(element, str):
            value = value["M"].get(element) if "M" in value else None
        else:
            value = value["L"][element] if "L" in value and element < len(value["L"]) else None
    found: Value | None = value
    return found
