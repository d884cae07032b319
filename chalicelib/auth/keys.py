"""The issuer's public keys: which of them fits a token, and how long they are believed.

A JSON Web Key (RFC 7517) is a mapping as the issuer publishes it. Everything in it is checked here again: what is
published for encryption, for other algorithms, or with its private half verifies nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from chalicelib.errors import KeysUnavailable
from chalicelib.observability import logger

if TYPE_CHECKING:
    from jwt import PyJWK

Jwk = Mapping[str, object]

# Type and curve of the key that each algorithm takes. Those with a shared secret are not here, and "none" is not.
_FITS: dict[str, tuple[str, str | None]] = {
    "RS256": ("RSA", None),
    "RS384": ("RSA", None),
    "RS512": ("RSA", None),
    "PS256": ("RSA", None),
    "PS384": ("RSA", None),
    "PS512": ("RSA", None),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
ALGORITHMS = tuple(_FITS)

_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}

LIFETIME = 300.0
COOLDOWN = 30.0
STALE_FOR = 3600.0
PAUSE = 5.0


class KeySource(Protocol):
    """Where the keys come from; never from the token."""

    def key(self, kid: str) -> Jwk | None:
        """The key of this id, or None if the issuer has none. Raises KeysUnavailable."""


def public_key(jwk: Jwk, algorithm: str) -> PyJWK | None:
    """The key, bound to this algorithm alone, or None if it is not meant for it. Loads the cryptography."""
    kty, curve = _FITS[algorithm]
    fits = jwk.get("kty") == kty and jwk.get("crv") == curve and jwk.get("alg", algorithm) == algorithm
    if not fits or "d" in jwk or not _is_for_verifying(jwk):
        return None
    import jwt  # every function would pay for it at its cold start

    try:
        return jwt.PyJWK({name: jwk.get(name) for name in _PUBLIC[kty]}, algorithm)
    except jwt.InvalidKeyError:
        return None


def _is_for_verifying(jwk: Jwk) -> bool:
    """Whether `use` and `key_ops` allow it; both may be absent."""
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


@dataclass(slots=True)
class CachedKeys:
    """KeySource over an issuer that is asked seldom. One per container: each learns of a new key by itself.

    `fetch` returns the published keys or raises KeysUnavailable; `now` is in seconds. In this order:

    - Keys are believed for LIFETIME after they were fetched, so a key that is withdrawn verifies no longer than that.
    - An unknown id makes an early fetch, at most one per COOLDOWN: forged ids cannot turn Lorry against the issuer. The
      price is that a new key may be refused for that long, if forged tokens came just before it.
    - While the issuer cannot be reached, the keys it had are believed for STALE_FOR after they were fetched. An issuer
      that is down for an hour stops nobody; a key that is withdrawn meanwhile is believed that hour.
    - A failed fetch is not repeated within COOLDOWN, nor within PAUSE if there are no keys to go on with.
    """

    fetch: Callable[[], Iterable[Jwk]]
    now: Callable[[], float] = time.time  # a monotonic clock may stand still while the container is frozen
    _keys: dict[str, Jwk] = field(default_factory=dict, init=False)
    _fetched_at: float = field(default=float("-inf"), init=False)
    _failed_at: float = field(default=float("-inf"), init=False)
    _searched_at: float = field(default=float("-inf"), init=False)  # the latest fetch for an unknown id

    def key(self, kid: str) -> Jwk | None:
        """The key of this id. None: the issuer has none. Raises KeysUnavailable if nobody can tell."""
        if not self._within(LIFETIME, self._fetched_at):
            self._refetch()
        elif kid not in self._keys and not self._within(COOLDOWN, self._searched_at):
            self._searched_at = self.now()
            self._refetch()
        if kid not in self._keys and not self._within(LIFETIME, self._fetched_at):
            raise KeysUnavailable("the issuer's keys cannot be fetched, and none that are cached have this id")
        return self._keys.get(kid)

    def _refetch(self) -> None:
        """Replace the keys, unless a fetch failed a moment ago. Keys that are too old are dropped."""
        usable = self._within(STALE_FOR, self._fetched_at)
        if not usable:
            self._keys = {}
        if self._within(COOLDOWN if usable else PAUSE, self._failed_at):
            return
        asked_at = self.now()
        try:
            self._keys = _by_id(self.fetch())
            self._fetched_at = asked_at
        except KeysUnavailable as error:
            self._failed_at = self.now()
            logger.warning("keys not fetched", error=str(error), keys_left=len(self._keys))

    def _within(self, seconds: float, moment: float) -> bool:
        """Whether `moment` is less than this long ago. A clock that was put back makes everything long ago."""
        return 0 <= self.now() - moment < seconds


def _by_id(keys: Iterable[Jwk]) -> dict[str, Jwk]:
    """The keys that sign tokens. One for encryption may bear the same id and must not hide them."""
    found: dict[str, Jwk] = {}
    for jwk in keys:
        kid = jwk.get("kid")
        if isinstance(kid, str) and _is_for_verifying(jwk):
            found.setdefault(kid, jwk)
    return found
