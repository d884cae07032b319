"""Which key verifies which token: keys are taken only for what they are published for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chalicelib.tokens import TokenVerifier
from tests.support.bad_tokens import UNVERIFIED
from tests.support.oidc import Issuer, SigningKey, small
from tests.support.token_factory import by_decoy
from tests.unit.tokens.verifiers import PublishedNow, PublishedOne, refusal


@pytest.mark.parametrize("kid", ["encryption", "operations", "other-algorithm", "private"])
def test_a_key_is_taken_as_soon_as_it_is_published_for_tokens(
    verifier: TokenVerifier, issuer: Issuer, kid: str
) -> None:
    token = by_decoy(kid)(issuer)
    assert UNVERIFIED in refusal(verifier, token)
    proper = PublishedOne(issuer.decoys[kid].jwk())
    assert replace(verifier, key=proper.key).verify(token) == "alice"


@pytest.mark.parametrize(
    "changes",
    [
        {"use": "enc"},
        {"use": None},
        {"use": ["sig"]},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"key_ops": []},
        {"alg": "PS256"},
        {"alg": "HS256"},
        {"alg": None},
        {"kty": "oct"},
        {"kty": "EC"},
        {"kty": ["RSA"]},
        {"crv": "P-256"},
        {"d": "AQAB"},
        {"n": "!"},
        {"n": 7},
        {"n": ""},
        {"n": None},
        {"e": None},
        {"e": "AA"},
        {"e": "Ag"},
    ],
)
def test_an_rsa_key_that_is_published_badly_verifies_nothing(
    verifier: TokenVerifier, keys: PublishedNow, issuer: Issuer, changes: dict[str, Any]
) -> None:
    token = issuer.token()
    assert verifier.verify(token) == "alice"
    keys.changes = changes
    assert UNVERIFIED in refusal(verifier, token)


@pytest.mark.parametrize(
    ("algorithm", "changes"),
    [
        ("ES256", {"crv": "P-384"}),
        ("ES256", {"crv": "secp256k1"}),
        ("ES256", {"crv": None}),
        ("ES256", {"alg": "ES384"}),
        ("ES256", {"kty": "OKP"}),
        ("ES256", {"x": "AA"}),
        ("ES256", {"y": "A" * 43}),
        ("ES256", {"y": None}),
        ("EdDSA", {"crv": "Ed448"}),
        ("EdDSA", {"crv": "X25519"}),
        ("EdDSA", {"x": "AA"}),
        ("EdDSA", {"use": "enc"}),
    ],
)
def test_a_key_on_a_curve_that_is_published_badly_verifies_nothing(
    verifier: TokenVerifier, keys: PublishedNow, issuer: Issuer, algorithm: str, changes: dict[str, Any]
) -> None:
    token = issuer.token(algorithm=algorithm)
    assert verifier.verify(token) == "alice"
    keys.changes = changes
    assert UNVERIFIED in refusal(verifier, token)


def test_a_key_may_leave_out_what_is_optional(verifier: TokenVerifier, keys: PublishedNow, issuer: Issuer) -> None:
    bare = {name: value for name, value in issuer.keys["RS256"].jwk().items() if name in ("kty", "n", "e")}
    assert replace(verifier, key=PublishedOne(bare).key).verify(issuer.token()) == "alice"
    assert replace(verifier, key=PublishedOne({**bare, "key_ops": ["verify"]}).key).verify(issuer.token()) == "alice"


def test_a_key_without_alg_verifies_only_what_is_pinned(
    verifier: TokenVerifier, keys: PublishedNow, issuer: Issuer
) -> None:
    key = issuer.keys["RS256"]
    bare = PublishedOne({name: value for name, value in key.jwk().items() if name != "alg"})
    draft = issuer.draft()
    draft.header["alg"] = "PS256"
    token = draft.signed_by(SigningKey(key.kid, "PS256", key.private).sign)
    assert "algorithm" in refusal(replace(verifier, key=bare.key), token)
    assert replace(verifier, key=bare.key, algorithms=("PS256",)).verify(token) == "alice"
    assert "algorithm" in refusal(replace(verifier, key=bare.key, algorithms=("PS256",)), issuer.token())


def test_a_short_key_is_refused_for_its_length(verifier: TokenVerifier, issuer: Issuer) -> None:
    token = by_decoy("small")(issuer)
    assert UNVERIFIED in refusal(replace(verifier, key=PublishedOne(small().jwk()).key), token)
