"""Tokens that must be refused, as a table: for the verifier alone, and for the whole API.

Each is the issuer's good token with one thing wrong, so what is refused is that thing. All of them can be sent in a
header.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

from tests.support.oidc import ABSENT, attacker
from tests.support.token_factory import (
    Make,
    by_attacker,
    by_decoy,
    by_key_as,
    claiming,
    flip_last_bits,
    general_json,
    headed,
    hs_with,
    later,
    none,
    other_payload,
    public_der,
    public_jwk,
    public_pem,
    raw,
    signature,
    spelt,
    twice,
)

UNVERIFIED = "not signed with a key of the issuer"
_ALGORITHM = "algorithm that is not accepted"
_FORM = "not a signed JSON Web Token"
_HEADER = "header is not a proper JSON object"
_PAYLOAD = "payload is not a proper JSON object"


@dataclass(frozen=True, slots=True)
class Forgery:
    """`reason` is part of what the caller is told."""

    name: str
    make: Make
    reason: str


_SIGNATURES = [
    Forgery("no signature, alg none", none("none"), _FORM),
    *(
        Forgery(f"any signature, alg {alg}", none(alg, b"x"), _ALGORITHM)
        for alg in ("none", "None", "nOnE", "NONE", "")
    ),
    Forgery("no signature, alg RS256", none("RS256"), _FORM),
    Forgery("HS256 with the public key as PEM", hs_with(public_pem), _ALGORITHM),
    Forgery("HS384 with the public key as PEM", hs_with(public_pem, "HS384"), _ALGORITHM),
    Forgery("HS512 with the public key as PEM", hs_with(public_pem, "HS512"), _ALGORITHM),
    Forgery("HS256 with the stripped PEM", hs_with(lambda issuer: public_pem(issuer).strip()), _ALGORITHM),
    Forgery("HS256 with the public key as DER", hs_with(public_der), _ALGORITHM),
    Forgery("HS256 with the published key", hs_with(public_jwk), _ALGORITHM),
    Forgery("HS256 with an empty secret", hs_with(lambda _: b""), _ALGORITHM),
    Forgery("HS256 with a published secret", hs_with(lambda issuer: issuer.secret, kid="shared"), _ALGORITHM),
    Forgery("HMAC called RS256", hs_with(public_pem, alg="RS256"), UNVERIFIED),
    Forgery(
        "HMAC of a published secret called RS256", hs_with(lambda i: i.secret, alg="RS256", kid="shared"), UNVERIFIED
    ),
    Forgery("RS512, which is not pinned", by_key_as("RS256", "RS512"), _ALGORITHM),
    Forgery("PS256, which is not pinned", by_key_as("RS256", "PS256"), _ALGORITHM),
    Forgery("an algorithm nobody knows", headed(alg="XX999"), _ALGORITHM),
    Forgery("alg in lower case", headed(alg="rs256"), _ALGORITHM),
    Forgery("no alg", headed(alg=ABSENT), _ALGORITHM),
    Forgery("alg as a list", headed(alg=["RS256"]), _ALGORITHM),
    Forgery("alg null", headed(alg=None), _ALGORITHM),
    Forgery("ES256 with an RSA key", by_key_as("RS256", "ES256"), UNVERIFIED),
    Forgery("RS256 with an EC key", by_key_as("ES256", "RS256"), UNVERIFIED),
    Forgery("RS256 with an Ed25519 key", by_key_as("EdDSA", "RS256"), UNVERIFIED),
    Forgery("a key for encryption", by_decoy("encryption"), UNVERIFIED),
    Forgery("a key whose operations are others", by_decoy("operations"), UNVERIFIED),
    Forgery("a key of another algorithm", by_decoy("other-algorithm"), UNVERIFIED),
    Forgery("a key whose private half is published", by_decoy("private"), UNVERIFIED),
    Forgery("a key of 1024 bits", by_decoy("small"), UNVERIFIED),
    Forgery("somebody else's key", by_attacker(), UNVERIFIED),
    Forgery("a payload that was changed", other_payload, UNVERIFIED),
    Forgery("a signature cut short", signature(lambda good: good[:-1]), UNVERIFIED),
    Forgery("a signature with a byte more", signature(lambda good: good + b"\0"), UNVERIFIED),
    Forgery("a signature with a bit turned", signature(lambda good: bytes([good[0] ^ 1]) + good[1:]), UNVERIFIED),
    Forgery("a signature of zeros", signature(lambda good: bytes(len(good))), UNVERIFIED),
    Forgery("an ES256 signature of zeros", signature(lambda good: bytes(len(good)), "ES256"), UNVERIFIED),
    Forgery("an EdDSA signature of zeros", signature(lambda good: bytes(len(good)), "EdDSA"), UNVERIFIED),
    Forgery("an ES256 signature cut short", signature(lambda good: good[:-1], "ES256"), UNVERIFIED),
    Forgery("a signature in another spelling", spelt(flip_last_bits), UNVERIFIED),
]

_HEADERS = [
    Forgery("a key in the header", lambda i: by_attacker(jwk=attacker().jwk())(i), UNVERIFIED),
    Forgery(
        "a key in the header, with its id",
        lambda i: by_attacker(jwk=attacker().jwk(), kid="attacker")(i),
        UNVERIFIED,
    ),
    Forgery("an address of keys in the header", by_attacker(jku="http://127.0.0.1:9/jwks"), UNVERIFIED),
    Forgery("an address of a certificate in the header", by_attacker(x5u="http://127.0.0.1:9/x.pem"), UNVERIFIED),
    Forgery("a certificate in the header", by_attacker(x5c=["MIIB"]), UNVERIFIED),
    Forgery("an unknown kid", headed(kid="unknown"), UNVERIFIED),
    Forgery("a kid that is a path", headed(kid="../../../../dev/null"), UNVERIFIED),
    Forgery("a kid that is a query", headed(kid="' UNION SELECT 'x"), UNVERIFIED),
    Forgery("the kid of another key", lambda i: headed(kid=i.keys["ES256"].kid)(i), UNVERIFIED),
    Forgery("no kid", headed(kid=ABSENT), "(kid)"),
    Forgery("an empty kid", headed(kid=""), "(kid)"),
    Forgery("a kid that is a number", headed(kid=1), "(kid)"),
    Forgery("a kid that is a list", headed(kid=["x"]), "(kid)"),
    Forgery("a critical extension", headed(crit=["exp"], exp=1), "extensions"),
    Forgery("an empty list of critical extensions", headed(crit=[]), "extensions"),
    Forgery("a payload that is not encoded", headed(crit=["b64"], b64=False), "extensions"),
    Forgery("a payload that is said to be encoded", headed(b64=True), "extensions"),
    Forgery("a logout", headed(typ="logout+jwt"), "(typ)"),
    Forgery("a typ that is null", headed(typ=None), "(typ)"),
]

_FORMS = [
    Forgery("one word", lambda _: "token", _FORM),
    Forgery("two parts", spelt(lambda header, payload, _: f"{header}.{payload}"), _FORM),
    Forgery("four parts", spelt(lambda *parts: ".".join([*parts, "x"])), _FORM),
    Forgery("five parts", spelt(lambda *parts: ".".join([*parts, "x", "y"])), _FORM),
    Forgery("dots alone", lambda _: "..", _FORM),
    Forgery("three parts that are not base64", lambda _: "a!a.b!b.c!c", _FORM),
    Forgery("three short parts", lambda _: "a.b.c", "base64url"),
    Forgery("three parts that are not JSON", lambda _: "aaaa.bbbb.cccc", _HEADER),
    Forgery("a padded signature", spelt(lambda *parts: ".".join(parts) + "=="), _FORM),
    Forgery("a padded header", spelt(lambda head, *rest: ".".join([head + "=" * (-len(head) % 4 or 4), *rest])), _FORM),
    Forgery("the ordinary base64", spelt(lambda head, body, _: f"{head}.{body}.+/+/"), _FORM),
    Forgery("the JSON serialisation", spelt(general_json), _FORM),
    Forgery("more than 8 KB", claiming(more="x" * 6000), "longer than 8,192 bytes"),
    Forgery("a header with alg twice", raw(header=twice(b'"alg":"none"')), _HEADER),
    Forgery("a header with kid twice", raw(header=twice(b'"kid":"x"')), _HEADER),
    Forgery("a header that is a list", raw(header=lambda data: b"[" + data + b"]"), _HEADER),
    Forgery("a header in UTF-16", raw(header=lambda data: data.decode().encode("utf-16")), _HEADER),
    Forgery("a header with more after it", raw(header=lambda data: data + b"{}"), _HEADER),
    Forgery("a deep header", raw(header=lambda _: b"[" * 3000), _HEADER),
    Forgery("a payload with sub twice", raw(payload=twice(b'"sub":"mallory"')), _PAYLOAD),
    Forgery("a payload with a name twice inside", raw(payload=twice(b'"x":{"y":1,"y":2}')), _PAYLOAD),
    Forgery("a payload with NaN", raw(payload=twice(b'"x":NaN')), _PAYLOAD),
    Forgery("a payload that is a list", raw(payload=lambda data: b"[" + data + b"]"), _PAYLOAD),
    Forgery("a payload that is a string", raw(payload=lambda _: b'"alice"'), _PAYLOAD),
    Forgery("a payload that is not UTF-8", raw(payload=twice(b'"x":"\xff"')), _PAYLOAD),
    Forgery("a payload with a byte order mark", raw(payload=lambda data: b"\xef\xbb\xbf" + data), _PAYLOAD),
    Forgery("a payload in base64 again", raw(payload=base64.b64encode), _PAYLOAD),
    Forgery("a deep payload", raw(payload=lambda _: b"[" * 5000), _PAYLOAD),
    Forgery("a number of 5,000 digits", raw(payload=twice(b'"x":' + b"9" * 5000)), _PAYLOAD),
    Forgery("an empty payload", raw(payload=lambda _: b""), _FORM),
]

_CLAIMS = [
    Forgery("expired", later("exp", -400), "expired"),
    Forgery("expired at the beginning of time", claiming(exp=0), "expired"),
    Forgery("no exp", claiming(exp=ABSENT), "never expires"),
    Forgery("exp null", claiming(exp=None), "exp is not a date"),
    Forgery("exp as text", claiming(exp="9999999999"), "exp is not a date"),
    Forgery("exp true", claiming(exp=True), "exp is not a date"),
    Forgery("exp below zero", claiming(exp=-1), "exp is not a date"),
    Forgery(
        "exp endless", raw(payload=lambda data: data.replace(b'"exp": ', b'"exp": 1e999, "x": ')), "exp is not a date"
    ),
    Forgery("exp of 400 digits", claiming(exp=10**400), "exp is not a date"),
    Forgery("not valid yet", later("nbf", 400, exp=2**40), "not valid yet"),
    Forgery("nbf null", claiming(nbf=None), "nbf is not a date"),
    Forgery("nbf as text", claiming(nbf="0"), "nbf is not a date"),
    Forgery("issued in the future", later("iat", 400, exp=2**40), "issued in the future"),
    Forgery("iat as a list", claiming(iat=[0]), "iat is not a date"),
    Forgery("another issuer", claiming(iss="https://issuer.example"), "(iss)"),
    Forgery("no issuer", claiming(iss=ABSENT), "(iss)"),
    Forgery("the issuer with a slash", lambda issuer: issuer.token(iss=issuer.url + "/"), "(iss)"),
    Forgery("the issuer in a list", lambda issuer: issuer.token(iss=[issuer.url]), "(iss)"),
    Forgery("the issuer in capitals", lambda issuer: issuer.token(iss=issuer.url.upper()), "(iss)"),
    Forgery("another audience", claiming(aud="somebody"), "(aud)"),
    Forgery("other audiences", claiming(aud=["somebody", "else"]), "(aud)"),
    Forgery("a longer audience", lambda issuer: issuer.token(aud=issuer.audience + "x"), "(aud)"),
    Forgery("no audience", claiming(aud=ABSENT), "(aud)"),
    Forgery("an empty audience", claiming(aud=""), "(aud)"),
    Forgery("an empty list of audiences", claiming(aud=[]), "(aud)"),
    Forgery("audiences that are not all text", lambda issuer: issuer.token(aud=[issuer.audience, 1]), "(aud)"),
    Forgery("the audience as a name", lambda issuer: issuer.token(aud={issuer.audience: 1}), "(aud)"),
    Forgery("no sub", claiming(sub=ABSENT), "(sub)"),
    Forgery("an empty sub", claiming(sub=""), "(sub)"),
    Forgery("a blank sub", claiming(sub="   "), "(sub)"),
    Forgery("a sub that is a number", claiming(sub=7), "(sub)"),
    Forgery("a sub that is a list", claiming(sub=["alice"]), "(sub)"),
    Forgery("a sub that is too long", claiming(sub="x" * 256), "255 printable"),
    Forgery("a sub of two lines", claiming(sub="alice\nadmin"), "255 printable"),
    Forgery("a sub without UTF-8", claiming(sub="\ud800"), "255 printable"),
]

FORGERIES = (*_SIGNATURES, *_HEADERS, *_FORMS, *_CLAIMS)
