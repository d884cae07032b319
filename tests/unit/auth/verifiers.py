"""Where verifiers of tests have their keys from."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.auth.keys import Jwk
from chalicelib.auth.tokens import TokenVerifier
from chalicelib.errors import Unauthenticated
from tests.oidc import Issuer, without_absent


class PublishedNow:
    """KeySource without a cache."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.changes: dict[str, Any] = {}
        self.asked: list[str] = []

    def key(self, kid: str) -> Jwk | None:
        self.asked.append(kid)
        found = next((jwk for jwk in self.issuer.jwks() if jwk["kid"] == kid), None)
        return found and without_absent({**found, **self.changes})


class PublishedOne:
    """KeySource that has one key for every id."""

    def __init__(self, jwk: Jwk) -> None:
        self.jwk = jwk

    def key(self, kid: str) -> Jwk | None:
        return self.jwk


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Unauthenticated) as refused:
        verifier.verify(token)
    return refused.value.reason
