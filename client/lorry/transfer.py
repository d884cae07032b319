"""Downloads one file from its link, however often the connection breaks.

A part that is already there is resumed with Range and If-Range, and only when the store confirms version and position
(ETag and Content-Range); anything else starts over. Attempts are counted only while no bytes arrive: a long file may
be interrupted any number of times.
"""

from __future__ import annotations

import contextlib
import math
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import NoReturn, Protocol

import httpx

from lorry.flows import log
from lorry.local_files import Existing, PartFile, ResumePoint
from lorry.models import FileOutcome
from lorry.retries import RetryPolicy, retry_after_of
from lorry.transport import client_options

STORE_TIMEOUT = httpx.Timeout(30.0, connect=10.0, pool=None)

LINK_RENEWALS = 2
"""How often in a row a refused link is replaced by a fresh one."""

FRESH_SECONDS = 10.0
"""A link younger than this has not expired: when it is refused, another one will be too."""

REFUSED_STATUSES = frozenset({400, 401, 403})
"""How stores answer an expired link: S3 with 403, or with 400 when the signer's session has ended."""

GONE_STATUSES = frozenset({404, 410})

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")

Urls = Sequence[str | None]


CHANGED = "it has changed since the job found it"


@dataclass(frozen=True)
class Version:
    """What the job recorded of a file: its size, and the ETag without quotes. None where it is not known."""

    size: int | None = None
    etag: str | None = None

    @classmethod
    def of(cls, file: FileOutcome) -> Version:
        """The version that the job found."""
        return cls(file.size, file.etag)


class TransferFailed(Exception):
    """This file cannot be downloaded; the message is the reason, for people."""


class Stopped(Exception):
    """The whole download was stopped; the part is kept."""


