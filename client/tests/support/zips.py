"""ZIPs for tests, made and read by the standard library."""

from __future__ import annotations

import io
import zipfile


def zip_of(contents: dict[str, bytes]) -> bytes:
    """A ZIP of these files, stored, with a manifest as its last entry, as the service makes them."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, data in {**contents, "MANIFEST.json": b"{}"}.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return made.getvalue()


def entries_of(data: bytes) -> int:
    """How many entries it has; 0 when it is no ZIP."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return len(archive.namelist())
    except zipfile.BadZipFile:
        return 0
