"""Walks along the tokens of a DynamoDB expression."""

from __future__ import annotations

import re

from tests.simulation.dynamodb.items import invalid

END = "<EOF>"

_TOKEN = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*|#[A-Za-z0-9_]+|:[A-Za-z0-9_]+|[0-9]+|<>|<=|>=|\S)")


class Tokens:
    """The tokens of one text. `kind` names the expression in messages."""

    def __init__(self, text: str, kind: str) -> None:
        self._kind = kind
        if not text:
            raise self.wrong("The expression can not be empty;")
        self._tokens: list[str] = [*_TOKEN.findall(text), END]
        self._place = 0

    @property
    def next(self) -> str:
        return self._tokens[self._place]

    @property
    def is_call(self) -> bool:
        """Whether a name and an opening parenthesis come next."""
        return self._tokens[self._place + 1 : self._place + 2] == ["("]

    def take(self) -> str:
        self._place += 1
        return self._tokens[self._place - 1]

    def took(self, token: str) -> bool:
        if self.next != token:
            return False
        self._place += 1
        return True

    def took_word(self, word: str) -> bool:
        return self.next.upper() == word and bool(self.take())

    def expect(self, token: str) -> None:
        if not self.took(token):
            raise self.unexpected()

    def expect_word(self, word: str) -> None:
        if not self.took_word(word):
            raise self.unexpected()

    def is_doubly_closed(self, opened_at: int) -> bool:
        """Whether parentheses that were opened at `opened_at`, and right before it, are closed side by side here."""
        return self._tokens[opened_at] == "(" and self._closing(opened_at) == self._place - 1 and self.next == ")"

    def _closing(self, opened_at: int) -> int:
        depth = 0
        for place in range(opened_at, len(self._tokens)):
            depth += {"(": 1, ")": -1}.get(self._tokens[place], 0)
            if depth == 0:
                return place
        return -1

    @property
    def place(self) -> int:
        return self._place

    def wrong(self, what: str) -> Exception:
        return invalid(f"Invalid {self._kind}: {what}")

    def unexpected(self) -> Exception:
        around = " ".join(self._tokens[max(0, self._place - 1) : self._place + 2]).removesuffix(END).strip()
        return self.wrong(f'Syntax error; token: "{self.next}", near: "{around}"')
