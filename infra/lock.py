"""Writes requirements.lock: what requirements.txt comes to, each file that may be installed with its hash.

    python -m infra.lock

The hashes of a release's every file are there, so one lock serves Lambda on both architectures, Python 3.11 to 3.13,
and the machines that people develop on. pip-compile does it, in an environment of its own.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.dependencies import LOCK, REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements.txt"
PIP_TOOLS = "pip-tools==7.6.2"
_SAY_NOTHING_OF = ("header", "annotate", "emit-index-url", "emit-trusted-host", "emit-find-links")


def heading(requirements: bytes) -> str:
    """The first lines of a lock made from `requirements`. A test compares them, so no edit goes without a new lock."""
    digest = hashlib.sha256(requirements).hexdigest()
    return f"# Made by `make lock` from requirements.txt; what ships, and nothing without its hash.\n# from {digest}\n"


def main() -> int:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _run(sys.executable, "-m", "venv", str(folder / "venv"))
        python = str(folder / "venv" / "bin" / "python")
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_TOOLS)
        made = folder / "requirements.lock"
        options = ["--quiet", "--generate-hashes", "--strip-extras", "--allow-unsafe"]
        options += [f"--no-{what}" for what in _SAY_NOTHING_OF]
        _run(python, "-m", "piptools", "compile", *options, "--output-file", str(made), str(REQUIREMENTS))
        LOCK.write_text(heading(REQUIREMENTS.read_bytes()) + made.read_text(encoding="utf-8"), encoding="utf-8")
    print(f"wrote {LOCK.name}")
    return 0


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


if __name__ == "__main__":
    raise SystemExit(main())
