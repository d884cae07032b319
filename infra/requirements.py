"""The requirements that ship: writes requirements.lock, and audits it for known vulnerabilities.

    python -m infra.requirements lock               `make lock`
    python -m infra.requirements audit [--required]  `make audit`

The lock has the hashes of every file of a release, so one lock serves Lambda on both architectures, Python 3.11 to
3.13, and the machines that people develop on. pip-compile writes it, in an environment of its own; pip-audit reads it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from infra.dependencies import LOCK, REPOSITORY

REQUIREMENTS = REPOSITORY / "requirements.txt"
PIP_TOOLS = "pip-tools==7.6.2"
_OMITTED = ("header", "annotate", "emit-index-url", "emit-trusted-host", "emit-find-links")


def heading(requirements: bytes) -> str:
    """Returns the first lines of a lock made from `requirements`. A test compares them, so no edit misses its lock."""
    digest = hashlib.sha256(requirements).hexdigest()
    return f"# Made by `make lock` from requirements.txt; what ships, and nothing without its hash.\n# from {digest}\n"


def lock() -> None:
    """Write requirements.lock from requirements.txt."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        _run(sys.executable, "-m", "venv", str(folder / "venv"))
        python = str(folder / "venv" / "bin" / "python")
        _run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PIP_TOOLS)
        made = folder / "requirements.lock"
        options = ["--quiet", "--generate-hashes", "--strip-extras", "--allow-unsafe"]
        options += [f"--no-{name}" for name in _OMITTED]
        _run(python, "-m", "piptools", "compile", *options, "--output-file", str(made), str(REQUIREMENTS))
        LOCK.write_text(heading(REQUIREMENTS.read_bytes()) + made.read_text(encoding="utf-8"), encoding="utf-8")


def _run(*command: str) -> None:
    subprocess.run(command, check=True)


def audit(requirements: Path) -> list[dict[str, Any]] | None:
    """pip-audit's finding for each requirement; None if it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    try:
        findings: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return findings


def verdict(findings: list[dict[str, Any]] | None, *, required: bool) -> tuple[int, str]:
    """The exit code and the text for some findings. Asking in vain is an error only where the audit is `required`."""
    known = [requirement for requirement in findings or [] if "skip_reason" not in requirement]
    found = [(r["name"], r["version"], v["id"]) for r in known for v in r.get("vulns", [])]
    if found:
        return 1, "\n".join(f"{name} {version}: {identifier}" for name, version, identifier in found)
    if not known:
        return int(required), "the package index publishes no vulnerabilities; nothing was audited"
    return 0, f"no known vulnerability in {len(known)} requirements"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.requirements", description="The requirements that ship.")
    parser.add_argument("command", choices=["lock", "audit"])
    parser.add_argument("--required", action="store_true", help="audit: fail if the package index cannot be asked")
    options = parser.parse_args()
    if options.command == "lock":
        lock()
        print(f"wrote {LOCK.name}")
        return 0
    code, text = verdict(audit(LOCK), required=options.required)
    print(text, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
