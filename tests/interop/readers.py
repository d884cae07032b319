"""The independent readers: each takes an archive apart in its own way and must find what was put in.

A reader that is not installed is skipped on a laptop and fails in CI (environment variable CI set).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

TIMEOUT = 300


@dataclass(frozen=True)
class Reader:
    """`unpack` takes an archive, an empty folder and a time zone, `check` reads every entry and verifies its CRC-32
    (bsdtar and jar: reads every record), `count` says how many entries there are."""

    program: str | None
    unpack: Callable[[Path, Path, str], object]
    check: Callable[[Path], object]
    count: Callable[[Path], int]

    def extract(self, archive: Path, folder: Path, zone: str = "UTC") -> None:
        self.unpack(archive, folder, zone)

    def require(self) -> None:
        if self.program is None or shutil.which(self.program):
            return
        if os.environ.get("CI"):
            pytest.fail(f"{self.program} is not installed; CI checks archives with every reader")
        pytest.skip(f"{self.program} is not installed")


def run(*command: str | Path, cwd: Path | None = None, archive: Path | None = None, zone: str = "UTC") -> str:
    """What a reader prints, the archive on its standard input if given. Raises AssertionError if it complains."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "TZ": zone}
    with (archive or Path(os.devnull)).open("rb") as stdin:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=cwd,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT,
            check=False,
        )
    output = done.stdout.decode(errors="replace")
    assert done.returncode == 0, f"{command[0]} ended with {done.returncode}: {output[-2000:]}"
    assert "warning" not in output.lower(), output[-2000:]
    return output


def lines(*command: str | Path, archive: Path | None = None) -> int:
    return len(run(*command, archive=archive).splitlines())


def zipfile_extract(archive: Path, folder: Path, _: str) -> None:
    with zipfile.ZipFile(archive) as reader:
        reader.extractall(folder)


def zipfile_check(archive: Path) -> None:
    with zipfile.ZipFile(archive) as reader:
        assert reader.testzip() is None


def zipfile_count(archive: Path) -> int:
    with zipfile.ZipFile(archive) as reader:
        return len(reader.namelist())


READERS = {
    "zipfile": Reader(None, zipfile_extract, zipfile_check, zipfile_count),
    "unzip": Reader(
        "unzip",
        lambda archive, folder, zone: run("unzip", "-qq", archive, "-d", folder, zone=zone),
        lambda archive: run("unzip", "-tqq", archive),
        lambda archive: lines("unzip", "-Z1", archive),
    ),
    "7z": Reader(
        "7z",
        lambda archive, folder, zone: run("7z", "x", "-bd", f"-o{folder}", archive, zone=zone),
        lambda archive: run("7z", "t", "-bd", archive),
        lambda archive: lines("7z", "l", "-ba", archive),
    ),
    "bsdtar": Reader(
        "bsdtar",
        lambda archive, folder, zone: run("bsdtar", "-xf", archive, "-C", folder, zone=zone),
        lambda archive: run("bsdtar", "-tf", archive),
        lambda archive: lines("bsdtar", "-tf", archive),
    ),
    # From a pipe nobody can seek to the directory: the local headers must tell everything.
    "bsdtar from a pipe": Reader(
        "bsdtar",
        lambda archive, folder, zone: run("bsdtar", "-xf", "-", "-C", folder, archive=archive, zone=zone),
        lambda archive: run("bsdtar", "-tf", "-", archive=archive),
        lambda archive: lines("bsdtar", "-tf", "-", archive=archive),
    ),
    "jar": Reader(
        "jar",
        lambda archive, folder, zone: run("jar", "--extract", "--file", archive, cwd=folder, zone=zone),
        lambda archive: run("jar", "--list", "--file", archive),
        lambda archive: lines("jar", "--list", "--file", archive),
    ),
    "jar from a pipe": Reader(
        "jar",
        lambda archive, folder, zone: run("jar", "x", cwd=folder, archive=archive, zone=zone),
        lambda archive: run("jar", "t", archive=archive),
        lambda archive: lines("jar", "t", archive=archive),
    ),
}
