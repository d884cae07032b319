"""A file that is still arriving: `NAME.part`, with the ETag of what is in it beside it in `NAME.part.etag`.

The order of writes makes every kill harmless: the note is written only over an empty part, so a part with a
note holds bytes of exactly that version, and a part without one is started over.
"""

from __future__ import annotations

import contextlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lorry.names import NOTE_ENDING, PART_ENDING

if sys.platform != "win32":
    import fcntl

OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class BeingWritten(Exception):
    """Another process writes this very file now."""


@dataclass(frozen=True)
class ResumePoint:
    """Bytes before `offset` are here already and belong to the version `etag`."""

    offset: int
    etag: str


class PartFile:
    """The arriving form of `path`; a context manager. One process at a time: the second gets BeingWritten."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(path.name + PART_ENDING)
        self._note = path.with_name(path.name + NOTE_ENDING)
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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        self._close()
        if self.size == 0:
            self._part.unlink(missing_ok=True)
            self._note.unlink(missing_ok=True)

    def resume_point(self, size: int | None) -> ResumePoint | None:
        """Where to go on, for a file of `size` bytes; None when it must be started from its first byte.

        A part that is whole goes on one byte earlier, so that the store confirms the version.
        """
        etag = self._noted_etag()
        offset = self.size - 1 if self.size == size else self.size
        if etag is None or offset <= 0 or (size is not None and offset > size):
            return None
        return ResumePoint(offset, etag)

    def start_over(self, etag: str | None) -> None:
        """Empties the part; what is written next belongs to the version `etag` (None: it cannot be resumed)."""
        self.go_on_at(0)
        if etag is None:
            self._note.unlink(missing_ok=True)
        else:
            self._note.write_text(etag, encoding="utf-8")

    def go_on_at(self, offset: int) -> None:
        """Drops what lies behind `offset`; the next bytes are written there."""
        self._open_file.truncate(offset)
        self.size = self._open_file.seek(offset)

    def write(self, data: bytes) -> None:
        """Appends `data`. Raises OSError, for instance when the disk is full."""
        rest = memoryview(data)
        while rest:
            written = self._open_file.write(rest) or 0
            self.size += written
            rest = rest[written:]

    @property
    def arriving(self) -> Path:
        """Where the bytes are until the file is complete."""
        return self._part

    def complete(self) -> None:
        """Gives the file its name, in one step, in place of whatever had it."""
        self._close()
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
            return  # has no such locks; there a file that is open cannot be renamed, so the second command fails
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
