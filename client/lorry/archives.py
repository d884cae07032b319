"""Downloads the archives of a job, one after the other, each through a part file that can be resumed.

An archive gets its name once its size is what the job says, its end says that it is a ZIP of as many entries, and the
data of every entry has its CRC-32.
"""

from __future__ import annotations

import functools
import os
import struct
import threading
import zipfile
from pathlib import Path

import httpx

from lorry.download import was_downloaded
from lorry.errors import LorryError, TargetUnusable
from lorry.local_files import FULL_DISK, BeingWritten, PartFile, require_space
from lorry.models import Archive, Job
from lorry.reports import ArchiveEnding, DownloadListener
from lorry.retries import RetryPolicy
from lorry.transfer import Link, Links, Transfer, TransferFailed, Version
from lorry.verification import BROKEN, broken_entries

ZIP_ENDING = ".zip"

# APPNOTE 4.3.14 to 4.3.16: the records that end a ZIP. The service writes no comment, so they are its last bytes.
END_64 = struct.Struct("<4sQ2H2L4Q")
LOCATOR = struct.Struct("<4sLQL")
END = struct.Struct("<4s4H2LH")


class ArchiveDownloader:
    """Downloads archives. `skip_complete` keeps those that an earlier run for the job completed; `verify` reads every
    entry of the others once more."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        retries: RetryPolicy,
        listener: DownloadListener,
        skip_complete: bool = False,
        verify: bool = True,
    ) -> None:
        self._http = http
        self._retries = retries
        self._listener = listener
        self._skip_complete = skip_complete
        self._verify = verify

    def run(self, job: Job, path: Path, *, links: Links) -> tuple[ArchiveEnding, ...]:
        """Downloads every archive of `job` by `links` in the same order. A failed one does not stop the rest."""
        self._listener.archives_read(job)
        return tuple(self._download(job, place, path=path, link=links.at(place)) for place in range(len(job.archives)))

    def _download(self, job: Job, place: int, *, path: Path, link: Link) -> ArchiveEnding:
        archive = job.archives[place]
        target = archive_path(path, archive.index, count=len(job.archives))
        if self._skip_complete and was_downloaded(target, archive.size, job=job) and _is_whole(target, archive):
            self._listener.bytes_moved(archive.size)
            ending = ArchiveEnding(archive, target, skipped=True)
        else:
            ending = self._fetch(archive, target, link=link)
        self._listener.archive_ended(ending)
        return ending

    def _fetch(self, archive: Archive, target: Path, *, link: Link) -> ArchiveEnding:
        try:
            with PartFile(target) as part:
                require_space(target.parent, archive.size - part.size)
                self._transfer(archive).run(link, part, version=Version(archive.size))
        except TargetUnusable:
            raise
        except OSError as error:
            if error.errno in FULL_DISK:
                raise TargetUnusable(target.parent, error.strerror or str(error)) from error
            return ArchiveEnding(archive, target, reason=str(error))
        except (TransferFailed, BeingWritten, LorryError) as error:
            return ArchiveEnding(archive, target, reason=str(error))
        return ArchiveEnding(archive, target)

    def _transfer(self, archive: Archive) -> Transfer:
        return Transfer(
            self._http,
            retries=self._retries,
            stop=threading.Event(),
            moved=self._listener.bytes_moved,
            check=functools.partial(self._check, archive),
        )

    def _check(self, archive: Archive, path: Path) -> None:
        _require_entries(archive, path)
        if not self._verify:
            return
        self._listener.archive_read(archive)
        try:
            with zipfile.ZipFile(path) as content:
                problem = next(broken_entries(content, progress=self._listener.bytes_verified), None)
        except BROKEN as error:
            problem = str(error)
        if problem is not None:
            raise TransferFailed(f"it is not a complete ZIP: {problem}")


def archive_path(path: Path, index: int, *, count: int) -> Path:
    """The path of archive `index` of `count`: `path` itself, or out-1-of-3.zip, numbered as the service does."""
    if count == 1:
        return path
    named_zip = path.name.lower().endswith(ZIP_ENDING)
    stem = path.name[: -len(ZIP_ENDING)] if named_zip else path.name
    return path.with_name(f"{stem}-{index + 1:0{len(str(count))}d}-of-{count}{ZIP_ENDING}")


def count_entries(path: Path) -> int:
    """The number of entries of the ZIP at `path`, by its end record. Raises TransferFailed when it has none, or when
    its central directory is not where the end record says, as in a file that lost bytes."""
    with path.open("rb") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(max(0, length - END_64.size - LOCATOR.size - END.size))
        tail = file.read()
        if len(tail) < END.size or not tail.startswith(b"PK\x05\x06", len(tail) - END.size):
            raise TransferFailed("it is not a complete ZIP: it has no end record")
        entries, size, offset = END.unpack(tail[-END.size :])[4:7]
        directory_end = length - END.size
        if tail.startswith(b"PK\x06\x06") and tail.startswith(b"PK\x06\x07", END_64.size):
            entries, size, offset = END_64.unpack_from(tail)[7:]
            directory_end -= END_64.size + LOCATOR.size
        file.seek(min(offset, length))
        if offset + size != directory_end or (entries and file.read(4) != b"PK\x01\x02"):
            raise TransferFailed("it is not a complete ZIP: its directory is not where its end record says")
    return int(entries)


def _require_entries(archive: Archive, path: Path) -> None:
    entries = count_entries(path)
    if archive.entries is not None and entries != archive.entries:
        raise TransferFailed(f"it has {entries:,} entries, but the job put {archive.entries:,} into it")


def _is_whole(path: Path, archive: Archive) -> bool:
    try:
        _require_entries(archive, path)
    except (TransferFailed, OSError):
        return False
    return True
