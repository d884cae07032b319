"""Known vulnerabilities of what ships, by pip-audit, where the package index tells them.

    python -m infra.audit [--required]

An index that tells nothing is no finding, unless the audit is required.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from infra.dependencies import REPOSITORY


def audited(requirements: Path) -> list[dict[str, Any]] | None:
    """What pip-audit says of each requirement, None if it could not ask."""
    command = [sys.executable, "-m", "pip_audit", "--requirement", str(requirements), "--no-deps", "--disable-pip"]
    done = subprocess.run([*command, "--format", "json"], capture_output=True, text=True, check=False)
    try:
        told: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return told


def verdict(told: list[dict[str, Any]] | None, *, required: bool) -> tuple[int, str]:
    """The exit code and a sentence for each thing to say."""
    known = [requirement for requirement in told or [] if "skip_reason" not in requirement]
    found = [(r["name"], r["version"], v["id"]) for r in known for v in r.get("vulns", [])]
    if found:
        return 1, "\n".join(f"{name} {version}: {identifier}" for name, version, identifier in found)
    if not known:
        return int(required), "the package index tells no vulnerabilities; nothing was audited"
    return 0, f"no known vulnerability in {len(known)} requirements"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m infra.audit", description="Known vulnerabilities of what ships.")
    parser.add_argument("--required", action="store_true", help="fail where nothing can be asked")
    code, text = verdict(audited(REPOSITORY / "requirements.lock"), required=parser.parse_args().required)
    print(text, file=sys.stderr if code else sys.stdout)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
