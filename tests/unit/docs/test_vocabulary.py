"""Shipped text and docs are plain English: these words mark sentences that read like a translation."""

from __future__ import annotations

import re
import subprocess

from tests.support.pages import ROOT

BANNED = re.compile(
    r"\b(told|tells|nobody|whoever|somebody|anew|gone on|goes on with|of late|hands? on|mends?|mended)\b", re.IGNORECASE
)
TEXT = (".py", ".md", ".yaml", ".yml", ".json", ".toml", ".sh", ".mjs", ".ts", ".tsx", "Makefile")
NOT_SHIPPED = ("tests/", "client/tests/", "benchmarks/", "chalicelib/api/page/")


def lines() -> list[tuple[str, str]]:
    """The offending lines, with their files."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, check=True, capture_output=True, text=True).stdout.split()
    names = [name for name in listed if name.endswith(TEXT) and not name.startswith(NOT_SHIPPED)]
    text = [(name, line) for name in names for line in (ROOT / name).read_text(encoding="utf-8").splitlines()]
    return [(name, line.strip()) for name, line in text if BANNED.search(line)]


def test_shipped_text_and_docs_avoid_the_old_vocabulary() -> None:
    assert not lines()
