"""The keys that an issuer publishes, over HTTP.

The address is configured or found by OpenID Connect Discovery; a token has no say in it. Addresses are https, except
those of this machine. A response is limited in time and size, and redirects are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import monotonic
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec
from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError

from chalicelib.errors import KeysUnavailable
from chalicelib.tokens import Jwk

CONNECT_SECONDS = 2.0
MAX_ANSWER_BYTES = 256 * 1024

_DISCOVERY = "/.well-known/openid-configuration"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CHUNK = 16 * 1024


class PublishedKeys(msgspec.Struct, frozen=True):
    """The keys of `issuer`: at `jwks_url`, or where its discovery document says.

    A response may pause for `read_seconds` and take `answer_seconds` in all; discovery doubles that.
    """

    issuer: str
    jwks_url: str = ""
    http: PoolManager | None = None
    read_seconds: float = 3.0
    answer_seconds: float = 5.0
    clock: Callable[[], float] = monotonic

    def fetch(self) -> list[Jwk]:
        """Every key that is published now. Raises KeysUnavailable."""
        url = self.jwks_url or self._discovered()
        keys = self._document(url).get("keys")
        if not isinstance(keys, list):
            _fail(url, "it is not a set of keys")
        return [key for key in keys if isinstance(key, dict)]

    def _discovered(self) -> str:
        document = self._document(self.issuer.rstrip("/") + _DISCOVERY)
        if document.get("issuer") != self.issuer:
            _fail(self.issuer, "its discovery document is for another issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str):
            _fail(self.issuer, "its discovery document has no jwks_uri")
        if self.issuer.startswith("https:") and not url.startswith("https:"):
            _fail(url, "only https is allowed for an issuer at https")
        return url

    def _document(self, url: str) -> dict[str, Any]:
        _check_address(url)
        try:
            body = self._body(url)
        except (HTTPError, OSError) as error:
            raise KeysUnavailable(f"the issuer's keys cannot be fetched from {url}: {type(error).__name__}") from error
        try:
            document = json.loads(body.decode())
        except (ValueError, RecursionError):
            document = None
        if not isinstance(document, dict):
            _fail(url, "it is not a JSON object")
        return document

    def _body(self, url: str) -> bytes:
        deadline = self.clock() + self.answer_seconds
        response = (self.http or PoolManager()).request(
            "GET",
            url,
            headers={"Accept": "application/json", "Connection": "close"},  # kept ones die in a frozen container
            timeout=Timeout(connect=CONNECT_SECONDS, read=self.read_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,  # a small response must not unpack to a large one
        )
        try:
            if response.status != 200:
                _fail(url, f"the answer is {response.status}")
            return self._read(response, url, deadline=deadline)
        finally:
            response.close()

    def _read(self, response: BaseHTTPResponse, url: str, *, deadline: float) -> bytes:
        body = bytearray()
        while chunk := response.read1(_CHUNK):  # what has arrived, so that a trickle cannot outlast the deadline
            body += chunk
            if len(body) > MAX_ANSWER_BYTES:
                _fail(url, f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
            if self.clock() > deadline:
                _fail(url, "the answer takes too long")
        return bytes(body)


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError for nonsense
    except ValueError:
        _fail(url, "it is not an address")
    allowed = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not allowed or not parts.hostname or "@" in parts.netloc:
        _fail(url, "only https:// addresses are allowed, or http:// on this machine")


def _fail(place: str, cause: str) -> NoReturn:
    raise KeysUnavailable(f"the issuer's keys cannot be fetched from {place}: {cause}")
