"""An issuer, and a verifier of its tokens."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.tokens import TokenVerifier
from tests.support.oidc import ALGORITHMS, Issuer, issuing
from tests.unit.tokens.verifiers import PublishedNow, verifier_of


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


@pytest.fixture
def keys(issuer: Issuer) -> PublishedNow:
    return PublishedNow(issuer)


@pytest.fixture
def verifier(issuer: Issuer, keys: PublishedNow) -> TokenVerifier:
    return verifier_of(issuer, keys.key, algorithms=ALGORITHMS)
