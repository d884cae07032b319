"""An OpenID Connect issuer on this machine, whose keys rotate and whose answers can be spoilt.

with issuing() as issuer:
    issuer.url, issuer.audience                  # what a verifier is configured with
    issuer.token("alice", exp=0, aud=ABSENT)     # claims replaced or left out
    issuer.token("alice", algorithm="ES256")     # RS256, ES256 and EdDSA are there
    issuer.rotate(keep_old=False)                # new keys with new ids; the old ones are published no longer
    issuer.requests["/jwks"]                     # how often the keys were fetched
    issuer.down = True                           # everything is answered 503
"""

from __future__ import annotations

import base64
import functools
import itertools
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

HOST = "127.0.0.1"
DISCOVERY = "/.well-known/openid-configuration"
JWKS = "/jwks"
AUDIENCE = "lorry-tests"
ALGORITHMS = ("RS256", "ES256", "EdDSA")

ABSENT = object()


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def compact(header: bytes, payload: bytes, sign: Callable[[bytes], bytes]) -> str:
    """A JSON Web Token of these very bytes."""
    signed = f"{base64url(header)}.{base64url(payload)}"
    return f"{signed}.{base64url(sign(signed.encode()))}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    kid: str
    algorithm: str
    private: Any

    def sign(self, data: bytes) -> bytes:
        signature: bytes = jwt.get_algorithm_by_name(self.algorithm).sign(data, self.private)
        return signature

    def jwk(self, **changes: Any) -> dict[str, Any]:
        """The public half as it is published; changes may be ABSENT."""
        public = jwt.get_algorithm_by_name(self.algorithm).to_jwk(self.private.public_key(), as_dict=True)
        return without_absent({**public, "kid": self.kid, "alg": self.algorithm, "use": "sig", **changes})

    def public_bytes(self, encoding: serialization.Encoding = serialization.Encoding.PEM) -> bytes:
        public: bytes = self.private.public_key().public_bytes(
            encoding, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return public


def new_key(kid: str, algorithm: str = "RS256", *, bits: int = 2048) -> SigningKey:
    if algorithm.startswith("ES"):
        return SigningKey(kid, algorithm, ec.generate_private_key(ec.SECP256R1()))
    if algorithm == "EdDSA":
        return SigningKey(kid, algorithm, ed25519.Ed25519PrivateKey.generate())
    return SigningKey(kid, algorithm, rsa.generate_private_key(65537, bits))


@functools.cache
def attacker() -> SigningKey:
    """A key that no issuer has."""
    return new_key("attacker")


@functools.cache
def small() -> SigningKey:
    return new_key("small", bits=1024)


@dataclass(slots=True)
class Draft:
    """A token before it is signed: good as it comes from the issuer, forged by whoever changes it."""

    header: dict[str, Any]
    claims: dict[str, Any]
    key: SigningKey

    def token(self) -> str:
        return self.signed_by(self.key.sign)

    def signed_by(self, sign: Callable[[bytes], bytes]) -> str:
        header, claims = without_absent(self.header), without_absent(self.claims)
        return compact(json.dumps(header).encode(), json.dumps(claims).encode(), sign)


@dataclass(slots=True)
class Reply:
    """What a path is answered with."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Issuer:
    def __init__(self, url: str) -> None:
        self.url = url
        self.audience = AUDIENCE
        self.requests: Counter[str] = Counter()
        self.replies: dict[str, Reply] = {}  # instead of the proper ones
        self.down = False
        self._numbers = itertools.count(1)
        self._old: list[SigningKey] = []
        self.keys = self._new_keys()
        # Published, and not to be believed: each is good for something else than signing RS256 tokens.
        spare = new_key("spare")
        self.decoys = {
            kid: SigningKey(kid, "RS256", spare.private) for kid in ("encryption", "operations", "other-algorithm")
        } | {"small": small(), "private": SigningKey("private", "RS256", spare.private)}
        self.secret = b"a shared secret of forty bytes, published"

    def _new_keys(self) -> dict[str, SigningKey]:
        return {name: new_key(f"{name.lower()}-{next(self._numbers)}", name) for name in ALGORITHMS}

    def rotate(self, *, keep_old: bool = True) -> None:
        """Sign with new keys from now on. The old ones stay published, or are withdrawn."""
        self._old = [*self._old, *self.keys.values()] if keep_old else []
        self.keys = self._new_keys()

    def draft(self, sub: Any = "alice", *, algorithm: str = "RS256", **claims: Any) -> Draft:
        now, key = int(time.time()), self.keys[algorithm]
        usual = {"iss": self.url, "aud": self.audience, "sub": sub, "iat": now, "exp": now + 300}
        return Draft({"alg": algorithm, "typ": "JWT", "kid": key.kid}, {**usual, **claims}, key)

    def token(self, sub: Any = "alice", *, algorithm: str = "RS256", **claims: Any) -> str:
        return self.draft(sub, algorithm=algorithm, **claims).token()

    def jwks(self) -> list[dict[str, Any]]:
        """All that is published now, decoys first."""
        decoys = self.decoys
        return [
            decoys["encryption"].jwk(use="enc"),
            decoys["operations"].jwk(use=ABSENT, key_ops=["encrypt"]),
            decoys["other-algorithm"].jwk(alg="PS256"),
            decoys["private"].jwk(d="AQAB"),
            decoys["small"].jwk(),
            {"kty": "oct", "kid": "shared", "k": base64url(self.secret)},
            *(key.jwk() for key in (*self.keys.values(), *self._old)),
        ]

    def reply(self, path: str) -> Reply:
        self.requests[path] += 1
        if self.down:
            return Reply(b"", 503)
        if path in self.replies:
            return self.replies[path]
        if path == DISCOVERY:
            return Reply(json.dumps({"issuer": self.url, "jwks_uri": self.url + JWKS}).encode())
        if path == JWKS:
            return Reply(json.dumps({"keys": self.jwks()}).encode())
        return Reply(b"", 404)


@contextmanager
def issuing() -> Iterator[Issuer]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            reply = issuer.reply(self.path)
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(reply.body)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        issuer = Issuer(f"http://{HOST}:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()


def without_absent(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not ABSENT}
