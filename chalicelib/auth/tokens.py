"""Bearer tokens: who is calling, told by a JSON Web Token (RFC 7519) that a configured issuer signed.

A token is refused unless everything in it is right. What is wrong is said as long as it is the caller's to see; whether
an id names a key, a key fits, or a signature is wrong is one answer, so that forgers learn nothing about keys.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from chalicelib.auth.keys import ALGORITHMS, Jwk, KeySource, public_key
from chalicelib.errors import Unauthenticated

MAX_TOKEN_BYTES = 8 * 1024
MAX_SUBJECT = 255  # characters; OpenID Connect Core, section 2
MAX_LEEWAY = 300

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_B64_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_LATEST = 2**53  # no date is later; keeps infinity and numbers of thousands of digits out of the comparisons
_TYPES = ("jwt", "at+jwt")  # any other names a thing that is not to be shown as a bearer's token, such as a logout

_UNVERIFIED = "the token was not signed with a key of the issuer"


def bearer_token(header: str) -> str | None:
    """The token of an Authorization header, None if there is no header. Raises Unauthenticated for another scheme."""
    scheme, _, token = header.strip(" ").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        _refuse("Authorization is not of the Bearer scheme")
    if not _B64_TOKEN.fullmatch(token.lstrip(" ")):
        _refuse("Authorization does not hold exactly one token after Bearer")
    return token.lstrip(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerifier:
    """Tells the principal of a token. `leeway` is what clocks may differ by, in seconds; `now` is in epoch seconds.

    Raises ValueError for what could not verify safely: no issuer or audience, a shared-secret algorithm, a long leeway.
    """

    keys: KeySource
    issuer: str
    audience: str
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    leeway: int = 30
    now: Callable[[], float] = time.time

    def __post_init__(self) -> None:
        if not self.issuer or not self.audience:
            raise ValueError("an issuer and an audience are needed; without them any token would do")
        if not self.algorithms or not set(self.algorithms) <= set(ALGORITHMS):
            raise ValueError(f"algorithms are {self.algorithms}; take one or more of {', '.join(ALGORITHMS)}")
        if not 0 <= self.leeway <= MAX_LEEWAY:
            raise ValueError(f"leeway is {self.leeway} s; at most {MAX_LEEWAY} s are safe")

    def verify(self, token: str) -> str:
        """The principal: `sub`. Raises Unauthenticated, or KeysUnavailable if nobody can tell."""
        header = _header(token)
        algorithm, kid = self._algorithm(header), _key_id(header)
        jwk = self.keys.key(kid)
        if jwk is None:
            _refuse(_UNVERIFIED)
        claims = _object(_signed_payload(token, jwk, algorithm), "payload")
        self._check_addresses(claims)
        self._check_dates(claims)
        return _subject(claims)

    def _algorithm(self, header: dict[str, Any]) -> str:
        algorithm = header.get("alg")
        if algorithm not in self.algorithms:  # never what the token likes: RFC 8725, section 3.1
            _refuse("the token is signed with an algorithm that is not accepted here")
        return str(algorithm)

    def _check_addresses(self, claims: dict[str, Any]) -> None:
        if claims.get("iss") != self.issuer:
            _refuse("the token is of another issuer (iss)")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not all(isinstance(name, str) for name in audiences) or self.audience not in audiences:
            _refuse("the token is for another audience (aud)")

    def _check_dates(self, claims: dict[str, Any]) -> None:
        now = self.now()
        expires = _date(claims, "exp")
        if expires is None:
            _refuse("the token never expires (exp)")
        if expires <= now - self.leeway:
            _refuse("the token has expired (exp)")
        if (_date(claims, "nbf") or 0) > now + self.leeway:
            _refuse("the token is not valid yet (nbf)")
        if (_date(claims, "iat") or 0) > now + self.leeway:
            _refuse("the token is issued in the future (iat)")


def _header(token: str) -> dict[str, Any]:
    """The header of a token whose outer form is right. Nothing in it is true yet."""
    if len(token) > MAX_TOKEN_BYTES:
        _refuse(f"the token is longer than {MAX_TOKEN_BYTES:,} bytes")
    if not _COMPACT.fullmatch(token):
        _refuse("the token is not a signed JSON Web Token")
    part = token.partition(".")[0]
    try:
        decoded = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except binascii.Error:
        _refuse("the token's header is not base64url")
    header = _object(decoded, "header")
    if "crit" in header or "b64" in header:  # must be refused by those who do not know it: RFC 7515, section 4.1.11
        _refuse("the token's header asks for extensions that are not known here")
    if str(header.get("typ", "jwt")).lower().removeprefix("application/") not in _TYPES:
        _refuse("the token is of another type (typ)")
    return header


def _key_id(header: dict[str, Any]) -> str:
    """Which key of the issuer's. Keys that the header brings along (jwk, x5c) or points to (jku, x5u) are not read."""
    kid = header.get("kid")
    if not isinstance(kid, str) or not kid:
        _refuse("the token does not name its key (kid)")
    return kid


def _signed_payload(token: str, jwk: Jwk, algorithm: str) -> bytes:
    key = public_key(jwk, algorithm)
    if key is None:
        _refuse(_UNVERIFIED)
    import jwt  # every function would pay for it at its cold start

    checker = jwt.PyJWS(algorithms=[algorithm], options={"enforce_minimum_key_length": True, "verify_signature": True})
    try:
        payload: bytes = checker.decode(token, key, algorithms=[algorithm])
    except jwt.PyJWTError:
        _refuse(_UNVERIFIED)
    return payload


def _object(data: bytes, name: str) -> dict[str, Any]:
    """A JSON object that every reader reads alike: UTF-8, each name once, no NaN."""
    try:
        value = json.loads(data.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        _refuse(f"the token's {name} is not a proper JSON object")
    return value


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name comes twice")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _date(claims: dict[str, Any], name: str) -> float | None:
    """Epoch seconds, None if the claim is absent."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LATEST:
        _refuse(f"the token's {name} is not a date")
    return value


def _subject(claims: dict[str, Any]) -> str:
    """Text that may stand in a row, a log line and an answer."""
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject.strip():
        _refuse("the token names nobody (sub)")
    if len(subject) > MAX_SUBJECT or not subject.isprintable():
        _refuse(f"the token's sub is not at most {MAX_SUBJECT} printable characters")
    return subject


def _refuse(reason: str) -> NoReturn:
    raise Unauthenticated(reason)
