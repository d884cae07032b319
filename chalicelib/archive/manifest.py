"""MANIFEST.json, the last member: every requested file and what became of it. ASCII JSON, one file a line.

A line is rendered before any CRC-32 is known. As one is always eight hex digits and ends its line, the manifest's size
is known from the start, and CRC-32s are written over the zeros later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from json import JSONEncoder

from chalicelib.archive.entries import Entry

_quoted: Callable[[str], str] = JSONEncoder(ensure_ascii=True).encode  # keys may hold what UTF-8 cannot
_NULL = "null"
_OPEN_CRC = re.compile(rb'"crc32":"0{8}"\}(?=,?\n)')  # no string holds a raw line break, so this only ends lines
_CRC_PLACE = len(b'"crc32":"')

SEPARATOR, LAST = b",\n", b"\n"  # behind each line but the last, and behind this one
CLOSING = b"]}\n"


def opening(job_id: str, volume: int, *, volumes: int) -> bytes:
    """What stands before the first line; `volume` of `volumes`: which of the job's archives this is, from 1."""
    archives = f'"archive":{volume},"archives":{volumes}'
    return f'{{"version":1,"job_id":{_quoted(job_id)},{archives},"files":[\n'.encode("ascii")


def line(row: int, entry: Entry, *, name: str | None) -> str:
    """The line of a requested file, its CRC-32 open; `name` is None where it is not in the archive."""
    file_id = _NULL if entry.file_id is None else entry.file_id
    size = _NULL if entry.size is None else entry.size
    crc32 = _NULL if name is None else '"00000000"'
    outcome = f'"name":{_nullable(name)},"state":{_quoted(entry.state)},"reason":{_nullable(entry.reason)}'
    version = f'"etag":{_nullable(entry.etag or None)},"contentEncoding":{_nullable(entry.encoding)}'
    place = f'"index":{row},"file_id":{file_id},"key":{_quoted(entry.key)}'
    return f'{{{place},{outcome},"size":{size},{version},"crc32":{crc32}}}'


def _nullable(text: str | None) -> str:
    return _NULL if text is None else _quoted(text)


def patch_lines(body: bytearray, start: int, *, stop: int, crcs: Iterator[int]) -> None:
    """Write CRC-32s into the whole lines among bytes [start, stop): those of the members, in their order."""
    for found in _OPEN_CRC.finditer(body, start, stop):
        place = found.start() + _CRC_PLACE
        body[place : place + 8] = b"%08x" % next(crcs)
