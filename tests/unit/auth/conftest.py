"""An issuer, and a verifier of its tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.auth.tokens import TokenVerifier
from tests.oidc import ALGORITHMS, Issuer, issuing
from tests.unit.auth.verifiers import PublishedNow


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def keys(issuer: Issuer) -> PublishedNow:
    return PublishedNow(issuer)


@pytest.fixture
def verifier(issuer: Issuer, keys: PublishedNow) -> TokenVerifier:
    return TokenVerifier(keys=keys, issuer=issuer.url, audience=issuer.audience, algorithms=ALGORITHMS)
