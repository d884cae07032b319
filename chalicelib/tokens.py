"""Bearer tokens (JSON Web Tokens, RFC 7519): the subject that a token names, and the keys that verify it.

PyJWT verifies signature, issuer and audience. What it leaves open is checked here: the type of the token, names that
occur twice, odd dates, which key is meant for which algorithm. Whether an id names a key, a key fits, or a signature
is wrong is one answer, so that forgers learn nothing about keys.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn

from chalicelib.errors import KeysUnavailable, Unauthenticated
from chalicelib.observability import logger

if TYPE_CHECKING:
    from jwt import PyJWK

MAX_TOKEN_BYTES = 8 * 1024
MAX_SUBJECT = 255  # characters; OpenID Connect Core, section 2

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_B64_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_MAX_DATE = 2**53  # keeps infinity and numbers of thousands of digits out of comparisons
_TYPES = ("jwt", "at+jwt")  # other types, such as a logout token, are not made to be shown by a bearer
_UNVERIFIED = "the token was not signed with a key of the issuer"
_REASONS = {
    "InvalidIssuerError": "the token is from another issuer (iss)",
    "InvalidAudienceError": "the token is for another audience (aud)",
    "InvalidSubjectError": "the token's subject is not text (sub)",
}

Jwk = Mapping[str, object]  # a JSON Web Key (RFC 7517) as the issuer publishes it


def bearer_token(header: str) -> str | None:
    """The token of an Authorization header, None if there is no header. Raises Unauthenticated for another scheme."""
    scheme, _, token = header.strip(" ").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer":
        _refuse("Authorization does not use the Bearer scheme")
    if not _B64_TOKEN.fullmatch(token.lstrip(" ")):
        _refuse("Authorization does not hold exactly one token after Bearer")
    return token.lstrip(" ")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenVerifier:
    """Verifies tokens of one issuer, as the settings name it.

    `key` returns the issuer's key with an id, None if there is none, or raises KeysUnavailable. `leeway` is the
    tolerated clock skew in seconds; `now` returns epoch seconds.
    """

    key: Callable[[str], Jwk | None]
    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    leeway: int
    now: Callable[[], float]

    def verify(self, token: str) -> str:
        """Returns the subject (`sub`). Raises Unauthenticated, and KeysUnavailable if the keys cannot be fetched."""
        if len(token) > MAX_TOKEN_BYTES:
            _refuse(f"the token is longer than {MAX_TOKEN_BYTES:,} bytes")
        if not _COMPACT.fullmatch(token):
            _refuse("the token is not a signed JSON Web Token")
        algorithm, kid = self._header(_json_object(token, part=0, name="header"))
        claims = _json_object(token, part=1, name="payload")
        jwk = self.key(kid)
        key = public_key(jwk, algorithm) if jwk else None
        if key is None:
            _refuse(_UNVERIFIED)
        self._verify(token, key, algorithm=algorithm)
        self._check_dates(claims)
        return _subject(claims)

    def _header(self, header: dict[str, Any]) -> tuple[str, str]:
        """The algorithm and the id of the key. Keys that the header brings (jwk, x5c, jku, x5u) are not read."""
        if "crit" in header or "b64" in header:  # unknown extensions must be refused: RFC 7515, section 4.1.11
            _refuse("the token's header asks for extensions that are not supported")
        if str(header.get("typ", "jwt")).lower().removeprefix("application/") not in _TYPES:
            _refuse("the token is of another type (typ)")
        algorithm, kid = header.get("alg"), header.get("kid")
        if algorithm not in self.algorithms:  # the token has no say in it: RFC 8725, section 3.1
            _refuse("the token is signed with an algorithm that is not accepted")
        if not isinstance(kid, str) or not kid:
            _refuse("the token does not name its key (kid)")
        return str(algorithm), kid

    def _verify(self, token: str, key: PyJWK, *, algorithm: str) -> None:
        import jwt  # not every function verifies tokens

        options: Any = {"require": ["iss", "aud", "sub"], "enforce_minimum_key_length": True}
        options |= dict.fromkeys(("verify_exp", "verify_nbf", "verify_iat", "verify_jti"), False)
        try:
            jwt.decode(token, key, algorithms=[algorithm], issuer=self.issuer, audience=self.audience, options=options)
        except jwt.MissingRequiredClaimError as error:
            _refuse(f"the token lacks a claim ({error.claim})")
        except jwt.PyJWTError as error:
            _refuse(_REASONS.get(type(error).__name__, _UNVERIFIED))

    def _check_dates(self, claims: dict[str, Any]) -> None:
        """As PyJWT does, but by our clock and without taking text or `true` for a date."""
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


def _json_object(token: str, *, part: int, name: str) -> dict[str, Any]:
    """A part of the token, if every reader reads it alike: UTF-8, each name once, no NaN."""
    text = token.split(".")[part]
    try:
        decoded = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        _refuse(f"the token's {name} is not base64url")
    try:
        value = json.loads(decoded.decode(), object_pairs_hook=_unique_names, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        _refuse(f"the token's {name} is not a proper JSON object")
    return value


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name occurs twice")
    return dict(pairs)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _date(claims: dict[str, Any], name: str) -> float | None:
    """Epoch seconds, None if the claim is absent."""
    if name not in claims:
        return None
    value = claims[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _MAX_DATE:
        _refuse(f"the token's {name} is not a date")
    return value


def _subject(claims: dict[str, Any]) -> str:
    """Text that may appear in a row, a log line and an answer."""
    subject: str = claims["sub"]
    if not subject.strip():
        _refuse("the token's subject is empty (sub)")
    if len(subject) > MAX_SUBJECT or not subject.isprintable():
        _refuse(f"the token's sub is not at most {MAX_SUBJECT} printable characters")
    return subject


def _refuse(reason: str) -> NoReturn:
    raise Unauthenticated(reason)


# --- keys -------------------------------------------------------------------------------

_KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}  # by the beginning of the algorithm
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521", "EdDSA": "Ed25519"}
_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}

LIFETIME = 300.0
COOLDOWN = 30.0
STALE_FOR = 3600.0
PAUSE = 5.0


def public_key(jwk: Jwk, algorithm: str) -> PyJWK | None:
    """The key, bound to this algorithm alone, or None if it is not meant for it."""
    kty, alg = _KEY_TYPES[algorithm[:2]], jwk.get("alg", algorithm)
    if (jwk.get("kty"), jwk.get("crv"), alg) != (kty, _CURVES.get(algorithm), algorithm):
        return None
    if "d" in jwk or not _verifies(jwk):  # its private half is published, or it is not for signatures
        return None
    import jwt

    try:
        return jwt.PyJWK({name: jwk.get(name) for name in _PUBLIC[kty]}, algorithm)
    except jwt.InvalidKeyError:
        return None


def _verifies(jwk: Jwk) -> bool:
    """Whether `use` and `key_ops` allow it; both may be absent."""
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


@dataclass(slots=True)
class CachedKeys:
    """The issuer's keys, asked for seldom. `fetch` returns them or raises KeysUnavailable; `now` is in seconds.

    - Keys are used for LIFETIME after they were fetched, so a withdrawn key verifies no longer than that.
    - An unknown id causes a fetch before that, at most one per COOLDOWN: forged ids cannot turn Lorry against the
      issuer. In return a new key may be refused for that long, if forged tokens came just before it.
    - While the issuer cannot be reached, its keys are used for STALE_FOR after they were fetched.
    - A failed fetch is not repeated within COOLDOWN, nor within PAUSE if there are no keys left to use.
    """

    fetch: Callable[[], Iterable[Jwk]]
    now: Callable[[], float]
    _keys: dict[str, Jwk] = field(default_factory=dict, init=False)
    _fetched_at: float = field(default=float("-inf"), init=False)
    _failed_at: float = field(default=float("-inf"), init=False)
    _searched_at: float = field(default=float("-inf"), init=False)  # the latest fetch for an unknown id

    def key(self, kid: str) -> Jwk | None:
        """The key with this id, None if the issuer has none. Raises KeysUnavailable if that is unknown."""
        if not self._within(LIFETIME, self._fetched_at):
            self._refetch()
        elif kid not in self._keys and not self._within(COOLDOWN, self._searched_at):
            self._searched_at = self.now()
            self._refetch()
        if kid not in self._keys and not self._within(LIFETIME, self._fetched_at):
            raise KeysUnavailable("the issuer's keys cannot be fetched, and no cached key has this id")
        return self._keys.get(kid)

    def _refetch(self) -> None:
        """Replaces the keys, unless a fetch failed a moment ago. Drops keys that are too old."""
        usable = self._within(STALE_FOR, self._fetched_at)
        if not usable:
            self._keys = {}
        if self._within(COOLDOWN if usable else PAUSE, self._failed_at):
            return
        asked_at = self.now()
        try:
            signing = [jwk for jwk in self.fetch() if isinstance(jwk.get("kid"), str) and _verifies(jwk)]
        except KeysUnavailable as error:
            self._failed_at = self.now()
            logger.warning("keys not fetched", error=str(error), keys_left=len(self._keys))
            return
        # The first of an id counts. One for encryption may have the same id and does not hide it.
        self._keys = {str(jwk["kid"]): jwk for jwk in reversed(signing)}
        self._fetched_at = asked_at

    def _within(self, seconds: float, moment: float) -> bool:
        """Whether `moment` is less than this long ago. For a clock that was put back, nothing is."""
        return 0 <= self.now() - moment < seconds
