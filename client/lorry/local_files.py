"""Files on the disk: parts that become files in one step, files that are compared with the store, targets to check."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import BinaryIO

from lorry.errors import TargetUnusable
from lorry.names import NOTE_ENDING, PART_ENDING, RENAMED_LIST, beside

if sys.platform != "win32":
    import fcntl

FULL_DISK = frozenset({errno.ENOSPC, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC)})
"""Errors after which no other file can be written either."""

USUAL_PART_SIZES = tuple(mebibytes << 20 for mebibytes in (5, 8, 10, 15, 16, 20, 25, 32, 50, 64, 100, 128, 256, 512))
BUFFER_BYTES = 1 << 20
PROBE_BYTES = 1 << 16
OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_PARTS_ETAG = re.compile(r'"([0-9a-f]{32})-(\d{1,5})"')


class BeingWritten(Exception):
    """Another process is writing the same file."""


@dataclass(frozen=True)
class ResumePoint:
    """The bytes before `offset` are on the disk and belong to the version `etag`."""

    offset: int
    etag: str


class PartFile:
    """The incomplete form of `path`: `NAME.part`, with the ETag of its version in `NAME.part.etag`. A context manager.

    The order of writes makes every kill harmless: the ETag is written only over an empty part, so a part with an ETag
    holds bytes of exactly that version, and one without is started over. Raises BeingWritten for a second process.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(beside(path.name, PART_ENDING))
        self._note = path.with_name(beside(path.name, NOTE_ENDING))
        self._file: BinaryIO | None = None
        self.size = 0

    def __enter__(self) -> PartFile:
        self._file = open(os.open(self._part, OPEN_FLAGS, 0o666), "r+b", buffering=0)
        try:
            self._lock()
        except BeingWritten:
            self._file.close()
            raise
        self.size = self._file.seek(0, os.SEEK_END)
        return self

    def __exit__(self, *error: object) -> None:
        if self._file is None:
            return
        self._close()
        if self.size == 0:
            self._part.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)

    @property
    def arriving(self) -> Path:
        """Where the bytes are until the file is complete."""
        return self._part

    def resume_point(self, size: int | None) -> ResumePoint | None:
        """Where to resume a file of `size` bytes; None when it must be downloaded from its first byte.

        A complete part resumes one byte earlier, so that the store confirms its version.
        """
        etag = self._noted_etag()
        offset = self.size - 1 if self.size == size else self.size
        if etag is None or offset <= 0 or (size is not None and offset > size):
            return None
        return ResumePoint(offset, etag)

    def start_over(self, etag: str | None) -> None:
        """Empties the part; what is written next belongs to the version `etag` (None: it cannot be resumed)."""
        self.resume_at(0)
        if etag is None:
            self._note.unlink(missing_ok=True)
        else:
            self._note.write_text(etag, encoding="utf-8")

    def resume_at(self, offset: int) -> None:
        """Drops the bytes from `offset` on; the next ones are written there."""
        self._open_file.truncate(offset)
        self.size = self._open_file.seek(offset)

    def write(self, data: bytes) -> None:
        """Appends `data`. Raises OSError, for example when the disk is full."""
        rest = memoryview(data)
        while rest:
            written = self._open_file.write(rest) or 0
            self.size += written
            rest = rest[written:]

    def complete(self, modified: float | None = None) -> None:
        """Renames the part to its final name, replacing a file of that name. `modified` is the object's time, in epoch
        seconds, which the file takes over; later runs compare the two."""
        self._close()
        if modified is not None:
            os.utime(self._part, (modified, modified))
        self._note.unlink(missing_ok=True)
        os.replace(self._part, self.path)

    @property
    def _open_file(self) -> BinaryIO:
        if self._file is None:
            raise ValueError(f"{self._part} is not open")
        return self._file

    def _noted_etag(self) -> str | None:
        with contextlib.suppress(OSError, UnicodeDecodeError):
            return self._note.read_text(encoding="utf-8") or None
        return None

    def _lock(self) -> None:
        if sys.platform == "win32":
            return  # no such locks; but an open file cannot be renamed there, so the second process fails
        try:
            fcntl.flock(self._open_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BeingWritten(f"another process is writing {self._part}") from None
        except OSError:
            return  # a file system without locks

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True)
class Existing:
    """A file that is there already, kept if the store says that it is the same: by its time, or by `checksum`."""

    path: Path
    checksum: bool = False

    def conditions(self) -> dict[str, str]:
        """The headers that make a request conditional: the store answers 304 when the file is the same."""
        if self.checksum:
            return {"If-None-Match": f'"{md5_of(self.path)}"'}
        return {"If-Modified-Since": formatdate(self.path.stat().st_mtime, usegmt=True)}

    def matches(self, etag: str | None) -> bool:
        """Whether the file has the checksum in the ETag of an object that was uploaded in parts of a usual size."""
        match = _PARTS_ETAG.fullmatch(etag or "")
        if not self.checksum or not match:
            return False
        size = self.path.stat().st_size
        part_sizes = (part for part in USUAL_PART_SIZES if -(-size // part) == int(match[2]))
        return any(md5_of(self.path, part_size=part) == match[1] for part in part_sizes)


def md5_of(path: Path, *, part_size: int | None = None) -> str:
    """The MD5 of a file as S3 has it in ETags: of the file, or of the MD5s of its parts of `part_size` bytes."""
    whole, part, left = _md5(), _md5(), part_size or sys.maxsize
    with path.open("rb") as file:
        while data := file.read(min(left, BUFFER_BYTES)):
            part.update(data)
            left -= len(data)
            if not left:
                whole.update(part.digest())
                part, left = _md5(), part_size or sys.maxsize
    if part_size is None:
        return part.hexdigest()
    if left < part_size:
        whole.update(part.digest())
    return whole.hexdigest()


def prepare_folder(folder: Path) -> None:
    """Creates `folder` if needed. Raises TargetUnusable when it cannot be created or written to, as on a full disk."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(PROBE_BYTES))
            probe.flush()
    except FileExistsError:
        raise TargetUnusable(folder, "it is not a folder") from None
    except OSError as error:
        raise TargetUnusable(folder, error.strerror or str(error)) from error


def require_space(folder: Path, size: int) -> None:
    """Raises TargetUnusable when the disk of `folder` has fewer than `size` bytes left."""
    free = shutil.disk_usage(folder).free
    if size > free:
        raise TargetUnusable(folder, f"{size:,} bytes are needed, but only {free:,} are free")


def write_renamed(folder: Path, renamed: Sequence[tuple[str, str]]) -> None:
    """Lists renamed files, pairs of key and name, in their folder, if there are any. Raises TargetUnusable."""
    if not renamed:
        return
    text = json.dumps({"renamed": [{"key": key, "name": name} for key, name in renamed]}, indent=1)
    try:
        (folder / RENAMED_LIST).write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        raise TargetUnusable(folder, error.strerror or str(error)) from error


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)
