"""How a caller proves who he is: a bearer token, and headers of his own, both for the service alone.

Nothing here puts a token or the value of a header into a message.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Generator, Mapping

import httpx

from lorry.errors import LorryError, TokenUnavailable

Token = str | Callable[[], str]
"""A bearer token, or what gives one: it is asked at first, and again when the service no longer accepts the last."""

OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "transfer-encoding"})

_TOKEN = re.compile(r"[!-~]+")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~]([ -~\t]*[!-~])?")


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers that may go with each request to the service. Raises ValueError, with no value in it."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if name.lower() in OF_THE_CONNECTION:
            raise ValueError(f"the header {name} is not for callers to set")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name} is empty or has characters that a header cannot have")
    return dict(headers)


class TokenAuth(httpx.Auth):
    """Sends the token to `origin` and to nobody else; after a 401 asks once for another. Safe between threads."""

    def __init__(self, token: Token, origin: httpx.URL) -> None:
        """Raises TokenUnavailable when the token itself is given and cannot be sent."""
        self._ask = None if isinstance(token, str) else token
        self._token = _checked(token) if isinstance(token, str) else None
        self._origin = _origin_of(origin)
        self._lock = threading.Lock()

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """One request, or two when the first token was refused. Raises TokenUnavailable."""
        if _origin_of(request.url) != self._origin:
            yield request
            return
        token = self._other_than(None)
        request.headers["Authorization"] = f"Bearer {token}"
        response = yield request
        newer = self._other_than(token) if response.status_code == httpx.codes.UNAUTHORIZED else token
        if newer != token:
            request.headers["Authorization"] = f"Bearer {newer}"
            yield request

    def _other_than(self, refused: str | None) -> str:
        """The token at hand; a new one when that is `refused`, which another thread may have asked for already."""
        with self._lock:
            if self._token is None or (self._ask and self._token == refused):
                self._token = self._asked()
            return self._token

    def _asked(self) -> str:
        try:
            return _checked(self._ask() if self._ask else "")
        except LorryError:
            raise
        except Exception as error:  # whatever it says may hold what it was asked for
            raise TokenUnavailable(f"no token could be had: {type(error).__name__}") from error


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise TokenUnavailable("the token is empty or has characters that no token has, such as spaces")
    return token


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
