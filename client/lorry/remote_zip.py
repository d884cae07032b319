"""Reads single entries of a ZIP in the store: only its directory and what is asked for are transferred."""

from __future__ import annotations

import io
import re
import time
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import httpx

from lorry.errors import ArchiveUnreadable
from lorry.retries import RetryPolicy, retry_after_of
from lorry.transfer import GONE_STATUSES, LINK_RENEWALS, REFUSED_STATUSES, Cut, Link, TransferFailed, store_client

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

FIRST_WINDOW = 1 << 16
LARGEST_WINDOW = 1 << 23
"""How many bytes one request reads: little at first, as for directories, more while an entry is read on."""

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(frozen=True)
class FixedLink:
    """A link that cannot be renewed."""

    address: str

    def url(self) -> str:
        """The link."""
        return self.address

    def renew(self, refused: str) -> NoReturn:
        """Raises TransferFailed."""
        raise TransferFailed("the store refuses the link, which may have expired")


class RemoteZip(zipfile.ZipFile):
    """The ZIP behind a link, as `zipfile` has it. Use it as a context manager, from one thread.

    Reading an entry to its end verifies its CRC-32. Raises ArchiveUnreadable when the ZIP cannot be read from the
    store, zipfile.BadZipFile when it is broken.
    """

    def __init__(self, link: Link, *, retries: RetryPolicy) -> None:
        self._http = store_client(connections=1)
        try:
            super().__init__(RangeFile(self._http, link, retries=retries))
        except BaseException:
            self._http.close()
            raise

    def close(self) -> None:
        """Closes the connection."""
        super().close()
        self._http.close()


class RangeFile(io.RawIOBase):
    """The bytes behind a link, as a file that can be read and sought. Raises ArchiveUnreadable."""

    def __init__(self, http: httpx.Client, link: Link, *, retries: RetryPolicy) -> None:
        self._http = http
        self._link = link
        self._retries = retries
        self._position = 0
        self._etag: str | None = None
        self._window = b""
        self._window_at, self._size = self._read_tail()

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves the position of the next read, and returns it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: WriteableBuffer) -> int:
        """Reads up to as many bytes as `buffer` holds, 0 at the end."""
        view = memoryview(buffer).cast("B")
        if self._position >= self._size:
            return 0
        if not self._window_at <= self._position < self._window_at + len(self._window):
            self._read_window()
        at = self._position - self._window_at
        data = self._window[at : at + len(view)]
        view[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _read_tail(self) -> tuple[int, int]:
        """Reads the end, where a ZIP has its directory; returns where that begins, and the size of the whole."""
        return self._fetch(f"bytes=-{FIRST_WINDOW}")

    def _read_window(self) -> None:
        """Reads the bytes at the position: more than the last time if that was just before."""
        reads_on = self._position == self._window_at + len(self._window)
        length = min(LARGEST_WINDOW, 2 * len(self._window)) if reads_on else FIRST_WINDOW
        last = min(self._position + max(length, FIRST_WINDOW), self._size) - 1
        start, _ = self._fetch(f"bytes={self._position}-{last}")
        if start != self._position:
            self._fail("the store returned another range than requested")
        self._window_at = start

    def _fetch(self, wanted: str) -> tuple[int, int]:
        """Reads a range into the window; returns where it begins, and the size of the whole."""
        failures, refusals = 0, 0
        while True:
            try:
                url = self._link.url()
                response = self._get(url, wanted)
                if response.status_code not in REFUSED_STATUSES:
                    return self._take(response)
                refusals += 1
                if refusals > LINK_RENEWALS:
                    self._fail(f"the store refuses the link ({response.status_code})")
                self._link.renew(url)
            except TransferFailed as error:
                self._fail(str(error))
            except Cut as cut:
                failures += 1
                wait = self._retries.wait_before(failures, cut.retry_after)
                if wait is None:
                    self._fail(f"{cut} (tried {failures} times)")
                time.sleep(wait)

    def _get(self, url: str, wanted: str) -> httpx.Response:
        try:
            response = self._http.get(url, headers={"Range": wanted, "Accept-Encoding": "identity"})
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise TransferFailed(f"the link cannot be used: {error}") from error
        except httpx.RequestError as error:
            raise Cut(str(error) or type(error).__name__) from error
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS or response.status_code >= 500:
            raise Cut(f"the store answered {response.status_code}", retry_after_of(response.headers))
        return response

    def _take(self, response: httpx.Response) -> tuple[int, int]:
        if response.status_code in GONE_STATUSES:
            self._fail(f"it is no longer in the store ({response.status_code})")
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        if response.status_code != httpx.codes.PARTIAL_CONTENT or not match:
            self._fail(f"the store answered {response.status_code} to a request for a range")
        etag = response.headers.get("ETag")
        if self._etag is not None and etag != self._etag:
            self._fail("it has changed in the store")
        self._etag, self._window = etag, response.content
        return int(match[1]), int(match[3])

    def _fail(self, reason: str) -> NoReturn:
        raise ArchiveUnreadable(reason)
