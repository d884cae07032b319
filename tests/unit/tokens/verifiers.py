"""Where verifiers of tests have their keys from."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from chalicelib.errors import Unauthenticated
from chalicelib.tokens import Jwk, TokenVerifier
from tests.support.oidc import Issuer, without_absent


class PublishedNow:
    """Keys without a cache."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []

    def key(self, kid: str) -> Jwk | None:
        self.asked.append(kid)
        found = next((jwk for jwk in self.issuer.jwks() if jwk["kid"] == kid), None)
        return found and without_absent({**found, **self.changes})


class PublishedOne:
    """One key for every id."""

    def __init__(self, jwk: Jwk) -> None:
        self.jwk = jwk

    def key(self, kid: str) -> Jwk | None:
        return self.jwk


def verifier_of(issuer: Issuer, key: Callable[[str], Jwk | None], **changes: Any) -> TokenVerifier:
    """A verifier of the issuer's tokens by the clock of this machine."""
    usual: dict[str, Any] = {"algorithms": ("RS256", "ES256"), "leeway": 30, "now": time.time}
    return TokenVerifier(key=key, issuer=issuer.url, audience=issuer.audience, **{**usual, **changes})


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(token)
    return refused.value.reason
