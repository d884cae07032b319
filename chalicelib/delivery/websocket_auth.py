"""Who may watch what over a WebSocket, by AUTH_MODE."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from chalicelib.auth import principals
from chalicelib.auth.principals import ANONYMOUS
from chalicelib.auth.tokens import bearer_token


@dataclass(frozen=True, slots=True)
class OpenGate:
    """Everybody is the same principal (AUTH_MODE none)."""

    principal: str = ANONYMOUS

    def principal_of(self, headers: Mapping[str, str]) -> str | None:
        return self.principal

    def job_of(self, ticket: str) -> str | None:
        return None  # nobody needs one


@dataclass(frozen=True, slots=True)
class GuardedGate:
    """A bearer token names a principal, a ticket opens one job (AUTH_MODE jwt); without `verify`, tickets only.

    `verify` tells the subject of a token; `opens` which job a ticket is good for.
    """

    verify: Callable[[str], str] | None
    opens: Callable[[str], str | None]

    def principal_of(self, headers: Mapping[str, str]) -> str | None:
        if self.verify is None:
            return None
        token = bearer_token(headers.get("authorization", ""))
        return principals.bearer(self.verify(token)) if token else None

    def job_of(self, ticket: str) -> str | None:
        return self.opens(ticket)
