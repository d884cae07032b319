"""What a download reports: while it runs (to a listener), and at its end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lorry.models import Archive, FileOutcome, Job


@dataclass(frozen=True, repr=False)
class Download:
    """The result of a download into `folder`.

    `names` are the paths of the complete files below the folder, in the order of the job; `skipped` of them were kept
    from before; `bytes` is their size. `missing` files are not in the store; `failed` ones could not be downloaded,
    each with a `reason`. `excluded` files were not wanted (`include`, `exclude`) and count nowhere else. `renamed` has
    the complete files whose names differ from their keys, as pairs of key and name.
    """

    folder: Path
    names: tuple[str, ...] = ()
    skipped: int = 0
    bytes: int = 0
    missing: tuple[FileOutcome, ...] = ()
    failed: tuple[FileOutcome, ...] = ()
    excluded: int = 0
    renamed: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        lost = f"{len(self.missing):,} missing, {len(self.failed):,} failed"
        return f"<Download: {self.complete:,} files in {self.folder}, {self.bytes:,} bytes, {lost}>"

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the complete files are, in the order of the job."""
        return tuple(self.folder / name for name in self.names)

    @property
    def complete(self) -> int:
        """The number of files that are in the folder."""
        return len(self.names)

    @property
    def total(self) -> int:
        """The number of wanted files of the job."""
        return self.complete + len(self.missing) + len(self.failed)

    @property
    def ok(self) -> bool:
        """True when every wanted file of the job is in the folder."""
        return not self.missing and not self.failed


@dataclass(frozen=True)
class FileEnding:
    """The end of one file: complete at `path` (from before if `skipped`), or not downloaded (None)."""

    file: FileOutcome
    path: Path | None
    skipped: bool = False


@dataclass(frozen=True)
class ArchiveEnding:
    """The end of one archive: complete at `path` (from before if `skipped`), or not downloaded for a `reason`."""

    archive: Archive
    path: Path
    skipped: bool = False
    reason: str | None = None


@dataclass(frozen=True, repr=False)
class ArchiveDownload:
    """The result of downloading the archives of a job with `total` files.

    `missing` files are not in the store and `failed` ones could not be read: the archives contain neither.
    """

    archives: tuple[ArchiveEnding, ...]
    total: int
    missing: tuple[FileOutcome, ...] = ()
    failed: tuple[FileOutcome, ...] = ()

    def __repr__(self) -> str:
        lost = f"{len(self.missing):,} files missing, {len(self.failed):,} failed"
        return f"<ArchiveDownload: {', '.join(map(str, self.paths)) or 'nothing'}, {self.bytes:,} bytes, {lost}>"

    @property
    def paths(self) -> tuple[Path, ...]:
        """The complete archives."""
        return tuple(ending.path for ending in self.archives if ending.reason is None)

    @property
    def broken(self) -> tuple[ArchiveEnding, ...]:
        """The archives that could not be downloaded."""
        return tuple(ending for ending in self.archives if ending.reason is not None)

    @property
    def bytes(self) -> int:
        """The size of the complete archives."""
        return sum(ending.archive.size for ending in self.archives if ending.reason is None)

    @property
    def ok(self) -> bool:
        """True when every archive is complete and contains every file of the job."""
        return not self.broken and not self.missing and not self.failed


class DownloadListener:
    """Follows a download; every method does nothing until overridden. Called from several threads."""

    def archives_read(self, job: Job) -> None:
        """The job whose archives are downloaded next, once; in place of `job_read`."""

    def job_read(self, job: Job) -> None:
        """The job of the download, once per page."""

    def bytes_moved(self, count: int) -> None:
        """`count` more bytes are on the disk; negative when a file is restarted."""

    def file_ended(self, ending: FileEnding) -> None:
        """A file is complete, missing or failed."""

    def archive_read(self, archive: Archive) -> None:
        """An archive is downloaded, and its entries are verified next."""

    def bytes_verified(self, count: int) -> None:
        """`count` more bytes of the archive are verified."""

    def archive_ended(self, ending: ArchiveEnding) -> None:
        """An archive is complete or failed."""
