"""Where the service is, and how a caller authenticates: a bearer token and own headers, sent to the service only.

Nothing here puts a token or the value of a header into a message.
"""

from __future__ import annotations

import functools
import json
import os
import re
import threading
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from lorry.config import Config, Profile
from lorry.errors import LorryError, ServiceAddressUnknown, TokenUnavailable

OUTPUTS = "outputs.json"

Token = str | Callable[[], str]
"""A bearer token, or a function that returns one: called at first, and again after the service refuses the last one."""

OF_THE_CONNECTION = frozenset({"connection", "content-length", "host", "transfer-encoding"})

_TOKEN = re.compile(r"[!-~]+")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[!-~]([ -~\t]*[!-~])?")


@dataclass(frozen=True)
class Access:
    """How to call the service: its base URL, and what goes with each request to it."""

    url: str
    auth: httpx.Auth | None
    headers: Mapping[str, str]


def find_access(
    url: str | None, *, profile: str | None, token: Token | None, headers: Mapping[str, str] | None
) -> Access:
    """What callers did not say is taken from the environment, from the profile, or from an outputs.json.

    Raises ServiceAddressUnknown, ConfigInvalid, TokenUnavailable, and ValueError for headers that cannot be sent.
    """
    settings = Config.of_user(os.environ).profile(profile, environment=os.environ)
    address = find_service(url, profile=settings, environment=os.environ, folder=Path.cwd())
    own = checked_headers(headers or {})
    authorized = "authorization" in {name.lower() for name in own}
    if token is not None and authorized:
        raise ValueError("give either a token or an Authorization header, not both")
    if token is None and not authorized:
        token = token_of(settings, address)
    base = address.rstrip("/")
    return Access(base, None if token is None else TokenAuth(token, httpx.URL(base)), own)


def find_service(given: str | None, *, profile: Profile, environment: Mapping[str, str], folder: Path) -> str:
    """The base URL of the service: `given`, else LORRY_API_URL, else that of `profile` (before LORRY_API_URL if the
    caller named the profile), else the ApiUrl of an outputs.json.

    outputs.json is read from $LORRY_HOME when that is set, else from `folder`/.lorry. Raises ServiceAddressUnknown
    when there is none, or when it is not an http or https URL.
    """
    own, variable = profile.get("api"), environment.get("LORRY_API_URL")
    found = given or (own or variable if profile.explicit else variable or own)
    url = found or _from_outputs(environment, folder)
    if not url.startswith(("http://", "https://")):
        raise ServiceAddressUnknown(f"{url!r} is not an http:// or https:// URL")
    return url


def token_of(profile: Profile, url: str) -> Token | None:
    """The token of `profile` for the service at `url`: sent to the service of the profile only, unless the caller
    named the profile."""
    path = profile.get("token-file")
    if path is None or not (profile.explicit or url == profile.get("api")):
        return None
    return functools.partial(read_token, Path(path).expanduser())


def read_token(path: Path) -> str:
    """The token in a file. Raises TokenUnavailable."""
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise TokenUnavailable(f"cannot read the token file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise TokenUnavailable(f"the token file {path} is not text") from None


def _from_outputs(environment: Mapping[str, str], folder: Path) -> str:
    home = environment.get("LORRY_HOME")
    path = (Path(home) if home else folder / ".lorry") / OUTPUTS
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["ApiUrl"])
    except FileNotFoundError:
        raise ServiceAddressUnknown(f"LORRY_API_URL is not set and {path} does not exist") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ServiceAddressUnknown(f"{path} has no ApiUrl ({error!r})") from error


def checked_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """`headers` as they can be sent with each request. Raises ValueError, without any value in its message."""
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a header name")
        if name.lower() in OF_THE_CONNECTION:
            raise ValueError(f"the header {name} cannot be set by callers")
        if not _VALUE.fullmatch(value):
            raise ValueError(f"the value of the header {name} is empty or has characters that are not allowed")
    return dict(headers)


class TokenAuth(httpx.Auth):
    """Sends the token to `origin` only; after a 401, asks once for another token. Safe between threads."""

    def __init__(self, token: Token, origin: httpx.URL) -> None:
        """Raises TokenUnavailable when `token` is a string that cannot be sent."""
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
        """The current token, unless it is `refused`: then a new one, which another thread may have got already."""
        with self._lock:
            if self._token is None or (self._ask and self._token == refused):
                self._token = self._asked()
            return self._token

    def _asked(self) -> str:
        try:
            return _checked(self._ask() if self._ask else "")
        except LorryError:
            raise
        except Exception as error:  # its message may contain credentials
            raise TokenUnavailable(f"the token function failed: {type(error).__name__}") from error


def _checked(token: str) -> str:
    if not _TOKEN.fullmatch(token):
        raise TokenUnavailable("the token is empty or has characters that are not allowed, such as spaces")
    return token


def _origin_of(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
