"""Whether an archive in the store is what it should be, read as a client would."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from benchmarks.workloads import TARGET, Store

BUFFER = 4 * 1024 * 1024
MANIFEST = "MANIFEST.json"


class Wrong(Exception):
    """The archive is not what was asked for."""


class Remote(io.RawIOBase):
    """An object as a file that can be sought."""

    def __init__(self, client: Any, key: str) -> None:
        self._client, self._key, self._place = client, key, 0
        self.size = int(client.head_object(Bucket=TARGET, Key=key)["ContentLength"])

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._place = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self.size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: Any) -> int:
        stop = min(self._place + len(buffer), self.size)
        if stop <= self._place:
            return 0
        wanted = f"bytes={self._place}-{stop - 1}"
        body = self._client.get_object(Bucket=TARGET, Key=self._key, Range=wanted)["Body"].read()
        buffer[: len(body)] = body
        self._place += len(body)
        return len(body)


def verified(store: Store, key: str, names: list[str], *, thorough: bool) -> int:
    """The archive's size. Its directory tells every file and the right CRC-32; the first and the last file are read.

    `thorough`: every file is read. Raises Wrong.
    """
    remote = Remote(store.client, key)
    with zipfile.ZipFile(io.BufferedReader(remote, BUFFER)) as archive:
        found = {info.filename: info.CRC for info in archive.infolist() if info.filename != MANIFEST}
        if found != {name: store.crcs[name] for name in names}:
            raise Wrong(f"{key} holds {len(found)} of {len(names)} files, or one with another CRC-32")
        for name in names if thorough else (names[0], names[-1]):
            _drain(archive, name)
    return remote.size


def _drain(archive: zipfile.ZipFile, name: str) -> None:
    """Read an entry to its end, where zipfile compares the CRC-32."""
    with archive.open(name) as body:
        while body.read(BUFFER):
            pass
