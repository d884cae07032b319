"""Presigned links, created at each read and never stored: Signature Version 4 in query strings, for GET or HEAD.

The SDK's general signer is about thirty times slower, and a page of 1,000 links is signed at each read.
tests/contracts/test_presigner.py compares the links with the SDK's, byte for byte.
Source: docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
"""

from __future__ import annotations

import hashlib
import hmac
import unicodedata
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

import msgspec

ALGORITHM = "AWS4-HMAC-SHA256"
MARGIN_SECONDS = 5  # a link expires this long before its credentials do, because clocks differ
_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187, section 3.2.1, besides letters and digits


class Credentials(msgspec.Struct, frozen=True):
    """An access key. `token` is empty for permanent keys."""

    access_key_id: str
    secret_access_key: str
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r})"  # and no secret, wherever it may be logged


class Presigner(msgspec.Struct, frozen=True):
    """Signs links to one bucket. `endpoint` is scheme://host[:port][/path]; the bucket goes into host or path."""

    credentials: Credentials
    bucket: str
    endpoint: str
    region: str
    path_style: bool

    def link(
        self, key: str, *, expires: int, at: datetime, response: Mapping[str, str] | None = None, method: str = "GET"
    ) -> str:
        """Returns a URL for GET of `key`, or for HEAD, that works for `expires` seconds from `at` (UTC).

        `response` overrides headers of the response: {"response-content-disposition": "attachment"}.
        """
        scheme, host, path = self._address(key)
        query = self._query(at, expires=expires, response=response or {})
        canonical = f"{method}\n{path}\n{query}\nhost:{_host_header(scheme, host)}\n\nhost\nUNSIGNED-PAYLOAD"
        signature = self._sign(canonical, at)
        return f"{scheme}://{host}{path}?{query}&X-Amz-Signature={signature}"

    def _address(self, key: str) -> tuple[str, str, str]:
        parts = urlsplit(self.endpoint)
        encoded = quote(key, safe="/-_.~")
        base = parts.path.rstrip("/")
        if self.path_style:
            return parts.scheme, parts.netloc, f"{base}/{self.bucket}/{encoded}"
        return parts.scheme, f"{self.bucket}.{parts.netloc}", f"{base}/{encoded}"

    def _query(self, at: datetime, *, expires: int, response: Mapping[str, str]) -> str:
        values = {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{self.credentials.access_key_id}/{_scope(at, self.region)}",
            "X-Amz-Date": _stamp(at),
            "X-Amz-Expires": str(expires),
            "X-Amz-SignedHeaders": "host",
            **response,
        }
        if self.credentials.token:
            values["X-Amz-Security-Token"] = self.credentials.token
        return "&".join(f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in sorted(values.items()))

    def _sign(self, canonical: str, at: datetime) -> str:
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        text = f"{ALGORITHM}\n{_stamp(at)}\n{_scope(at, self.region)}\n{digest}"
        key = _signing_key(self.credentials.secret_access_key, day=f"{at:%Y%m%d}", region=self.region)
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _host_header(scheme: str, host: str) -> str:
    """The Host header that clients send: lowercase, without the scheme's default port."""
    return host.lower().removesuffix({"http": ":80", "https": ":443"}[scheme])


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%dT%H%M%SZ}"


def _scope(at: datetime, region: str) -> str:
    return f"{at:%Y%m%d}/{region}/s3/aws4_request"


@lru_cache(maxsize=16)
def _signing_key(secret: str, *, day: str, region: str) -> bytes:
    """The key of one day and region: four hashes, shared by every link of that day."""
    key = f"AWS4{secret}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, step.encode(), hashlib.sha256).digest()
    return key


class ExpiringCredentials(msgspec.Struct, frozen=True):
    """Credentials and when they expire, in epoch milliseconds; None: never."""

    credentials: Credentials
    ends_at: int | None = None

    def limit(self, ttl: int, at: datetime) -> int:
        """Returns for how many of `ttl` seconds a link signed at `at` works."""
        if self.ends_at is None:
            return ttl
        return min(ttl, self.ends_at // 1000 - int(at.timestamp()) - MARGIN_SECONDS)


class Minter(msgspec.Struct, frozen=True):
    """Signs all links of one answer: from the same moment, for the same `ttl` seconds."""

    presigner: Presigner
    at: datetime
    ttl: int

    @property
    def expires_at(self) -> int:
        """When the links expire, in epoch milliseconds. The start of a link has no fraction of a second."""
        return int((self.at.replace(microsecond=0) + timedelta(seconds=self.ttl)).timestamp()) * 1000

    def link(self, key: str, *, filename: str, inline: bool = False, method: str = "GET") -> str:
        """Returns a link to `key`, for GET or HEAD; a browser saves it under `filename`, or shows it if `inline`."""
        response = {"response-content-disposition": content_disposition(filename, inline=inline)}
        return self.presigner.link(key, expires=self.ttl, at=self.at, response=response, method=method)


def content_disposition(filename: str, *, inline: bool) -> str:
    """Returns the Content-Disposition that makes a browser save under `filename`, or show it if `inline`.

    RFC 6266: an ASCII fallback, and the UTF-8 form of RFC 8187 where they differ.
    """
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    safe = "".join("_" if character in '"\\%;/' or not character.isprintable() else character for character in plain)
    if not safe.strip(". ") or (safe[0] == "." and filename[0] != "."):  # of a name whose letters are not ASCII
        safe = f"download{safe.rstrip('. ')}"
    kind = "inline" if inline else "attachment"
    if safe == filename:
        return f'{kind}; filename="{filename}"'
    return f"{kind}; filename=\"{safe}\"; filename*=UTF-8''{quote(filename, safe=_ATTR_CHAR)}"
