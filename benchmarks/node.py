"""Node's side of the comparison: packages installed below .lorry/, never committed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / ".lorry" / "benchmarks-node"
SCRIPT = Path(__file__).with_name("peers") / "archiver.mjs"
PACKAGES = ("archiver@8.0.0", "@aws-sdk/client-s3@3.1173.0", "@aws-sdk/lib-storage@3.1173.0")


def prepared() -> Path | None:
    """The script beside its packages; None, with a line that says why, where Node is absent."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        _skipped("node and npm are not installed")
        return None
    FOLDER.mkdir(parents=True, exist_ok=True)
    done = FOLDER / "installed"
    if not done.exists() or done.read_text() != " ".join(PACKAGES):
        command = [npm, "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent", *PACKAGES]
        (FOLDER / "package.json").write_text('{"private": true}\n')
        if subprocess.run(command, cwd=FOLDER, env=os.environ, check=False).returncode:
            _skipped("npm could not install its packages")
            return None
        done.write_text(" ".join(PACKAGES))
    return Path(shutil.copy(SCRIPT, FOLDER))


def _skipped(why: str) -> None:
    print(f"archiver + lib-storage is left out: {why}", file=sys.stderr, flush=True)
