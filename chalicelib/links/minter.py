"""Mints links to the files of a job, at each read: links are never stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from chalicelib.links.disposition import attachment
from chalicelib.links.presign import Presigner


@dataclass(frozen=True, slots=True)
class Minter:
    """All links of one answer: minted at one moment, good for the same `ttl` seconds."""

    presigner: Presigner
    at: datetime
    ttl: int

    @property
    def expires_at(self) -> int:
        """When the links die, in epoch milliseconds."""
        return int((self.at + timedelta(seconds=self.ttl)).timestamp() * 1000)

    def link(self, key: str, *, filename: str = "") -> str:
        """A link to `key`; with a file name, browsers save it under that name."""
        response = {"response-content-disposition": attachment(filename)} if filename else None
        return self.presigner.link(key, expires=self.ttl, at=self.at, response=response)
