"""The programs in examples/ do what their first lines say, against a running stack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.dependencies import REPOSITORY
from tests.integration.stack import RunningStack, running_stack

EXAMPLES = REPOSITORY / "examples"
CONTENT = b"what is in the files"
IDS = ["70000", "70001", "79999"]  # the last one does not exist

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("examples")) as running:
        running.put_files(range(70000, 70002), CONTENT)
        yield running


def run(stack: RunningStack, folder: Path, *command: str) -> str:
    environment = {**os.environ, "LORRY_API_URL": stack.url}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def names(archive: Path) -> set[str]:
    with zipfile.ZipFile(archive) as opened:
        return set(opened.namelist())


def test_every_example_is_tested_and_listed() -> None:
    programs = {path.name for path in EXAMPLES.iterdir()} - {"README.md"}
    assert programs == {"backend.py", "download.sh", "follow.mjs"}
    assert all(f"]({name})" in (EXAMPLES / "README.md").read_text() for name in programs)


def test_the_back_end_prints_progress_and_an_address_of_the_zip(stack: RunningStack, tmp_path: Path) -> None:
    printed = run(stack, tmp_path, sys.executable, str(EXAMPLES / "backend.py"), *IDS).splitlines()
    assert printed[0].endswith(": 3 files")
    assert printed[-3] == "  ready 100%"
    assert printed[-2].startswith("2 files, 1 missing, ")
    archive = tmp_path / "order.zip"
    archive.write_bytes(httpx.get(printed[-1], follow_redirects=True, timeout=30).content)
    assert names(archive) == {"70000.zip", "70001.zip", "MANIFEST.json"}


def test_the_back_end_started_twice_has_one_job(stack: RunningStack, tmp_path: Path) -> None:
    jobs = {
        run(stack, tmp_path, sys.executable, str(EXAMPLES / "backend.py"), "70001").splitlines()[0] for _ in range(2)
    }
    assert len(jobs) == 1


def test_the_shell_script_downloads_the_zip(stack: RunningStack, tmp_path: Path) -> None:
    run(stack, tmp_path, "sh", str(EXAMPLES / "download.sh"), "photos.zip", ",".join(IDS))
    assert names(tmp_path / "photos.zip") == {"70000.zip", "70001.zip", "MANIFEST.json"}


@pytest.mark.skipif(shutil.which("node") is None and not os.environ.get("CI"), reason="Node is not installed")
def test_the_javascript_follows_the_job_and_downloads_each_file(stack: RunningStack, tmp_path: Path) -> None:
    printed = run(stack, tmp_path, "node", str(EXAMPLES / "follow.mjs"), *IDS).splitlines()
    assert printed[-4:] == ["ready 100%", "70000.zip", "70001.zip", "79999 is missing"]
    assert (tmp_path / "70000.zip").read_bytes() == CONTENT
