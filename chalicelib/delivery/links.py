"""Presigned links to the files of a job, created at each read and never stored."""

from __future__ import annotations

import unicodedata
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from chalicelib.delivery.presign import Credentials, Presigner

MARGIN_SECONDS = 5  # a link expires this long before its credentials do, because clocks differ
_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187, section 3.2.1, besides letters and digits


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

    def link(self, key: str, *, filename: str = "") -> str:
        """Returns a link to `key`; browsers save it under `filename`, if there is one."""
        response = {"response-content-disposition": attachment(filename)} if filename else None
        return self.presigner.link(key, expires=self.ttl, at=self.at, response=response)


def attachment(filename: str) -> str:
    """Returns the Content-Disposition that makes a browser save under `filename`.

    RFC 6266: an ASCII fallback, and the UTF-8 form of RFC 8187 where they differ.
    """
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    safe = "".join("_" if character in '"\\%;' or not character.isprintable() else character for character in plain)
    if safe == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename=\"{safe or 'download'}\"; filename*=UTF-8''{quote(filename, safe=_ATTR_CHAR)}"
