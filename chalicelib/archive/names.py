"""Object keys become names that every unpacker on every system can write: safe first, then unique.

Both steps are deterministic: the same keys in the same order give the same names. Names that differ only in case, in
Unicode form or in invisible characters count as equal, because Windows and macOS take them for the same file.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from enum import Enum

from chalicelib.limits import ZIP_MAX_NAME_BYTES

MANIFEST_NAME = "MANIFEST.json"

_MAX_SEGMENT_BYTES = 255  # ext4, APFS and NTFS: one component of a path
_RECORD_BYTES = 46 + 28  # a directory record and its ZIP64 field share 65,535 bytes with the name (APPNOTE 4.4.10)
_COUNTER_ROOM = 12  # bytes kept free for " (2)" in a segment that had to be cut
_MAX_EXTENSION = 20  # characters after the last dot that are kept as an extension

_PLAIN = re.compile(r"[A-Za-z0-9_+=@-]+(\.[A-Za-z0-9_+=@-]+)*\Z")
_FORBIDDEN = re.compile(
    r'[\x00-\x1f\x7f-\x9f<>:"|?*\\/'  # controls, and what Windows refuses (the colon of drive letters and streams)
    "\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"  # line separators and what turns the reading direction
    "\ud800-\udfff\ufffe\uffff]"  # lone surrogates have no UTF-8
)
_DEVICE = re.compile(r"(CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(\.|\Z)", re.I)
_EXTENSION = re.compile(rf"\.[^. ]{{1,{_MAX_EXTENSION}}}\Z")
_INVISIBLE = dict.fromkeys([0xAD, 0x034F, *range(0x200B, 0x2010), *range(0xFE00, 0xFE10)])


class NameLayout(Enum):
    """`flat`: the last segment of the key. `tree`: the key's path below the requested prefix."""

    FLAT = "flat"
    TREE = "tree"


def archive_names(keys: Iterable[str], layout: NameLayout, *, prefix: str = "") -> list[str]:
    """A safe and unique name for every key, in the order of the keys. `MANIFEST.json` is never given out."""
    return unique_names([safe_name(_relative(key, layout, prefix)) for key in keys])


def _relative(key: str, layout: NameLayout, prefix: str) -> str:
    if layout is NameLayout.FLAT:
        return key.rstrip("/").rpartition("/")[2]
    folder = prefix[: prefix.rfind("/") + 1]
    return key.removeprefix(folder)


# --- safe ----------------------------------------------------------------------------


def safe_name(path: str) -> str:
    """A relative path of safe segments. Empty and `.` segments vanish; a path without any other becomes `_`."""
    segments = [safe_segment(part) for part in path.split("/") if part not in ("", ".")]
    if len(segments) > 1 and folded(segments[0]) == _MANIFEST_KEY:
        segments[0] = f"_{segments[0]}"  # a folder of that name would clash with the file
    return "/".join(_shortened(segments)) or "_"


def safe_segment(segment: str) -> str:
    """One component of a path that Windows, macOS and Linux accept: at most 255 bytes of NFC, never empty."""
    if len(segment) > _MAX_SEGMENT_BYTES or not _PLAIN.match(segment):
        segment = _FORBIDDEN.sub("_", unicodedata.normalize("NFC", segment))
        segment = _cut(segment).rstrip(". ")  # Windows drops trailing dots and spaces; `..` goes the same way
    if _DEVICE.match(segment):
        segment = _cut(f"_{segment}")
    return segment or "_"


def _cut(segment: str) -> str:
    """At most 255 bytes: the stem gives way, the extension stays, and there is room for a counter."""
    if len(segment.encode()) <= _MAX_SEGMENT_BYTES:
        return segment
    stem, extension = _split(segment)
    room = _MAX_SEGMENT_BYTES - _COUNTER_ROOM - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore") + extension


def _shortened(segments: list[str]) -> list[str]:
    """The last segments that fit into a ZIP's record, counter included."""
    room = ZIP_MAX_NAME_BYTES - _RECORD_BYTES - _COUNTER_ROOM
    for index in range(len(segments) - 1, -1, -1):
        room -= len(segments[index].encode()) + 1
        if room < 0:
            return segments[index + 1 :]
    return segments


# --- unique --------------------------------------------------------------------------


def folded(name: str) -> str:
    """What two names share exactly if some file system takes them for one: case, Unicode form, invisible characters."""
    if name.isascii():
        return name.lower()
    upper = unicodedata.normalize("NFD", name.translate(_INVISIBLE)).casefold().upper()
    return unicodedata.normalize("NFKC", upper.casefold())


_MANIFEST_KEY = folded(MANIFEST_NAME)


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, those that clash with a sibling counted up: `a.txt`, `a (2).txt`. The first of equals keeps its name.

    A name clashes with an equal one, with a folder that another name needs, and with the manifest.
    """
    keys = [folded(name) for name in names]
    folders = _Folders(keys)
    taken = {_MANIFEST_KEY}
    late: list[int] = []
    for index, key in enumerate(keys):
        if key in taken or folders.contain(key):
            late.append(index)
        else:
            taken.add(key)
    result = list(names)
    counters: dict[str, int] = {}
    for index in late:
        result[index] = _counted(names[index], taken, folders, counters)
    return result


class _Folders:
    """Which folders the names need. Sorted paths and no set of all prefixes: deep paths would make that quadratic."""

    def __init__(self, keys: Iterable[str]) -> None:
        self._paths = sorted({key.rpartition("/")[0] + "/" for key in keys if "/" in key})

    def contain(self, key: str) -> bool:
        if not self._paths:
            return False
        path = key + "/"
        place = bisect_left(self._paths, path)
        return place < len(self._paths) and self._paths[place].startswith(path)


def _counted(name: str, taken: set[str], folders: _Folders, counters: dict[str, int]) -> str:
    """The first free `stem (n).ext`. One counter per stem and extension: 100,000 equal names stay linear."""
    folder, slash, last = name.rpartition("/")
    stem, extension = _roomy(last)
    series = folded(f"{folder}{slash}{stem}/{extension}")
    number = counters.get(series, 1)
    while True:
        number += 1
        candidate = f"{folder}{slash}{stem} ({number}){extension}"
        key = folded(candidate)
        if key not in taken and not folders.contain(key):
            taken.add(key)
            counters[series] = number
            return candidate


def _roomy(segment: str) -> tuple[str, str]:
    """Stem and extension with room for a counter between them."""
    stem, extension = _split(segment)
    room = _MAX_SEGMENT_BYTES - _COUNTER_ROOM - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore"), extension


def _split(segment: str) -> tuple[str, str]:
    match = _EXTENSION.search(segment, 1)  # from 1: a dot file is all stem
    return (segment[: match.start()], match.group()) if match else (segment, "")
