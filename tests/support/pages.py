"""The commands that pages show, run as a reader would copy them: in a copy of the repository, in one shell, in order.

A page's ```sh blocks hold commands alone, so that they can be copied. Blocks with a second word, such as ```sh aws,
need what a test does not have: they are listed, not run.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DEADLINE = 600.0
# As infra/environment.sh computes it: with this stamp, `make` finds nothing to install.
STAMP = "(cat requirements.txt requirements-dev.txt client/pyproject.toml; pwd) | cksum"

_BLOCK = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.DOTALL | re.MULTILINE)
_COMMAND = re.compile(r"^(?!#)((?:.*(?:\\|\|)\n)*.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind the fence, and what it holds."""

    info: tuple[str, ...]
    body: str

    @property
    def commands(self) -> list[str]:
        """The lines, with their continuations."""
        return _COMMAND.findall(self.body)


def blocks(page: Path, section: str = "") -> list[Block]:
    """The blocks of the page, or of one section of it."""
    text = page.read_text(encoding="utf-8")
    if section:
        text = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return [Block(tuple(match["info"].split()), match["body"]) for match in _BLOCK.finditer(text)]


def commands(page: Path, *info: str) -> list[str]:
    """The commands of the page's blocks of this kind: `sh` alone, or with what they need."""
    return [command for block in blocks(page) if block.info == ("sh", *info) for command in block.commands]


def checkout(folder: Path) -> Path:
    """A copy of the files that git tracks or would, with environments of the repository that `make` leaves alone."""
    copy = folder / "lorry"
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    _borrow_environments(copy)
    return copy


def _borrow_environments(copy: Path) -> None:
    """All of .venvs by reference, but what is bound to the repository's path: the client and its command."""
    for path in (ROOT / ".venvs").iterdir():
        if path.name != "dev":
            _refer(copy / ".venvs" / path.name, path)
    dev, own = ROOT / ".venvs" / "dev", copy / ".venvs" / "dev"
    for path in [*dev.iterdir(), *(dev / "bin").iterdir()]:
        if path.name not in ("bin", "made-from", "lorry"):
            _refer(own / path.relative_to(dev), path)
    command = own / "bin" / "lorry"
    command.write_text(f'#!/bin/sh\nexec "{own}/bin/python" -m lorry "$@"\n')
    command.chmod(0o755)
    stamp = subprocess.run(["sh", "-c", STAMP], cwd=copy, check=True, capture_output=True, text=True).stdout
    (own / "made-from").write_text(stamp)


def _refer(link: Path, target: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def run(script: str, folder: Path, *, port: int) -> str:
    """Runs the script in bash; returns what it printed. Fails the test where a command fails; ends what it started."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LORRY_", "MAKE"))}
    own = {"PORT": str(port), "PYTHONPATH": str(folder / "client")}
    with subprocess.Popen(
        ["bash", "-c", f"set -euo pipefail\n{script}"],
        cwd=folder,
        env={**inherited, **own},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            printed, _ = process.communicate(timeout=DEADLINE)
        finally:
            _end(process.pid)
            subprocess.run(["make", "down"], cwd=folder, env={**inherited, **own}, check=False, capture_output=True)
    assert process.returncode == 0, printed[-4000:]
    return printed


def _end(session: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(session, signal.SIGKILL)
