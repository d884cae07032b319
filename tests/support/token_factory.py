"""How tokens are forged: each way takes the issuer's good token and spoils one thing.

With nothing to spoil, each makes a good token; tests/unit/auth holds it to that.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.oidc import Draft, Issuer, SigningKey, attacker, base64url, compact

Make = Callable[[Issuer], str]


def claiming(**claims: Any) -> Make:
    """Properly signed by the issuer, with these claims."""
    return lambda issuer: issuer.token(**claims)


def later(name: str, seconds: float, **claims: Any) -> Make:
    """Properly signed by the issuer, a date being so many seconds from now."""

    def make(issuer: Issuer) -> str:
        claims[name] = time.time() + seconds
        return issuer.token(**claims)

    return make


def headed(**header: Any) -> Make:
    """Properly signed by the issuer, with these headers."""

    def make(issuer: Issuer) -> str:
        return with_header(issuer.draft(), header).token()

    return make


def none(alg: str, signature: bytes = b"") -> Make:
    return lambda issuer: with_header(issuer.draft(), {"alg": alg}).signed_by(lambda _: signature)


def hs_with(secret: Callable[[Issuer], bytes], algorithm: str = "HS256", **header: Any) -> Make:
    """Signed with a shared secret that everybody can know."""
    digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[algorithm]

    def make(issuer: Issuer) -> str:
        draft = with_header(issuer.draft(), {"alg": algorithm, **header})
        return draft.signed_by(lambda data: hmac.new(secret(issuer), data, digest).digest())

    return make


def by_attacker(**header: Any) -> Make:
    """Signed with a key that is not the issuer's."""
    return lambda issuer: with_header(issuer.draft(), header).signed_by(attacker().sign)


def by_decoy(kid: str) -> Make:
    """Signed with a key that the issuer publishes for something else."""

    def make(issuer: Issuer) -> str:
        return with_header(issuer.draft(), {"kid": kid}).signed_by(issuer.decoys[kid].sign)

    return make


def by_key_as(used: str, alg: str) -> Make:
    """Signed by the issuer's key for `used`, as the algorithm `alg` would sign where the key allows it."""

    def make(issuer: Issuer) -> str:
        draft = issuer.draft(algorithm=used)
        signer = SigningKey(draft.key.kid, alg, draft.key.private) if alg[:2] == "PS" or alg == "RS512" else draft.key
        return with_header(draft, {"alg": alg}).signed_by(signer.sign)

    return make


def raw(header: Callable[[bytes], bytes] = bytes, payload: Callable[[bytes], bytes] = bytes) -> Make:
    """Properly signed by the issuer, over other bytes than proper JSON."""

    def make(issuer: Issuer) -> str:
        draft = issuer.draft()
        return compact(header(as_json(draft.header)), payload(as_json(draft.claims)), draft.key.sign)

    return make


def spelt(change: Callable[[str, str, str], str], algorithm: str = "RS256") -> Make:
    """A good token, spelt otherwise: from its header, payload and signature."""
    return lambda issuer: change(*issuer.token(algorithm=algorithm).split("."))


def signature(change: Callable[[bytes], bytes], algorithm: str = "RS256") -> Make:
    """A good token with another signature."""

    def make(issuer: Issuer) -> str:
        draft = issuer.draft(algorithm=algorithm)
        return draft.signed_by(lambda data: change(draft.key.sign(data)))

    return make


def with_header(draft: Draft, header: dict[str, Any]) -> Draft:
    draft.header.update(header)
    return draft


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()


def public_jwk(issuer: Issuer) -> bytes:
    return as_json(issuer.keys["RS256"].jwk())


def public_pem(issuer: Issuer) -> bytes:
    return issuer.keys["RS256"].public_bytes()


def public_der(issuer: Issuer) -> bytes:
    return issuer.keys["RS256"].public_bytes(Encoding.DER)


def other_payload(issuer: Issuer) -> str:
    header, _, signed = issuer.token().split(".")
    return f"{header}.{base64url(as_json(issuer.draft('mallory').claims))}.{signed}"


def flip_last_bits(header: str, payload: str, signed: str) -> str:
    """The same signature in another spelling: base64url leaves bits over at the end."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return f"{header}.{payload}.{signed[:-1]}{alphabet[alphabet.index(signed[-1]) ^ 1]}"


def general_json(header: str, payload: str, signed: str) -> str:
    return json.dumps({"payload": payload, "signatures": [{"protected": header, "signature": signed}]}, indent=None)


def twice(first: bytes) -> Callable[[bytes], bytes]:
    """A JSON object with a member put before its others."""
    return lambda data: b"{" + first + b"," + data[1:]
