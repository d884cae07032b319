"""MANIFEST.json, the last entry: every requested file and what became of it. ASCII JSON, one file a line.

A CRC-32 is always eight hex digits, so the manifest's size is known before any CRC is; the zeros of the first rendering
are replaced by the second, and only then the manifest's own CRC-32 can be taken (`pieces.crc_of`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from json import JSONEncoder

from chalicelib.archive.entries import Entry, RequestedFile
from chalicelib.archive.names import MANIFEST_NAME
from chalicelib.archive.pieces import size_of

_quoted: Callable[[str], str] = JSONEncoder(ensure_ascii=True).encode  # keys may hold what UTF-8 cannot
_PIECE_LINES = 256  # that are joined into one piece: some 40 KiB
_NULL = "null"
_CLOSING = b"\n]}\n"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the manifest of one archive says. `names[i]` is the name in the archive of `files[i]`, None if not included.

    `volume` of `volumes`: which of the job's archives this is, from 1. `created` is Unix seconds.
    """

    job_id: str
    files: Sequence[RequestedFile]
    names: Sequence[str | None]
    created: int = 0
    volume: int = 1
    volumes: int = 1


def manifest_entry(manifest: Manifest) -> Entry:
    """The entry that carries the manifest: exact size, no source."""
    return Entry(MANIFEST_NAME, size_of(manifest_pieces(manifest)), manifest.created)


def manifest_pieces(manifest: Manifest, crcs: Sequence[int] | None = None) -> Iterator[bytes]:
    """The manifest's bytes. `crcs[n]` is the CRC-32 of entry number n; None stands for zeros and changes no length.

    The included files, in the order of `files`, are the entries number 0, 1, 2, ... of the archive.
    """
    yield manifest_opening(manifest)
    lines = _lines(manifest, crcs)
    first = next(lines, "")
    yield first.removeprefix(",").encode("ascii")
    while piece := "".join(islice(lines, _PIECE_LINES)):
        yield piece.encode("ascii")
    yield _CLOSING


def manifest_opening(manifest: Manifest) -> bytes:
    """What stands before the first file."""
    volumes = f'"archive":{manifest.volume},"archives":{manifest.volumes}'
    return f'{{"version":1,"job_id":{_quoted(manifest.job_id)},{volumes},"files":['.encode("ascii")


def frame_size(manifest: Manifest) -> int:
    """Bytes of the manifest besides its lines."""
    return len(manifest_opening(manifest)) + len(_CLOSING)


def line_size(file: RequestedFile, name: str | None) -> int:
    """Bytes that one file takes in a manifest, the separator included (the first one has none)."""
    return len(_line(file, name, None if name is None else 0))


def _lines(manifest: Manifest, crcs: Sequence[int] | None) -> Iterator[str]:
    number = 0
    for file, name in zip(manifest.files, manifest.names, strict=True):
        if name is None:
            yield _line(file, None, None)
        else:
            yield _line(file, name, crcs[number] if crcs is not None else 0)
            number += 1


def _line(file: RequestedFile, name: str | None, crc: int | None) -> str:
    id_ = _NULL if file.file_id is None else file.file_id
    name_ = _NULL if name is None else _quoted(name)
    reason = _NULL if file.reason is None else _quoted(file.reason)
    size = _NULL if file.size is None else file.size
    crc_ = _NULL if crc is None else f'"{crc:08x}"'
    return (
        f',\n{{"index":{file.index},"file_id":{id_},"key":{_quoted(file.key)},"name":{name_},'
        f'"state":{_quoted(file.state)},"reason":{reason},"size":{size},"crc32":{crc_}}}'
    )
