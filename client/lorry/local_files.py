"""Files on the disk: names that are safe on every system, and parts that become files in one step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import sys
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from lorry.models import FileOutcome

if sys.platform != "win32":
    import fcntl

MAX_NAME_BYTES = 200
"""Room below the 255 bytes of common file systems for the endings of part files."""

PART_ENDING = ".part"
NOTE_ENDING = ".part.etag"
OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def safe_name(key: str) -> str:
    """The last segment of an object key as a file name: `downloads/70000.zip` becomes `70000.zip`.

    Characters that some system forbids and a leading dot become `_`; names that Windows reserves get a leading `_`;
    long names are cut before their extension.
    """
    name = unicodedata.normalize("NFC", key.rstrip("/").rsplit("/", 1)[-1])
    name = _UNSAFE.sub("_", name.encode("utf-8", "replace").decode("utf-8")).rstrip(". ")
    if not name or name.startswith("."):
        name = "_" + name[1:]
    if _RESERVED.match(name):
        name = "_" + name
    if name.lower().endswith((PART_ENDING, NOTE_ENDING)):
        name += "_"
    return _shortened(name)


class Names:
    """Gives each file of one job a unique name, the same on every run for the same job.

    Names that differ only in case count as equal; the later file gets its index in the job, as in `data-17.zip`.
    Remembers eight bytes per name, about 7 MB for 100,000 files.
    """

    def __init__(self) -> None:
        self._taken: set[int] = set()

    def name_for(self, file: FileOutcome) -> str:
        """The name of the next file. Must be called for every file of the job, in order."""
        name = wanted = safe_name(file.key or str(file.id))
        copies = 0
        while not self._claim(name):
            copies += 1
            suffix = f"-{file.index}" if copies == 1 else f"-{file.index}-{copies}"
            stem, extension = _split(wanted)
            name = f"{stem}{suffix}{extension}"
        return name

    def _claim(self, name: str) -> bool:
        digest = int.from_bytes(hashlib.blake2b(name.casefold().encode(), digest_size=8).digest())
        if digest in self._taken:
            return False
        self._taken.add(digest)
        return True


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, extension = (part.encode() for part in _split(name))
    room = max(1, MAX_NAME_BYTES - len(extension))
    return stem[:room].decode("utf-8", "ignore") + extension[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem and len(extension) <= 16 else (name, "")


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

    def complete(self) -> None:
        """Renames the part to its final name, replacing a file of that name."""
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
