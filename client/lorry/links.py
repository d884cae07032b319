"""Links that expire, and are read anew together: one reading serves all that came with it."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lorry.transfer import Link, TransferFailed

FRESH_SECONDS = 10.0
"""A link younger than this has not expired: when it is refused, another one will be too."""

Urls = Sequence[str | None]


class Links:
    """The links of one answer, by their places in it. `read_again` gets the same ones fresh."""

    def __init__(self, urls: Urls, read_again: Callable[[], Urls]) -> None:
        self._urls = urls
        self._read_again = read_again
        self._renewed_at = -math.inf
        self._lock = threading.Lock()

    def at(self, place: int) -> Link:
        """The link at `place`."""
        return _PlacedLink(self, place)

    def url(self, place: int) -> str:
        """The newest link at `place`. Raises TransferFailed when there is none."""
        url = self._urls[place] if place < len(self._urls) else None
        if url is None:
            raise TransferFailed("the job gives no link for it")
        return url

    def renew(self, place: int, refused: str) -> None:
        """Makes `url(place)` another one than `refused`. Raises LorryError when the job cannot be read, and
        TransferFailed when the refused link was so new that it cannot have expired."""
        with self._lock:
            if self.url(place) != refused:
                return
            if time.monotonic() < self._renewed_at + FRESH_SECONDS:
                raise TransferFailed("the store refuses the link, also a fresh one")
            self._urls = self._read_again()
            self._renewed_at = time.monotonic()


@dataclass(frozen=True)
class _PlacedLink:
    links: Links
    place: int

    def url(self) -> str:
        return self.links.url(self.place)

    def renew(self, refused: str) -> None:
        self.links.renew(self.place, refused)
