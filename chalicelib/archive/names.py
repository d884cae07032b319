"""Object keys become names that every unpacker on every system can write: safe first, then unique.

A name follows from its key alone, but for a counter where names clash, so it is derived when it is needed and not
kept. Names that differ only in case, in Unicode form or in invisible characters clash, because Windows and macOS take
them for the same file.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from itertools import chain, count

from chalicelib.limits import S3_MAX_KEY_BYTES, ZIP_MAX_NAME_BYTES

MANIFEST_NAME = "MANIFEST.json"
MANIFEST_FOLDER = "_lorry"  # holds the manifest where files have a claim to its name
REPEATED = 0  # the counter of a folder that has an entry already

# No name that a person reads may hold these: controls (C0, C1), line separators, and what turns the reading direction.
# As in a class of a regular expression, of Python's and of JSON Schema's kind. client/lorry/names.py has the same.
DECEPTIVE = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"

_MAX_SEGMENT_BYTES = 255  # ext4, APFS and NTFS: one component of a path
_RECORD_BYTES = (
    46 + 28 + 9
)  # a directory record with its extra fields shares 65,535 bytes with the name (APPNOTE 4.4.10)
_COUNTER_ROOM = 12  # bytes kept free for " (2)" in a segment that had to be cut
_MAX_EXTENSION = 20  # characters after the last dot that are kept as an extension

_WORD = r"(?!(?i:CON|PRN|AUX|NUL|COM[0-9]|LPT[0-9])(?:[./]|\Z))[A-Za-z0-9_+=@-]+"
_PLAIN = re.compile(rf"{_WORD}(?:[./]{_WORD})*\Z")  # a path without anything to be careful about but long segments
_FORBIDDEN = re.compile(
    rf'[{DECEPTIVE}<>:"|?*\\/'  # Windows refuses these (the colon is of drive letters and streams)
    "\ud800-\udfff\ufffe\uffff]"  # lone surrogates have no UTF-8
)
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:\.|\Z)", re.IGNORECASE
)
_EXTENSION = re.compile(rf"\.[^. ]{{1,{_MAX_EXTENSION}}}\Z")
_COUNTER = re.compile(r" \(\d+\)")
_INVISIBLE = dict.fromkeys([0xAD, 0x034F, *range(0x200B, 0x2010), *range(0xFE00, 0xFE10)])


class Naming(Enum):
    """`flat`: the last segment of the key. `tree`: the key's path below the requested prefix."""

    FLAT = "flat"
    TREE = "tree"


def name_of_key(key: str, naming: Naming, *, prefix: str = "") -> str:
    """The safe name of an object; `prefix` is cut off in a tree, up to its last slash."""
    if naming is Naming.FLAT:
        return safe_name(key.rstrip("/").rpartition("/")[2])
    return safe_name(_below(key, prefix))


def folder_name(key: str, prefix: str) -> str:
    """The name of a folder marker in a tree, with its slash; empty if it marks the root."""
    path = _below(key, prefix)
    return f"{safe_name(path)}/" if set(path.split("/")) - {"", "."} else ""


def _below(key: str, prefix: str) -> str:
    return key.removeprefix(prefix[: prefix.rfind("/") + 1])


def file_name(key: str) -> str:
    """The name under which a browser saves an object."""
    return name_of_key(key, Naming.FLAT)


# --- safe ----------------------------------------------------------------------------


def safe_name(path: str) -> str:
    """A relative path of safe segments. Empty and `.` segments vanish; a path without any other becomes `_`."""
    if len(path) <= S3_MAX_KEY_BYTES and _PLAIN.match(path) and _has_short_segments(path):
        return path
    segments = [safe_segment(part) for part in path.split("/") if part not in ("", ".")]
    return "/".join(_shortened(segments)) or "_"


def _has_short_segments(path: str) -> bool:
    """Whether no segment of an ASCII path has to be cut."""
    return len(path) <= _MAX_SEGMENT_BYTES or max(map(len, path.split("/"))) <= _MAX_SEGMENT_BYTES


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
    return "".join(_roomy(segment))


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


