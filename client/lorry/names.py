"""Names of files: safe on every system, unique in their folder, and chosen by patterns. Keys are data, never paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lorry.models import FileOutcome

MAX_NAME_BYTES = 255
"""ext4, APFS and NTFS: one component of a path."""

PART_ENDING = ".part"
NOTE_ENDING = ".part.etag"

RENAMED_LIST = "lorry-renamed.json"
"""Lists the files of a folder whose names differ from their keys; no file gets this name."""

# Controls, line separators, what turns the reading direction, and what Windows refuses: as in names inside the ZIP.
_DECEPTIVE = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_UNSAFE = re.compile(rf'[{_DECEPTIVE}<>:"/\\|?*\ud800-\udfff\ufffe\uffff]')
_DECEIVER = re.compile(rf"[{_DECEPTIVE}\ud800-\udfff]")
_DEVICE = re.compile(
    r"(?:CON|PRN|AUX|NUL|CLOCK\$|CONIN\$|CONOUT\$|(?:COM|LPT)[0-9\u00b9\u00b2\u00b3]) *(?:\.|\Z)", re.IGNORECASE
)
_EXTENSION = re.compile(r"\.[^. ]{1,20}\Z")
_INVISIBLE = dict.fromkeys([0xAD, 0x034F, *range(0x200B, 0x2010), *range(0xFE00, 0xFE10)])
_COUNTER_ROOM = 12  # bytes kept free for " (2)" in a name that has to be cut


def safe_name(key: str) -> str:
    """The last segment of an object key as a file name, as in the service's ZIPs: `a/70000.zip` becomes `70000.zip`.

    Characters that some system forbids or that deceive a reader become `_`, as do `.` and `..`; names that Windows
    reserves get a leading `_`; long names are cut before their extension. A name that ends as part files do gets a
    trailing `_`.
    """
    name = _UNSAFE.sub("_", unicodedata.normalize("NFC", key.rstrip("/").rsplit("/", 1)[-1]))
    name = _cut(name).rstrip(". ")
    if _DEVICE.match(name):
        name = _cut(f"_{name}")
    if name.lower().endswith((PART_ENDING, NOTE_ENDING)):
        name = _cut(f"{name}_")
    return name or "_"


def beside(name: str, ending: str) -> str:
    """The name of a file that belongs to another; where the sum is too long, a digest stands for the name."""
    together = name + ending
    return together if len(together.encode()) <= MAX_NAME_BYTES else f"{_digest(name):016x}{ending}"


def printable(text: str) -> str:
    """The text as a terminal may show it: what would move the cursor or turn the reading direction is escaped."""
    return _DECEIVER.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Names:
    """Gives each file of one job a unique path below the target folder, the same on every run for the same job.

    By default that is the last segment of its key. With `tree`, the folders of the key are kept, except those of
    `prefix`. Of names that some file system takes for one, the later ones are counted as in the service's ZIPs, as in
    `data (2).zip`, which is a name that no other file has. A file gives way to a folder of its name. Both take a
    `survey` of all files; without one, a folder that comes as a surprise gets a trailing `_`. Remembers some twenty
    bytes per name.
    """

    def __init__(self, *, tree: bool = False, prefix: str = "") -> None:
        self._tree = tree
        self._prefix = prefix[: prefix.rfind("/") + 1]
        self._first: dict[int, int] = {_digest(RENAMED_LIST): -1}  # of each name, the place of the file that has it
        self._folders: set[int] = set()
        self._given: set[int] = set()
        self._counters: dict[int, int] = {}  # the last of each name that clashed
        self._surveyed = self._place = 0

    def survey(self, files: Iterable[FileOutcome]) -> None:
        """Takes note of all files of the job, in order, before the first path is asked for."""
        for file in files:
            if file.state == "folder":
                self.folder_for(file)
            else:
                self._first.setdefault(_digest(self._wanted(file)), self._surveyed)
                self._surveyed += 1

    def path_for(self, file: FileOutcome) -> str:
        """The path of the next file, with `/` between segments. Must be called for every file of the job, in order."""
        path, place = self._wanted(file), self._place
        self._place += 1
        digest = _digest(path)
        if self._first.setdefault(digest, place) != place or digest in self._folders:
            path = self._counted(path)
            digest = _digest(path)
        self._given.add(digest)
        return path

    def _wanted(self, file: FileOutcome) -> str:
        key = file.key or str(file.id)
        if not self._tree:
            return safe_name(key)
        *folders, name = self._segments(key) or ["_"]
        return self._folder(folders) + safe_name(name)

    def _counted(self, path: str) -> str:
        """The path with the first number that makes it a name of no other."""
        series = _digest(_with_number(path, 0))  # equal names stay linear
        number = self._counters.get(series, 1) + 1
        while (digest := _digest(_with_number(path, number))) in self._first or digest in self._folders:
            number += 1
        self._counters[series] = number
        self._first[digest] = -1
        return _with_number(path, number)

    def folder_for(self, file: FileOutcome) -> str:
        """The path of a folder marker, in a tree; empty if it marks the root. Must be called in order, too."""
        return self._folder(self._segments(file.key or "")) if self._tree else ""

    def is_renamed(self, file: FileOutcome, path: str) -> bool:
        """Whether the path of a file differs from its key, below the prefix in a tree."""
        key = file.key or str(file.id)
        return path != (key.removeprefix(self._prefix) if self._tree else key.rpartition("/")[2])

    def _segments(self, key: str) -> list[str]:
        """Those of the key below the prefix. Empty ones and `.` vanish."""
        return [segment for segment in key.removeprefix(self._prefix).split("/") if segment not in ("", ".")]

    def _folder(self, segments: Sequence[str]) -> str:
        """The path of a folder, with a slash, each segment safe and not the name of a file."""
        folder = ""
        for segment in segments:
            folder += safe_name(segment)
            while _digest(folder) in self._given:
                folder += "_"
            self._folders.add(_digest(folder))
            folder += "/"
        return folder


def is_wanted(key: str, *, include: Sequence[str], exclude: Sequence[str]) -> bool:
    """Whether the key matches one of the patterns `include` (if any) and none of `exclude`.

    A pattern (`*`, `?`, `[abc]`, where `*` also matches `/`) is compared with the whole key and with each of its ends
    that follow a `/`: `*.csv` and `2024/*` both match `downloads/2024/a.csv`.
    """
    if any(_matches(key, pattern) for pattern in exclude):
        return False
    return not include or any(_matches(key, pattern) for pattern in include)


def _matches(key: str, pattern: str) -> bool:
    return fnmatchcase(key, pattern) or fnmatchcase(key, f"*/{pattern}")


def _digest(path: str) -> int:
    return int.from_bytes(hashlib.blake2b(_folded(path).encode(), digest_size=8).digest())


def _folded(name: str) -> str:
    """What two names share exactly if some file system takes them for one: case, Unicode form, invisible characters."""
    if name.isascii():
        return name.lower()
    upper = unicodedata.normalize("NFD", name.translate(_INVISIBLE)).casefold().upper()
    return unicodedata.normalize("NFKC", upper.casefold())


def _cut(name: str) -> str:
    return name if len(name.encode()) <= MAX_NAME_BYTES else "".join(_split(name))


def _with_number(path: str, number: int) -> str:
    """`a.txt` and 2 give `a (2).txt`."""
    folder, slash, name = path.rpartition("/")
    stem, extension = _split(name)
    return f"{folder}{slash}{stem} ({number}){extension}"


def _split(name: str) -> tuple[str, str]:
    """Stem and extension with room for a counter between them."""
    match = _EXTENSION.search(name, 1)  # from 1: a dot file is all stem
    stem, extension = (name[: match.start()], match.group()) if match else (name, "")
    room = MAX_NAME_BYTES - _COUNTER_ROOM - len(extension.encode())
    return stem.encode()[:room].decode(errors="ignore"), extension