class Cut(Exception):
    """The transfer ended early or did not begin; another attempt may succeed."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class LinkRefused(Exception):
    """The store does not accept the link, most often because it has expired."""


class Link(Protocol):
    """A renewable link to one file."""

    def url(self) -> str:
        """The newest known link. Raises TransferFailed when there is none."""

    def renew(self, refused: str) -> None:
        """Gets a link other than `refused`. Raises TransferFailed when another one would not work either."""


class Links:
    """The links of one answer, by their places in it. `read_again` fetches all of them again."""

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
            raise TransferFailed("the job has no link for it")
        return url

    def renew(self, place: int, refused: str) -> None:
        """Replaces `url(place)` unless it differs from `refused` already.

        Raises LorryError when the job cannot be read, TransferFailed when the refused link was too new to have expired.
        """
        with self._lock:
            if self.url(place) != refused:
                return
            if time.monotonic() < self._renewed_at + FRESH_SECONDS:
                raise TransferFailed("the store refuses the link, even a fresh one")
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


def store_client(*, connections: int) -> httpx.Client:
    """An HTTP client for links; it follows redirects and sends no credentials."""
    return httpx.Client(follow_redirects=True, **client_options(timeout=STORE_TIMEOUT, connections=connections))


def accept(path: Path) -> None:
    """The check of a file that may contain anything."""


class Transfer:
    """The download of one file. Calls `moved` with the bytes on the disk, also resumed ones; negative when dropped.

    `check` inspects the complete part before it gets its name, and raises TransferFailed to reject it.
    """

    def __init__(
        self,
        http: httpx.Client,
        *,
        retries: RetryPolicy,
        stop: threading.Event,
        moved: Callable[[int], None],
        check: Callable[[Path], None] = accept,
    ) -> None:
        self._http = http
        self._retries = retries
        self._stop = stop
        self._moved = moved
        self._check = check
        self._reported = 0

    def run(self, link: Link, part: PartFile, *, version: Version, existing: Existing | None = None) -> bool:
        """Downloads `link` into `part` (open) and completes it: this version of the file, and no other.

        Returns False if the `existing` file is the same and was kept. Raises TransferFailed, Stopped (the part is kept
        in both cases), OSError of the disk, LorryError of `renew`.
        """
        best, failures, refusals = part.size, 0, 0
        while True:
            url = link.url()
            try:
                return self._attempt(url, part, version=version, existing=None if part.size else existing)
            except (Cut, LinkRefused) as error:
                if part.size > best:
                    best, failures, refusals = part.size, 0, 0
                if isinstance(error, LinkRefused):
                    refusals += 1
                    if refusals > LINK_RENEWALS:
                        raise TransferFailed(str(error)) from error
                    link.renew(url)
                else:
                    failures += 1
                    self._pause(failures, error)

    def _pause(self, failures: int, cut: Cut) -> None:
        wait = self._retries.wait_before(failures, cut.retry_after)
        if wait is None:
            raise TransferFailed(f"{cut} (tried {failures} times)") from cut
        if self._stop.wait(wait):
            raise Stopped

    def _attempt(self, url: str, part: PartFile, *, version: Version, existing: Existing | None) -> bool:
        resume = part.resume_point(version.size)
        if resume and version.etag and resume.etag != f'"{version.etag}"':
            resume = None  # the part is of another version
        headers = _headers(version, resume) | (existing.conditions() if existing else {})
        try:
            with self._http.stream("GET", url, headers=headers) as response:
                log.debug("%s: %s %s", part.path.name, response.status_code, headers.get("Range", ""))
                if existing and _is_same(response, existing):
                    return False
                whole = self._admit(response, part, resume=resume, size=version.size)
                self._receive(response, part, whole=whole)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise TransferFailed(f"the link cannot be used: {error}") from error
        except httpx.RequestError as error:
            raise Cut(str(error) or type(error).__name__) from error
        self._approve(part)
        part.complete(_modified_at(response))
        return True

    def _admit(
        self, response: httpx.Response, part: PartFile, *, resume: ResumePoint | None, size: int | None
    ) -> int | None:
        """Puts `part` where this response begins and returns the size of the whole file, None when it is unknown."""
        whole: int | None
        if response.status_code == 206 and resume:
            whole = self._resumed(response, part, resume=resume)
        elif response.status_code == 200:
            whole = _content_length(response)
            part.start_over(_strong_etag(response))
        else:
            self._refuse(response, part, resume=resume)
        self._report(part)
        if size is not None and whole is not None and whole != size:
            self._drop(part)
            raise TransferFailed(f"{CHANGED}: its size is {whole} bytes, and was {size}")
        return size if whole is None else whole

    def _resumed(self, response: httpx.Response, part: PartFile, *, resume: ResumePoint) -> int:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, end, whole = map(int, match.groups()) if match else (-1, -1, -1)
        if start != resume.offset or end != whole - 1 or _strong_etag(response) != resume.etag:
            self._drop(part)
            raise Cut("the store returned another range or version than requested")
        part.resume_at(resume.offset)
        return whole

    def _refuse(self, response: httpx.Response, part: PartFile, *, resume: ResumePoint | None) -> NoReturn:
        status = response.status_code
        if status in REFUSED_STATUSES:
            raise LinkRefused(f"the store refuses the link ({status})")
        if status == httpx.codes.PRECONDITION_FAILED:
            raise TransferFailed(CHANGED)
        if status in GONE_STATUSES:
            raise TransferFailed(f"it is no longer in the store ({status}): removed since the job found it")
        if status == 416 and resume:
            self._drop(part)
        elif status != 429 and status < 500:
            raise TransferFailed(f"the store answered {status}")
        raise Cut(f"the store answered {status}", retry_after_of(response.headers))

    def _receive(self, response: httpx.Response, part: PartFile, *, whole: int | None) -> None:
        for chunk in response.iter_raw():
            if self._stop.is_set():
                raise Stopped
            part.write(chunk)
            self._report(part)
        if whole is not None and part.size < whole:
            raise Cut(f"interrupted after {part.size} of {whole} bytes")
        if whole is not None and part.size > whole:
            self._drop(part)
            raise TransferFailed(f"the store sent more than the {whole} bytes of the file")

    def _approve(self, part: PartFile) -> None:
        try:
            self._check(part.arriving)
        except TransferFailed:
            self._drop(part)
            raise

    def _drop(self, part: PartFile) -> None:
        part.start_over(None)
        self._report(part)

    def _report(self, part: PartFile) -> None:
        self._moved(part.size - self._reported)
        self._reported = part.size


def _headers(version: Version, resume: ResumePoint | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if version.etag:
        headers["If-Match"] = f'"{version.etag}"'
    if resume:
        headers |= {"Range": f"bytes={resume.offset}-", "If-Range": resume.etag}
    return headers


def _is_same(response: httpx.Response, existing: Existing) -> bool:
    """Whether the store says that the existing file is the same as the object."""
    unchanged = response.status_code == httpx.codes.NOT_MODIFIED
    return unchanged or (response.status_code == httpx.codes.OK and existing.matches(response.headers.get("ETag")))


def _modified_at(response: httpx.Response) -> float | None:
    """When the object was written, in epoch seconds; None when the store does not say."""
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(response.headers.get("Last-Modified", "")).timestamp()
    return None


def _content_length(response: httpx.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def _strong_etag(response: httpx.Response) -> str | None:
    """The ETag, unless it is a weak one, which promises nothing about bytes."""
    etag = response.headers.get("ETag")
    return etag if etag and etag.startswith('"') else None