def settle(names: Iterable[tuple[int, str]], name_at: Callable[[int], str]) -> tuple[dict[int, int], str]:
    """The places whose names clash, each with the counter that makes its name unique (`counted_name`), and a name for
    the manifest that none of them has.

    `names` are all places with their names, each of which `name_at` gives again. Those of folders end in a slash; all
    but the first of equal ones are `REPEATED`.

    A name clashes with an equal one before it, and with a folder that another name needs. Names are compared by 64-bit
    digests: a hundred thousand of them take 10 MB however long they are, and two that are taken for equal by chance
    cost a counter that was not needed.
    """
    taken = _Taken()
    late = [place for place, name in names if not taken.add(name, place)]
    late += taken.folders_among(name_at)
    manifest = taken.claim_manifest()
    series: dict[int, int] = {}  # the last counter of each folder, stem and extension: equal names stay linear
    found = {}
    for place in sorted(late):
        name = name_at(place)
        if name.endswith("/"):
            found[place] = REPEATED
            continue
        key = hash(folded(counted_name(name, 0)))
        number = series.get(key, 1) + 1
        while not taken.add_counted(counted_name(name, number)):
            number += 1
        found[place] = series[key] = number
    return found, manifest


def counted_name(name: str, number: int) -> str:
    """`a.txt` and 2 give `a (2).txt`."""
    folder, slash, last = name.rpartition("/")
    stem, extension = _roomy(last)
    return f"{folder}{slash}{stem} ({number}){extension}"


class _Taken:
    """Digests of the names that are given out, and of folders that a name might clash with."""

    def __init__(self) -> None:
        self._names: dict[int, int] = {}  # with the places of those that are not counted
        self._parents: dict[int, int] = {}  # folders that files lie in, with the place of one of these
        self._folders: set[int] = set()

    def add(self, name: str, place: int) -> bool:
        """False if an equal name is taken."""
        key = folded(name)
        parent = key.rpartition("/")[0]
        if parent:
            self._parents.setdefault(hash(parent), place)
        return self._names.setdefault(hash(key), place) == place

    def folders_among(self, name_at: Callable[[int], str]) -> Iterator[int]:
        """The places whose names are taken as files, while other names need them as folders."""
        for place in self._parents.values():
            for folder in _ancestors(folded(name_at(place))):
                key = hash(folder)
                if (
                    key in self._names
                    or folder.endswith(_MANIFEST_KEY)
                    or _COUNTER.search(folder, folder.rfind("/") + 1)
                ):
                    self._folders.add(key)
        return (self._names[key] for key in self._folders if self._names.get(key, -1) >= 0)

    def claim_manifest(self) -> str:
        """The first name for the manifest that leaves every other name as it is."""
        folders = chain(["", MANIFEST_FOLDER], (f"{MANIFEST_FOLDER} ({number})" for number in count(2)))
        for folder in folders:
            name = f"{folder}/{MANIFEST_NAME}" if folder else MANIFEST_NAME
            key, parent = hash(folded(name)), hash(folded(folder))
            if key not in self._names and key not in self._folders and parent not in self._names:
                break
        self._names[key] = -1
        self._folders.add(parent)
        return name

    def add_counted(self, name: str) -> bool:
        """The same for a counted name, which must not be a folder either."""
        key = hash(folded(name))
        if key in self._names or key in self._folders:
            return False
        self._names[key] = -1
        return True


def _ancestors(path: str) -> Iterator[str]:
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def _roomy(segment: str) -> tuple[str, str]:
    """Stem and extension with room for a counter between them."""
    match = _EXTENSION.search(segment, 1)  # from 1: a dot file is all stem
    stem, extension = (segment[: match.start()], match.group()) if match else (segment, "")
    room = _MAX_SEGMENT_BYTES - _COUNTER_ROOM - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore"), extension
