"""Tokens: good ones name their principal, and whatever is forged is refused for what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from typing import Any, get_args

import pytest

from chalicelib.errors import KeysUnavailable
from chalicelib.settings import Algorithm
from chalicelib.tokens import MAX_TOKEN_BYTES, Jwk, TokenVerifier
from tests.support.bad_tokens import FORGERIES, UNVERIFIED, Forgery
from tests.support.oidc import ALGORITHMS as SIGNED_WITH
from tests.support.oidc import Issuer
from tests.support.token_factory import Make, by_key_as, claiming, headed, later, raw, signature, spelt
from tests.unit.tokens.verifiers import PublishedNow, refusal, verifier_of

# --- good ones ---------------------------------------------------------------


@pytest.mark.parametrize("algorithm", SIGNED_WITH)
def test_a_good_token_names_its_principal(verifier: TokenVerifier, issuer: Issuer, algorithm: str) -> None:
    assert verifier.verify(issuer.token("auth0|alice", algorithm=algorithm)) == "auth0|alice"


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": ["somebody", "lorry-tests"]},
        {"exp": 4102444800.5},
        {"nbf": 0, "iat": 0},
        {"nbf": time.time(), "scope": "read write", "cnf": {"a": [1, {"b": None}]}},
        {"sub": "x" * 255},
        {"sub": "Ålice of Älvsjö"},
        {"more": "x" * 5000},
    ],
)
def test_what_a_good_token_may_hold(verifier: TokenVerifier, issuer: Issuer, claims: dict[str, Any]) -> None:
    assert verifier.verify(issuer.token(**claims)) == claims.get("sub", "alice")


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "application/at+jwt", "AT+JWT"])
def test_access_tokens_are_taken_by_each_of_their_types(verifier: TokenVerifier, issuer: Issuer, typ: str) -> None:
    assert verifier.verify(headed(typ=typ)(issuer)) == "alice"


def test_headers_that_bring_keys_along_are_not_looked_at(
    verifier: TokenVerifier, issuer: Issuer, keys: PublishedNow
) -> None:
    before = issuer.requests.total()
    token = headed(jku=f"{issuer.url}/elsewhere", x5u=f"{issuer.url}/cert", jwk={"kty": "oct", "k": ""})(issuer)
    assert verifier.verify(token) == "alice"
    assert keys.asked == [issuer.keys["RS256"].kid]
    assert issuer.requests.total() == before


GENUINE = {
    "claiming": claiming(),
    "later": later("exp", 60),
    "headed": headed(typ="JWT"),
    "raw": raw(),
    "spelt": spelt(lambda *parts: ".".join(parts)),
    **{f"signature {name}": signature(bytes, name) for name in SIGNED_WITH},
    **{f"by_key_as {name}": by_key_as(name, name) for name in SIGNED_WITH},
}


@pytest.mark.parametrize("make", GENUINE.values(), ids=GENUINE)
def test_what_makes_forgeries_makes_good_tokens_too(verifier: TokenVerifier, issuer: Issuer, make: Make) -> None:
    assert verifier.verify(make(issuer)) == "alice"


# --- forged ones -------------------------------------------------------------


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.name)
def test_a_forged_token_is_refused_for_what_is_wrong(verifier: TokenVerifier, issuer: Issuer, forgery: Forgery) -> None:
    assert forgery.reason in refusal(verifier, forgery.make(issuer))


def test_forgeries_are_refused_whichever_algorithms_are_pinned(keys: PublishedNow, issuer: Issuer) -> None:
    lenient = verifier_of(issuer, keys.key, algorithms=get_args(Algorithm))
    assert lenient.verify(issuer.token()) == "alice"
    for forgery in FORGERIES:
        refusal(lenient, forgery.make(issuer))


@pytest.mark.parametrize("spoilt", [" {}", "{} ", "{}\n", "\n{}", "{}\0", "{}é", "{}\u2028"])
def test_a_good_token_with_anything_around_it_is_refused(verifier: TokenVerifier, issuer: Issuer, spoilt: str) -> None:
    assert refusal(verifier, spoilt.format(issuer.token())) == "the token is not a signed JSON Web Token"


def test_nothing_is_asked_for_a_token_whose_header_is_wrong(
    verifier: TokenVerifier, issuer: Issuer, keys: PublishedNow
) -> None:
    for forgery in FORGERIES:
        if "algorithm" in forgery.reason or "JSON Web Token" in forgery.reason:
            refusal(verifier, forgery.make(issuer))
    assert keys.asked == []


def test_forgers_cannot_tell_unknown_keys_from_wrong_signatures(verifier: TokenVerifier, issuer: Issuer) -> None:
    unverified = [forgery.make(issuer) for forgery in FORGERIES if forgery.reason == UNVERIFIED]
    assert len({refusal(verifier, token) for token in unverified}) == 1


def test_a_token_is_refused_by_its_length_before_it_is_read(verifier: TokenVerifier) -> None:
    assert "longer" in refusal(verifier, "." * (MAX_TOKEN_BYTES + 1))
    assert "longer" not in refusal(verifier, "." * MAX_TOKEN_BYTES)


def test_that_keys_are_unavailable_is_not_the_tokens_fault(verifier: TokenVerifier, issuer: Issuer) -> None:
    def down(kid: str) -> Jwk | None:
        raise KeysUnavailable("the issuer is down")

    with pytest.raises(KeysUnavailable):
        replace(verifier, key=down).verify(issuer.token())


# --- time --------------------------------------------------------------------

NOON = 1_700_000_000


@pytest.mark.parametrize(
    ("claims", "good"),
    [
        ({"exp": NOON - 29}, True),
        ({"exp": NOON - 30}, False),
        ({"exp": NOON + 9, "nbf": NOON + 30}, True),
        ({"exp": NOON + 9, "nbf": NOON + 31}, False),
        ({"exp": NOON + 9, "iat": NOON + 30}, True),
        ({"exp": NOON + 9, "iat": NOON + 31}, False),
        ({"exp": NOON - 29.5}, True),
        ({"exp": NOON - 30.5}, False),
    ],
)
def test_clocks_may_differ_by_the_leeway_and_no_more(
    verifier: TokenVerifier, issuer: Issuer, claims: dict[str, Any], good: bool
) -> None:
    at_noon = replace(verifier, now=lambda: NOON, leeway=30)
    token = issuer.token(**{"iat": NOON - 60, **claims})
    if good:
        assert at_noon.verify(token) == "alice"
    else:
        assert refusal(at_noon, token)


def test_without_leeway_a_token_dies_at_its_second(verifier: TokenVerifier, issuer: Issuer) -> None:
    token = issuer.token(exp=NOON, iat=NOON - 60)
    assert replace(verifier, now=lambda: NOON - 0.1, leeway=0).verify(token) == "alice"
    assert "expired" in refusal(replace(verifier, now=lambda: NOON, leeway=0), token)


def test_dates_are_compared_with_the_clock_of_now(issuer: Issuer, keys: PublishedNow) -> None:
    verifier = verifier_of(issuer, keys.key)
    assert verifier.verify(later("exp", 60)(issuer)) == "alice"
    assert "expired" in refusal(verifier, later("exp", -60)(issuer))


def test_the_cryptography_is_not_loaded_before_a_token_comes() -> None:
    code = "import sys, chalicelib.tokens; assert not {'jwt', 'cryptography'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
