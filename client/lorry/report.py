"""What a download tells: while it goes on (a listener), and at its end (a report)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lorry.model import Archive, FileOutcome, Job


@dataclass(frozen=True)
class Download:
    """What became of a download into `folder`.

    `complete` files are in the folder, of which `skipped` were there before; `bytes` is their size. `missing`
    files are not in the store; `failed` ones could not be had, each with a `reason`.
    """

    folder: Path
    complete: int = 0
    skipped: int = 0
    bytes: int = 0
    missing: tuple[FileOutcome, ...] = ()
    failed: tuple[FileOutcome, ...] = ()

    @property
    def total(self) -> int:
        """How many files the job has."""
        return self.complete + len(self.missing) + len(self.failed)

    @property
    def ok(self) -> bool:
        """True when every file of the job is in the folder."""
        return not self.missing and not self.failed


@dataclass(frozen=True)
class FileEnding:
    """The end of one file: at `path`, also when it was there before (`skipped`), or nowhere (None)."""

    file: FileOutcome
    path: Path | None
    skipped: bool = False


@dataclass(frozen=True)
class ArchiveEnding:
    """The end of one archive: it is whole at `path`, also when it was there before (`skipped`), or `reason` says why
    it is not."""

    archive: Archive
    path: Path
    skipped: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class ArchiveDownload:
    """What became of the archives of a job of `total` files.

    `missing` files are not in the store and `failed` ones could not be read: none of them is in the archives.
    """

    archives: tuple[ArchiveEnding, ...]
    total: int
    missing: tuple[FileOutcome, ...] = ()
    failed: tuple[FileOutcome, ...] = ()

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the whole archives are."""
        return tuple(ending.path for ending in self.archives if ending.reason is None)

    @property
    def broken(self) -> tuple[ArchiveEnding, ...]:
        """The archives that could not be had."""
        return tuple(ending for ending in self.archives if ending.reason is not None)

    @property
    def bytes(self) -> int:
        """The size of the whole archives."""
        return sum(ending.archive.size for ending in self.archives if ending.reason is None)

    @property
    def ok(self) -> bool:
        """True when every archive is here, with every file of the job in them."""
        return not self.broken and not self.missing and not self.failed


class DownloadListener:
    """Hears how a download goes; every method does nothing until overridden. Called from several threads."""

    def archives_read(self, job: Job) -> None:
        """The job whose archives come next, once; in place of `job_read`."""

    def job_read(self, job: Job) -> None:
        """The job of the download, once for each page."""

    def bytes_moved(self, count: int) -> None:
        """`count` more bytes are on the disk; negative when a file is started over."""

    def file_ended(self, ending: FileEnding) -> None:
        """A file is complete, missing or failed."""

    def archive_ended(self, ending: ArchiveEnding) -> None:
        """An archive is complete or failed."""
