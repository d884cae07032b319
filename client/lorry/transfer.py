"""Brings one file from its link to the disk, however often the way is cut.

A part that is there already is gone on with by Range and If-Range, and only when the store confirms the
version and the place (ETag and Content-Range). Anything else starts over. Tries are counted only while
nothing arrives: a long file may be cut any number of times.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol

import httpx

from lorry.part_file import PartFile, ResumePoint
from lorry.retries import RetryPolicy, retry_after_of

LINK_RENEWALS = 2
"""How often in a row a refused link is replaced by a fresh one."""

REFUSED_STATUSES = frozenset({400, 401, 403})
"""How stores answer a link that has expired: S3 says 403, or 400 when the signer's session has ended."""

GONE_STATUSES = frozenset({404, 410})

_CONTENT_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


class TransferFailed(Exception):
    """This file cannot be had; the message is the reason, for a person."""


class Stopped(Exception):
    """The download as a whole was stopped; what arrived is kept."""


class Cut(Exception):
    """The transfer ended early or did not begin; trying again may help."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(reason)


class LinkRefused(Exception):
    """The store does not accept the link, most often because it has expired."""


class Link(Protocol):
    """An address of one file that can be made anew."""

    def url(self) -> str:
        """The newest address that is known."""

    def renew(self, refused: str) -> None:
        """Gets an address other than `refused`. Raises TransferFailed when there is no hope of one that works."""


def accept(path: Path) -> None:
    """The check of a file that may hold anything."""


class Transfer:
    """One file on its way. `moved` hears of bytes in hand, also resumed ones; negative when some were dropped.

    `check` looks at the bytes before they get their name, and raises TransferFailed when they are not as they should.
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

    def run(self, link: Link, part: PartFile, size: int | None) -> None:
        """Fetches `link` into `part` (open) and completes it. `size` is what the job recorded, None if unknown.

        Raises TransferFailed, Stopped (the part is kept in both cases), OSError of the disk, LorryError of `renew`.
        """
        best, failures, refusals = part.size, 0, 0
        while True:
            url = link.url()
            try:
                self._attempt(url, part, size)
                return
            except (Cut, LinkRefused) as error:
                if part.size > best:
                    best, failures, refusals = part.size, 0, 0
                if isinstance(error, LinkRefused):
                    refusals += 1
                    self._renew(link, url, refusals, error)
                else:
                    failures += 1
                    self._pause(failures, error)

    def _renew(self, link: Link, url: str, refusals: int, error: LinkRefused) -> None:
        if refusals > LINK_RENEWALS:
            raise TransferFailed(str(error)) from error
        link.renew(url)

    def _pause(self, failures: int, cut: Cut) -> None:
        wait = self._retries.wait_before(failures, cut.retry_after)
        if wait is None:
            raise TransferFailed(f"{cut} (tried {failures} times)") from cut
        if self._stop.wait(wait):
            raise Stopped

    def _attempt(self, url: str, part: PartFile, size: int | None) -> None:
        resume = part.resume_point(size)
        try:
            with self._http.stream("GET", url, headers=_headers(resume)) as response:
                whole = self._admit(response, part, resume, size)
                self._receive(response, part, whole)
        except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
            raise TransferFailed(f"the link is not usable: {error}") from error
        except httpx.RequestError as error:
            raise Cut(str(error) or type(error).__name__) from error
        self._approve(part)
        part.complete()

    def _admit(
        self, response: httpx.Response, part: PartFile, resume: ResumePoint | None, size: int | None
    ) -> int | None:
        """Puts `part` where this answer begins and returns the size of the whole file, None when it is unknown."""
        if response.status_code == 206 and resume:
            whole = self._continued(response, part, resume)
        elif response.status_code == 200:
            whole = _content_length(response)
            part.start_over(_strong_etag(response))
        else:
            self._refuse(response, part, resume)
        self._report(part)
        if size is not None and whole is not None and whole != size:
            self._drop(part)
            raise TransferFailed(f"its size is {whole} bytes, but the job found {size}: it has changed since")
        return size if whole is None else whole

    def _continued(self, response: httpx.Response, part: PartFile, resume: ResumePoint) -> int | None:
        match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
        start, end, whole = map(int, match.groups()) if match else (-1, -1, -1)
        if start != resume.offset or end != whole - 1 or _strong_etag(response) != resume.etag:
            self._drop(part)
            raise Cut("the store answered with another range or version than asked for")
        part.go_on_at(resume.offset)
        return whole

    def _refuse(self, response: httpx.Response, part: PartFile, resume: ResumePoint | None) -> NoReturn:
        status = response.status_code
        if status in REFUSED_STATUSES:
            raise LinkRefused(f"the store refuses the link ({status})")
        if status in GONE_STATUSES:
            raise TransferFailed(f"it is no longer in the store ({status}): removed since the job found it")
        if status == 416 and resume:
            self._drop(part)
        elif status != 429 and status < 500:
            raise TransferFailed(f"the store answered {status}")
        raise Cut(f"the store answered {status}", retry_after_of(response.headers))

    def _receive(self, response: httpx.Response, part: PartFile, whole: int | None) -> None:
        for chunk in response.iter_raw():
            if self._stop.is_set():
                raise Stopped
            part.write(chunk)
            self._report(part)
        if whole is not None and part.size < whole:
            raise Cut(f"cut off after {part.size} of {whole} bytes")
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


def _headers(resume: ResumePoint | None) -> dict[str, str]:
    headers = {"Accept-Encoding": "identity"}
    if resume:
        headers |= {"Range": f"bytes={resume.offset}-", "If-Range": resume.etag}
    return headers


def _content_length(response: httpx.Response) -> int | None:
    text = response.headers.get("Content-Length", "")
    return int(text) if text.isdigit() else None


def _strong_etag(response: httpx.Response) -> str | None:
    """The ETag, unless it is a weak one, which promises nothing about bytes."""
    etag = response.headers.get("ETag")
    return etag if etag and etag.startswith('"') else None
