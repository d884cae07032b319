"""What tests of downloads have in common: one file, a listener, and what is on the disk afterwards."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from lorry import DownloadFailed, DownloadListener, FileEnding, Lorry
from support.fake_server import JOB_ID, FakeServer

KEY = "downloads/70000.zip"
DATA = bytes(range(256)) * 400
NEW_DATA = DATA[::-1]


class Tally(DownloadListener):
    """Adds up bytes and endings."""

    def __init__(self) -> None:
        self.bytes = 0
        self.endings: list[FileEnding] = []
        self._lock = threading.Lock()

    def bytes_moved(self, count: int) -> None:
        with self._lock:
            self.bytes += count

    def file_ended(self, ending: FileEnding) -> None:
        with self._lock:
            self.endings.append(ending)


def one_file(service: FakeServer, data: bytes = DATA) -> None:
    service.put(KEY, data)
    service.make_job([KEY])


def leave_part(folder: Path, data: bytes, etag: str | None) -> None:
    (folder / "70000.zip.part").write_bytes(data)
    if etag:
        (folder / "70000.zip.part.etag").write_text(etag)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def ranges(service: FakeServer) -> list[str | None]:
    return [seen.headers.get("Range") for seen in service.requests("/store/")]


def failures(lorry: Lorry, folder: Path, **options: Any) -> dict[str, str | None]:
    with pytest.raises(DownloadFailed) as raised:
        lorry.download(JOB_ID, folder, **options)
    report = raised.value.report
    return {file.label: file.reason for file in (*report.missing, *report.failed)}
