"""The wheel: it builds, its metadata passes `twine check`, and it works in an environment of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.running import CLIENT

from lorry.version import VERSION


def run(*words: str | Path) -> str:
    """What the command prints. Fails the test when the command fails."""
    ended = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_the_license_is_that_of_the_repository() -> None:
    assert (CLIENT / "LICENSE").read_bytes() == (CLIENT.parent / "LICENSE").read_bytes()


@pytest.mark.slow
def test_the_wheel_installs_and_runs_in_a_bare_environment(tmp_path: Path) -> None:
    python = tmp_path / "bare" / "bin" / "python"
    source = tmp_path / "source"  # a copy: a build leaves files beside the sources
    shutil.copytree(CLIENT, source, ignore=shutil.ignore_patterns("build", "*.egg-info", "tests"))
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, source)
    (wheel,) = tmp_path.glob("*.whl")
    run(sys.executable, "-m", "venv", tmp_path / "bare")
    run(python, "-m", "pip", "install", "--quiet", wheel)
    assert run(python.with_name("lorry"), "--version") == f"lorry {VERSION}\n"
    assert run(python, "-c", "import lorry; print(lorry.__file__)").startswith(str(tmp_path / "bare"))
    run(python, "-m", "pip", "install", "--quiet", "twine")
    assert "PASSED" in run(python, "-m", "twine", "check", "--strict", wheel)
