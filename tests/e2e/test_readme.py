"""Every command of the README, in order, as a stranger would type them: in a copy of the repository, in one shell."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.stack import free_port

ROOT = Path(__file__).parents[2]
JOB_IN_README = "2611ad48-170a-4274-822c-fae8ab609d5a"
DEADLINE = 300.0

# What a reader does by looking: take the job id from the first answer, and wait for the job to be ready.
INITIATE = "v1/download/initiate"
WAIT = """
JOB=$(echo "$ANSWER" | sed 's/.*"jobId":"\\([^"]*\\)".*/\\1/')
for _ in $(seq 120); do curl -fsS "$API/v1/download/status/$JOB" | grep -q '"status":"ready"' && break; sleep 0.5; done
"""


def commands() -> list[str]:
    """The lines behind `$ ` in console blocks, with their continuations."""
    blocks = re.findall(r"```console\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return [found for block in blocks for found in re.findall(r"^\$ ((?:.*\\\n)*.*)$", block, re.MULTILINE)]


def script() -> str:
    lines = ["set -euo pipefail"]
    for command in commands():
        line = command.replace(JOB_IN_README, "$JOB").replace("curl ", "curl -fsS ")
        lines.append(f'ANSWER=$({line}); echo "$ANSWER"\n{WAIT}' if INITIATE in line else line)
    return "\n".join(lines)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files that git tracks, with the environments that are there already."""
    copy = tmp_path / "lorry"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, tracked.split("\0")):
        if (ROOT / name).exists():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    (copy / ".venvs").symlink_to(ROOT / ".venvs")
    return copy


def test_every_command_of_the_readme_works(checkout: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LORRY_", "MAKE"))}
    environment["PORT"] = str(free_port())
    try:
        done = subprocess.run(
            ["bash", "-c", script()],
            cwd=checkout,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
    finally:
        subprocess.run(["make", "down"], cwd=checkout, env=environment, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "opened and tested" in done.stdout
    assert (checkout / "photos.zip").stat().st_size > 0
    assert len(list((checkout / "out").glob("*.zip"))) == 4


def test_the_readme_shows_commands() -> None:
    assert "make demo" in commands()
    assert len(commands()) >= 8
