"""Verifies ZIPs on the disk: every entry by its CRC-32, and all of them by the manifest that the service put inside."""

from __future__ import annotations

import json
import os
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lorry.names import printable

_MANIFEST = re.compile(r"(?:_lorry(?: \(\d+\))?/)?MANIFEST\.json")
BUFFER_BYTES = 1 << 20

BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OverflowError)
"""What `zipfile` raises for files that are not ZIPs, or not ones that it can read."""


@dataclass(frozen=True)
class Verification:
    """The result of verifying the ZIP at `path`.

    `entries` of it (without the manifest) have `bytes` in all. `problems` are sentences; the ZIP is as the service made
    it if there are none. `job_id` is None for a ZIP without a manifest, of which only the CRC-32s are known. `absent`
    are the labels of files of the job that the manifest lists as not in the ZIP, with the reason.
    """

    path: Path
    entries: int = 0
    bytes: int = 0
    problems: tuple[str, ...] = ()
    job_id: str | None = None
    absent: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """True when no problem was found."""
        return not self.problems


def verify(path: str | os.PathLike[str], *, progress: Callable[[int], None] | None = None) -> Verification:
    """Reads every byte of the ZIP at `path` and calls `progress` with their numbers. Raises OSError."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            problems = list(broken_entries(archive, progress=progress or _ignore))
            return _compared(path, archive, problems=problems)
    except BROKEN as error:
        return Verification(path, problems=(f"it is not a complete ZIP: {error}",))


def _ignore(count: int) -> None:
    return


def broken_entries(archive: zipfile.ZipFile, *, progress: Callable[[int], None]) -> Iterator[str]:
    """Reads every entry, and describes those whose data does not have the CRC-32 of the directory."""
    for info in archive.infolist():
        try:
            with archive.open(info) as entry:
                while data := entry.read(BUFFER_BYTES):
                    progress(len(data))
        except BROKEN as error:
            yield f"{printable(info.filename)} is broken: {error}"


def _compared(path: Path, archive: zipfile.ZipFile, *, problems: list[str]) -> Verification:
    """Compares the directory with the manifest."""
    entries = {info.filename: info for info in archive.infolist()}
    name = next(reversed(entries), "")  # files of an earlier ZIP may have its manifest among them
    manifest = _read_manifest(archive, name) if _MANIFEST.fullmatch(name) else None
    if manifest:
        del entries[name]
    size = sum(info.file_size for info in entries.values())
    if manifest is None:
        return Verification(path, len(entries), size, tuple(problems))
    problems += _differences(manifest["files"], entries)
    absent = tuple(_absent(file) for file in manifest["files"] if file.get("name") is None and not _is_folder(file))
    return Verification(path, len(entries), size, tuple(problems), str(manifest.get("job_id")), absent)


def _read_manifest(archive: zipfile.ZipFile, name: str) -> dict[str, Any] | None:
    """The manifest, None when the entry is something else of that name."""
    try:
        manifest = json.loads(archive.read(name))
    except (ValueError, *BROKEN):
        return None
    files = manifest.get("files") if isinstance(manifest, dict) else None
    listed = isinstance(files, list) and all(isinstance(file, dict) for file in files)
    return manifest if listed and "job_id" in manifest else None


def _differences(files: list[dict[str, Any]], entries: dict[str, zipfile.ZipInfo]) -> Iterator[str]:
    """What the manifest and the directory disagree about."""
    listed = set()
    for file in files:
        name = file.get("name")
        if name is None:
            continue
        listed.add(name)
        info = entries.get(name)
        if info is None:
            yield f"{name} is in the manifest, but not in the ZIP"
        elif info.file_size != file.get("size"):
            yield f"{name} has {info.file_size:,} bytes, but {file.get('size'):,} in the manifest"
        elif f"{info.CRC:08x}" != file.get("crc32"):
            yield f"{name} has the CRC-32 {info.CRC:08x}, but {file.get('crc32')} in the manifest"
    for name in entries:
        if name not in listed and not name.endswith("/"):
            yield f"{name} is in the ZIP, but not in the manifest"


def _is_folder(file: dict[str, Any]) -> bool:
    """Whether it is a folder marker, which a flat ZIP does not hold."""
    return file.get("state") == "folder"


def _absent(file: dict[str, Any]) -> str:
    label = file.get("file_id") if file.get("file_id") is not None else file.get("key")
    return printable(f"{label} ({file.get('reason') or file.get('state')})")
