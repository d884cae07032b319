"""Notices that the source of the application changed."""

from __future__ import annotations

import time
from pathlib import Path

from localstack.home import REPOSITORY

RESTART = 3  # exit code of a process that wants to be started anew
PAUSE = 0.5  # seconds
WATCHED = (REPOSITORY / "app.py", REPOSITORY / "chalicelib")

Fingerprint = frozenset[tuple[str, int, int]]


def fingerprint(places: tuple[Path, ...] = WATCHED) -> Fingerprint:
    """Equal as long as no file was added, removed or written."""
    found = set()
    for place in places:
        for path in place.rglob("*") if place.is_dir() else [place]:
            if path.suffix == ".pyc" or not path.is_file():
                continue
            state = path.stat()
            found.add((str(path), state.st_mtime_ns, state.st_size))
    return frozenset(found)


def wait_for_change(places: tuple[Path, ...] = WATCHED) -> None:
    before = fingerprint(places)
    while True:
        time.sleep(PAUSE)
        try:
            if fingerprint(places) != before:
                return
        except FileNotFoundError:  # an editor is replacing a file
            continue
