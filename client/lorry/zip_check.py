"""Whether a file on the disk is a whole ZIP: reads its end and walks its central directory.

It reads record after record, so memory does not grow with the number of entries (`zipfile` keeps some 700 bytes of
each). Formats are those of APPNOTE.TXT: end record, ZIP64 locator and end record, directory entries.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

END = struct.Struct("<4s4H2LH")
LOCATOR = struct.Struct("<4sLQL")
END_64 = struct.Struct("<4sQ2H2L4Q")
ENTRY = struct.Struct("<4s6H3L5H2L")
END_MARK, LOCATOR_MARK, END_64_MARK, ENTRY_MARK = b"PK\x05\x06", b"PK\x06\x07", b"PK\x06\x06", b"PK\x01\x02"
LONGEST_COMMENT = 0xFFFF


class NotAZip(Exception):
    """The file is no whole ZIP; the message is the reason, for a person."""


@dataclass(frozen=True)
class Directory:
    """Where the central directory is: `entries` records in `size` bytes that end at `end`."""

    entries: int
    size: int
    end: int


def count_entries(path: Path) -> int:
    """How many entries the ZIP at `path` has. Raises NotAZip unless every record of its directory is in its place."""
    with path.open("rb") as file:
        directory = _find_directory(file)
        _walk(file, directory)
    return directory.entries


def _find_directory(file: BinaryIO) -> Directory:
    length = file.seek(0, os.SEEK_END)
    tail_at = max(0, length - END.size - LONGEST_COMMENT)
    file.seek(tail_at)
    tail = file.read()
    at = tail.rfind(END_MARK)
    if at < 0 or at + END.size > len(tail):
        raise NotAZip("it has no end record")
    end = tail_at + at
    entries, size, offset, end = _find_64(file, end) or (*END.unpack_from(tail, at)[4:7], end)
    if offset + size != end:
        raise NotAZip("its central directory is not where its end record says")
    return Directory(entries, size, end)


def _find_64(file: BinaryIO, end: int) -> tuple[int, int, int, int] | None:
    """Entries, size, offset and end of the directory by the ZIP64 records; None when there are none."""
    if end < LOCATOR.size:
        return None
    file.seek(end - LOCATOR.size)
    mark, _, at, _ = LOCATOR.unpack(file.read(LOCATOR.size))
    if mark != LOCATOR_MARK:
        return None
    file.seek(min(at, end))
    record = file.read(END_64.size)
    if len(record) < END_64.size or not record.startswith(END_64_MARK):
        raise NotAZip("its ZIP64 end record is not where its locator says")
    entries, size, offset = END_64.unpack(record)[7:]
    return entries, size, offset, at


def _walk(file: BinaryIO, directory: Directory) -> None:
    left = directory.size
    file.seek(directory.end - directory.size)
    for number in range(directory.entries):
        record = file.read(ENTRY.size)
        if left < ENTRY.size or not record.startswith(ENTRY_MARK):
            raise NotAZip(f"its central directory breaks off after {number:,} of {directory.entries:,} entries")
        variable = sum(ENTRY.unpack(record)[10:13])
        file.read(variable)
        left -= ENTRY.size + variable
    if left:
        raise NotAZip(f"its central directory holds more than its {directory.entries:,} entries")
