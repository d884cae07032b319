"""Tables of figures, and where they were measured."""

from __future__ import annotations

import os
import platform
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up: words left, figures right."""
    widths = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    lines = [_line(heads, widths), "|".join(["", *(_rule(n, width) for n, width in enumerate(widths)), ""])]
    return "\n".join([*lines, *(_line(row, widths) for row in rows)])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *figures = (cell.rjust(width) for cell, width in zip(cells, widths, strict=True))
    return " ".join(["|", first.strip().ljust(widths[0]), *(f"| {figure}" for figure in figures), "|"])


def _rule(column: int, width: int) -> str:
    return "-" * (width + 2) if column == 0 else "-" * (width + 1) + ":"


def where() -> str:
    """Commit, time and machine, in one line."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = os.getloadavg()[0]
    machine = f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}, {_processor()}"
    software = f"Python {platform.python_version()}; load {load:.1f} at the start"
    return f"{_commit()}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {machine}; {software}"


def _commit() -> str:
    """The commit, and whether anything that ships has been changed since."""
    commit = _git("rev-parse", "--short", "HEAD") or "no commit"
    changed = _git("status", "--porcelain", "--", "chalicelib", "app.py", "benchmarks")
    return f"commit {commit}{' with changes' if changed else ''}"


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    return done.stdout.strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
