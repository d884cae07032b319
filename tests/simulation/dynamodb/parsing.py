"""Parses DynamoDB's expressions, by recursive descent, each text once.

A mistake raises Refused with AWS's ValidationException, wherever AWS has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path as File
from typing import Generic, TypeVar

from tests.simulation.dynamodb.conditions import (
    And,
    BeginsWith,
    Between,
    Compare,
    Condition,
    Contains,
    Exists,
    HasType,
    In,
    Not,
    Or,
)
from tests.simulation.dynamodb.expressions import Literal, Operand, Path, Size
from tests.simulation.dynamodb.tokens import END, Tokens
from tests.simulation.dynamodb.updates import IfNotExists, ListAppend, SetOperand, Sum, Update

CACHED = 4096
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ReservedWords.html
RESERVED_WORDS = frozenset(File(__file__).with_name("reserved_words.txt").read_text().split())
COMPARATORS = frozenset({"=", "<>", "<", "<=", ">", ">="})
SECTIONS = ("SET", "REMOVE", "ADD", "DELETE")
CONDITION_FUNCTIONS: dict[str, tuple[int, Callable[..., Condition]]] = {
    "attribute_exists": (1, lambda operand: Exists(operand, True)),
    "attribute_not_exists": (1, lambda operand: Exists(operand, False)),
    "attribute_type": (2, HasType),
    "begins_with": (2, BeginsWith),
    "contains": (2, Contains),
}
UPDATE_FUNCTIONS: dict[str, Callable[..., SetOperand]] = {"if_not_exists": IfNotExists, "list_append": ListAppend}

Tree = TypeVar("Tree")


@dataclass(frozen=True, slots=True)
class Parsed(Generic[Tree]):
    """An expression with the placeholders that it uses."""

    tree: Tree
    names: frozenset[str]
    values: frozenset[str]


@lru_cache(CACHED)
def parse_condition(text: str, kind: str) -> Parsed[Condition]:
    """A ConditionExpression, FilterExpression or KeyConditionExpression; `kind` says which, in messages."""
    parser = _Parser(text, kind)
    return parser.whole(parser.condition())


@lru_cache(CACHED)
def parse_update(text: str) -> Parsed[Update]:
    parser = _Parser(text, "UpdateExpression")
    return parser.whole(parser.update())


@lru_cache(CACHED)
def parse_projection(text: str) -> Parsed[tuple[Path, ...]]:
    parser = _Parser(text, "ProjectionExpression")
    return parser.whole(tuple(parser.separated(parser.path)))


class _Parser(Tokens):
    def __init__(self, text: str, kind: str) -> None:
        super().__init__(text, kind)
        self._names: set[str] = set()
        self._values: set[str] = set()

    def whole(self, tree: Tree) -> Parsed[Tree]:
        """The result, if nothing is left."""
        if self.next != END:
            raise self.unexpected()
        return Parsed(tree, frozenset(self._names), frozenset(self._values))

    # --- conditions

    def condition(self) -> Condition:
        left = self._conjunction()
        while self.took_word("OR"):
            left = Or(left, self._conjunction())
        return left

    def _conjunction(self) -> Condition:
        left = self._negation()
        while self.took_word("AND"):
            left = And(left, self._negation())
        return left

    def _negation(self) -> Condition:
        if self.took_word("NOT"):
            return Not(self._negation())
        return self._primary()

    def _primary(self) -> Condition:
        if not self.took("("):
            return self._comparison()
        opened_at = self.place
        inner = self.condition()
        if self.is_doubly_closed(opened_at):
            raise self.wrong("The expression has redundant parentheses;")
        self.expect(")")
        return inner

    def _comparison(self) -> Condition:
        if self.is_call:
            name = self.next
            if name != "size":
                return self._function(name)
        operand = self._operand()
        if self.next in COMPARATORS:
            return Compare(self.take(), operand, self._operand())
        if self.took_word("BETWEEN"):
            low = self._operand()
            self.expect_word("AND")
            return Between(operand, low, self._operand())
        if self.took_word("IN"):
            self.expect("(")
            choices = tuple(self.separated(self._operand))
            self.expect(")")
            return In(operand, choices)
        if isinstance(operand, Size):
            raise self.wrong("The function is not allowed to be used this way in an expression; function: size")
        raise self.unexpected()

    def _function(self, name: str) -> Condition:
        if name not in CONDITION_FUNCTIONS:
            raise self._no_function(name, UPDATE_FUNCTIONS, "a condition expression")
        self.take()
        wanted, make = CONDITION_FUNCTIONS[name]
        operands = self._arguments(name, wanted, self._operand)
        if self.next in COMPARATORS:
            raise self.wrong(f"The function is not allowed to be used this way in an expression; function: {name}")
        return make(*operands)

    def _operand(self) -> Operand:
        if self.next == "size" and self.is_call:
            self.take()
            (operand,) = self._arguments("size", 1, self._operand)
            if isinstance(operand, Size):
                raise self.wrong(
                    "Incorrect operand type for operator or function; operator or function: size, operand type: N"
                )
            return Size(operand)
        return self._literal() if self.next.startswith(":") else self.path()

    # --- updates

    def update(self) -> Update:
        found: dict[str, list[object]] = {}
        while self.next != END or not found:
            section = self.next.upper()
            if section not in SECTIONS:
                raise self.unexpected()
            if section in found:
                raise self.wrong(f'The "{section}" section can only be used once in an update expression;')
            self.take()
            found[section] = list(self.separated(getattr(self, f"_{section.lower()}")))
        sets, removes, adds, deletes = (tuple(found.get(section, ())) for section in SECTIONS)
        return Update(sets, removes, adds, deletes)  # type: ignore[arg-type]

    def _set(self) -> tuple[Path, SetOperand]:
        path = self.path()
        self.expect("=")
        return path, self._sum()

    def _remove(self) -> Path:
        return self.path()

    def _add(self) -> tuple[Path, Literal]:
        return self.path(), self._literal()

    _delete = _add

    def _sum(self) -> SetOperand:
        if self.took("("):
            if self.next == "(":
                raise self.wrong("The expression has redundant parentheses;")
            inner = self._sum()
            self.expect(")")
            return inner
        left = self._set_operand()
        if self.next in ("+", "-"):
            return Sum(left, minus=self.take() == "-", right=self._set_operand())
        return left

    def _set_operand(self) -> SetOperand:
        if not self.is_call:
            return self._literal() if self.next.startswith(":") else self.path()
        name = self.next
        if name not in UPDATE_FUNCTIONS:
            raise self._no_function(name, {**CONDITION_FUNCTIONS, "size": None}, "an update expression")
        self.take()
        return UPDATE_FUNCTIONS[name](*self._arguments(name, 2, self._set_operand))

    # --- what all are made of

    def path(self) -> Path:
        elements: list[str | int] = [self._element()]
        while self.next in (".", "["):
            if self.took("."):
                elements.append(self._element())
            else:
                self.take()
                if not self.next.isdecimal():
                    raise self.unexpected()
                elements.append(int(self.take()))
                self.expect("]")
        return Path(tuple(elements), any(isinstance(e, str) and e[0] == "#" for e in elements))

    def _element(self) -> str:
        token = self.next
        if token.startswith("#") and len(token) > 1:
            self._names.add(token)
        elif not (token[0].isalpha() and token.isascii()):
            raise self.unexpected()
        elif token.upper() in RESERVED_WORDS:
            if token.upper() in ("AND", "OR", "NOT", "BETWEEN", "IN", *SECTIONS):
                raise self.unexpected()
            raise self.wrong(f"Attribute name is a reserved keyword; reserved keyword: {token}")
        return self.take()

    def _literal(self) -> Literal:
        if not self.next.startswith(":") or len(self.next) == 1:
            raise self.unexpected()
        self._values.add(self.next)
        return Literal(self.take())

    def separated(self, one: Callable[[], Tree]) -> Iterator[Tree]:
        yield one()
        while self.took(","):
            yield one()

    def _arguments(self, name: str, wanted: int, one: Callable[[], Tree]) -> list[Tree]:
        self.expect("(")
        found = list(self.separated(one))
        self.expect(")")
        if len(found) != wanted:
            raise self.wrong(
                "Incorrect number of operands for operator or function;"
                f" operator or function: {name}, number of operands: {len(found)}"
            )
        return found

    def _no_function(self, name: str, others: object, here: str) -> Exception:
        if not (name[0].isalpha() and name.isascii()):
            return self.unexpected()
        if name in others:  # type: ignore[operator]
            return self.wrong(f"The function is not allowed in {here}; function: {name}")
        return self.wrong(f"Invalid function name; function: {name}")
