"""Names of files: safe on every system, unique in their folder, and chosen by patterns. Keys are data, never paths."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lorry.models import FileOutcome

MAX_NAME_BYTES = 200
"""Room below the 255 bytes of common file systems for the endings of part files."""

PART_ENDING = ".part"
NOTE_ENDING = ".part.etag"

RENAMED_LIST = "lorry-renamed.json"
"""Lists the files of a folder whose names differ from their keys; no file gets this name."""

# Controls, line separators, what turns the reading direction, and what Windows refuses: as in names inside the ZIP.
_DECEPTIVE = r"\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff"
_UNSAFE = re.compile(rf'[{_DECEPTIVE}<>:"/\\|?*\ufffe\uffff]')
_DECEIVER = re.compile(rf"[{_DECEPTIVE}\ud800-\udfff]")
_RESERVED = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)")


def safe_name(key: str) -> str:
    """The last segment of an object key as a file name: `downloads/70000.zip` becomes `70000.zip`.

    Characters that some system forbids or that deceive a reader become `_`, as do `.` and `..`; names that Windows
    reserves get a leading `_`; long names are cut before their extension.
    """
    name = unicodedata.normalize("NFC", key.rstrip("/").rsplit("/", 1)[-1])
    name = _UNSAFE.sub("_", name.encode("utf-8", "replace").decode("utf-8")).rstrip(". ")
    name = name or "_"
    if _RESERVED.match(name):
        name = "_" + name
    if name.lower().endswith((PART_ENDING, NOTE_ENDING)):
        name += "_"
    return _shortened(name)


def printable(text: str) -> str:
    """The text as a terminal may show it: what would move the cursor or turn the reading direction is escaped."""
    return _DECEIVER.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class Names:
    """Gives each file of one job a unique path below the target folder, the same on every run for the same job.

    By default that is the last segment of its key. With `tree`, the folders of the key are kept, except those of
    `prefix`. Names that differ only in case count as equal; the later ones are counted as in the service's ZIPs, as in
    `data (2).zip`. A file gives way to a folder of its name that is known beforehand (`keep_folders`); one that comes
    as a surprise gets a trailing `_`. Remembers eight bytes per name, about 7 MB for 100,000 files.
    """

    def __init__(self, *, tree: bool = False, prefix: str = "") -> None:
        self._tree = tree
        self._prefix = prefix[: prefix.rfind("/") + 1]
        self._files: set[int] = {_digest(RENAMED_LIST)}
        self._folders: set[int] = set()
        self._counters: dict[int, int] = {}  # the last of each name that clashed

    def keep_folders(self, files: Iterable[FileOutcome]) -> None:
        """Keeps the names of the folders that these files lie in, or mark, free of files."""
        for file in files:
            key = file.key or ""
            self._folder_of(key if file.state == "folder" else key.rstrip("/"))

    def path_for(self, file: FileOutcome) -> str:
        """The path of the next file, with `/` between segments. Must be called for every file of the job, in order."""
        key = file.key or str(file.id)
        folder = self._folder_of(key.rstrip("/")) if self._tree else ""
        wanted = safe_name(key)
        path = folder + wanted
        if self._claim(path):
            return path
        stem, extension = _split(wanted)
        clash = _digest(path)
        number = self._counters.get(clash, 1) + 1
        while not self._claim(f"{folder}{stem} ({number}){extension}"):
            number += 1
        self._counters[clash] = number
        return f"{folder}{stem} ({number}){extension}"

    def folder_for(self, file: FileOutcome) -> str:
        """The path of a folder marker, in a tree; empty if it marks the root. Must be called in order, too."""
        return self._folder_of(f"{file.key}/") if self._tree else ""

    def is_renamed(self, file: FileOutcome, path: str) -> bool:
        """Whether the path of a file differs from its key, below the prefix in a tree."""
        key = file.key or str(file.id)
        return path != (key.removeprefix(self._prefix) if self._tree else key.rpartition("/")[2])

    def _folder_of(self, key: str) -> str:
        """The folders of the key, each safe and not the name of a file."""
        folder = ""
        for segment in key.removeprefix(self._prefix).split("/")[:-1]:
            if segment in ("", "."):
                continue
            folder += safe_name(segment)
            while _digest(folder) in self._files:
                folder += "_"
            self._folders.add(_digest(folder))
            folder += "/"
        return folder

    def _claim(self, path: str) -> bool:
        digest = _digest(path)
        if digest in self._files or digest in self._folders:
            return False
        self._files.add(digest)
        return True


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
    return int.from_bytes(hashlib.blake2b(path.casefold().encode(), digest_size=8).digest())


def _shortened(name: str) -> str:
    if len(name.encode()) <= MAX_NAME_BYTES:
        return name
    stem, extension = (part.encode() for part in _split(name))
    room = max(1, MAX_NAME_BYTES - len(extension))
    return stem[:room].decode("utf-8", "ignore") + extension[:MAX_NAME_BYTES].decode("utf-8", "ignore")


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    return (stem, dot + extension) if stem and 0 < len(extension) <= 20 and " " not in extension else (name, "")
