"""ZIPs for tests, made and read by the standard library."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from typing import Any

MANIFEST = "MANIFEST.json"


def zip_of(contents: dict[str, bytes], manifest: bytes = b"{}") -> bytes:
    """A ZIP of these files, stored, with a manifest as its last entry, as the service makes them."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in {**contents, MANIFEST: manifest}.items():
            archive.writestr(zipfile.ZipInfo(name, (2025, 1, 2, 3, 4, 6)), data)
    return made.getvalue()


def manifest_of(contents: dict[str, bytes], *more: dict[str, Any]) -> bytes:
    """The manifest of these files as the service writes it, and of `more` that are not in the ZIP."""
    files = [
        {
            "index": index, "file_id": None, "key": f"downloads/{name}", "name": name, "state": "included",
            "reason": None, "size": len(data), "crc32": f"{zlib.crc32(data):08x}",
        }
        for index, (name, data) in enumerate(contents.items())
    ]  # fmt: skip
    manifest = {"version": 1, "job_id": "job-1", "archive": 1, "archives": 1, "files": [*files, *more]}
    return json.dumps(manifest).encode()


def entries_of(data: bytes) -> int:
    """How many entries it has; 0 when it is not a ZIP."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return len(archive.namelist())
    except zipfile.BadZipFile:
        return 0
