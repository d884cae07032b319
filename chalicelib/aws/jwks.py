"""The keys that an issuer publishes, over HTTP.

The address is configured or found by OpenID Connect Discovery; a token has no say in it. Only https is spoken, except
with an issuer on this very machine, and an answer is read no further than its limits of time and size.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import SplitResult, urlsplit

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError

from chalicelib.auth.keys import Jwk
from chalicelib.errors import KeysUnavailable

CONNECT_SECONDS = 2.0
MAX_ANSWER_BYTES = 256 * 1024

_DISCOVERY = "/.well-known/openid-configuration"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_PIECE = 16 * 1024


@dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The keys of `issuer`: at `jwks_url`, or where its discovery document says.

    An answer may pause for `read_seconds` and its body may take `answer_seconds`; discovery makes it two answers.
    """

    issuer: str
    jwks_url: str = ""
    read_seconds: float = 3.0
    answer_seconds: float = 5.0
    http: PoolManager = field(default_factory=PoolManager)

    def fetch(self) -> list[Jwk]:
        """Every key that is published now. Raises KeysUnavailable."""
        url = self.jwks_url or self._discovered()
        keys = self._document(url).get("keys")
        if not isinstance(keys, list):
            _fail(url, "it is not a set of keys")
        return [key for key in keys if isinstance(key, dict)]

    def _discovered(self) -> str:
        """Where the issuer says that its keys are. Another issuer's document tells nothing about this one."""
        document = self._document(self.issuer.rstrip("/") + _DISCOVERY)
        if document.get("issuer") != self.issuer:
            _fail(self.issuer, "its discovery document is of another issuer")
        url = document.get("jwks_uri")
        if not isinstance(url, str):
            _fail(self.issuer, "its discovery document has no jwks_uri")
        if urlsplit(self.issuer).scheme == "https" and _parts(url).scheme != "https":
            _fail(url, "only https will do for an issuer at https")
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
        deadline = time.monotonic() + self.answer_seconds
        response = self.http.request(
            "GET",
            url,
            headers={"Accept": "application/json", "Connection": "close"},  # kept ones die in a frozen container
            timeout=Timeout(connect=CONNECT_SECONDS, read=self.read_seconds),
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,  # a small answer that unpacks to a large one is not JSON then
        )
        try:
            if response.status != 200:
                _fail(url, f"the answer is {response.status}")
            return _limited(response, url, deadline)
        finally:
            response.close()


def _limited(response: BaseHTTPResponse, url: str, deadline: float) -> bytes:
    body = bytearray()
    while piece := response.read1(_PIECE):  # what has come, so that a trickle cannot outlast the deadline
        body += piece
        if len(body) > MAX_ANSWER_BYTES:
            _fail(url, f"the answer is longer than {MAX_ANSWER_BYTES:,} bytes")
        if time.monotonic() > deadline:
            _fail(url, "the answer takes too long")
    return bytes(body)


def _check_address(url: str) -> None:
    parts = _parts(url)
    speaks = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not speaks or not parts.hostname or "@" in parts.netloc:
        _fail(url, "only https:// addresses are asked, or http:// on this machine")


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # is read only when it is asked for, and may be nonsense
    except ValueError:
        _fail(url, "it is not an address")
    return parts


def _fail(place: str, cause: str) -> NoReturn:
    raise KeysUnavailable(f"the issuer's keys cannot be fetched from {place}: {cause}")
