"""Mints links to the files of a job, at each read: links are never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.delivery.disposition import attachment
from chalicelib.delivery.presign import Credentials, Presigner

MARGIN_SECONDS = 5  # clocks differ a little: a link ends before its credentials do


@dataclass(frozen=True, slots=True)
class Lease:
    """Credentials until they end, in epoch milliseconds; None: they do not end by themselves."""

    credentials: Credentials
    ends_at: int | None = None

    def cut(self, ttl: int, at: datetime) -> int:
        """How many of `ttl` seconds a link that is signed at `at` really lives."""
        if self.ends_at is None:
            return ttl
        return min(ttl, self.ends_at // 1000 - int(at.timestamp()) - MARGIN_SECONDS)


@dataclass(frozen=True, slots=True)
class Minter:
    """All links of one answer: minted at one moment, good for the same `ttl` seconds."""

    presigner: Presigner
    at: datetime
    ttl: int

    @property
    def expires_at(self) -> int:
        """When the links die, in epoch milliseconds. A link tells its beginning in whole seconds."""
        return int((self.at.replace(microsecond=0) + timedelta(seconds=self.ttl)).timestamp()) * 1000

    def link(self, key: str, *, filename: str = "") -> str:
        """A link to `key`; with a file name, browsers save it under that name."""
        response = {"response-content-disposition": attachment(filename)} if filename else None
        return self.presigner.link(key, expires=self.ttl, at=self.at, response=response)
