"""Brings the archives of a job to the disk, one after the other, each through a part file that can be resumed.

An archive gets its name once its size is what the job says, and it opens as a ZIP with as many entries as the job
says.
"""

from __future__ import annotations

import functools
import threading
from pathlib import Path

import httpx

from lorry.download import was_downloaded
from lorry.errors import LorryError
from lorry.links import Links
from lorry.model import Archive, Job
from lorry.part_file import BeingWritten, PartFile
from lorry.report import ArchiveEnding, DownloadListener
from lorry.retries import RetryPolicy
from lorry.transfer import Link, Transfer, TransferFailed
from lorry.zip_check import NotAZip, count_entries

ZIP_ENDING = ".zip"


def archive_path(path: Path, index: int, count: int) -> Path:
    """Where archive `index` of `count` goes: `path` itself, or out-1-of-3.zip, numbered as the service does."""
    if count == 1:
        return path
    named_zip = path.name.lower().endswith(ZIP_ENDING)
    stem = path.name[: -len(ZIP_ENDING)] if named_zip else path.name
    return path.with_name(f"{stem}-{index + 1:0{len(str(count))}d}-of-{count}{ZIP_ENDING}")


class ArchiveDownloader:
    """Downloads archives. `skip_complete` leaves alone those that an earlier run for the job left whole."""

    def __init__(
        self, http: httpx.Client, *, retries: RetryPolicy, listener: DownloadListener, skip_complete: bool
    ) -> None:
        self._http = http
        self._retries = retries
        self._listener = listener
        self._skip_complete = skip_complete

    def run(self, job: Job, path: Path, links: Links) -> tuple[ArchiveEnding, ...]:
        """Downloads every archive of `job`; `links` has theirs in the same order. What fails does not stop the rest."""
        self._listener.archives_read(job)
        return tuple(self._bring(job, place, path, links) for place in range(len(job.archives)))

    def _bring(self, job: Job, place: int, path: Path, links: Links) -> ArchiveEnding:
        archive = job.archives[place]
        target = archive_path(path, archive.index, len(job.archives))
        if self._skip_complete and was_downloaded(target, archive.size, job) and _is_whole(target, archive):
            self._listener.bytes_moved(archive.size)
            ending = ArchiveEnding(archive, target, skipped=True)
        else:
            ending = self._fetch(archive, target, links.at(place))
        self._listener.archive_ended(ending)
        return ending

    def _fetch(self, archive: Archive, target: Path, link: Link) -> ArchiveEnding:
        try:
            with PartFile(target) as part:
                self._transfer(archive).run(link, part, archive.size)
        except (TransferFailed, BeingWritten, LorryError, OSError) as error:
            return ArchiveEnding(archive, target, reason=str(error))
        return ArchiveEnding(archive, target)

    def _transfer(self, archive: Archive) -> Transfer:
        return Transfer(
            self._http,
            retries=self._retries,
            stop=threading.Event(),
            moved=self._listener.bytes_moved,
            check=functools.partial(_check, archive),
        )


def _check(archive: Archive, path: Path) -> None:
    try:
        entries = count_entries(path)
    except NotAZip as error:
        raise TransferFailed(f"what arrived is no whole ZIP: {error}") from error
    if archive.entries is not None and entries != archive.entries:
        raise TransferFailed(f"it has {entries:,} entries, but the job put {archive.entries:,} into it")


def _is_whole(path: Path, archive: Archive) -> bool:
    try:
        _check(archive, path)
    except (TransferFailed, OSError):
        return False
    return True
