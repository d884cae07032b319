"""The run-time requirements as a folder, installed once per requirements.txt, Python and platform.

pip does it, and fails when a wheel is missing; Chalice's own installer only warns and ships a package that
cannot be imported.
"""

from __future__ import annotations

import compileall
import hashlib
import os
import platform
import py_compile
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from infra.locking import locked

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".venvs"

# botocore describes every service of AWS, 20 MB in all; these are the ones that run-time code may call.
SERVICES = frozenset({"apigatewaymanagementapi", "dynamodb", "s3", "secretsmanager", "sqs", "sts"})

_USELESS = (
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "boto3/examples",
    "botocore/data/*/*/examples-1.json",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.py",  # the rest is what /docs shows
    "cffi",  # cryptography loads the compiled _cffi_backend alone
    "pycparser",
)
_FORMAT = "3"  # raise it when what is kept changes


class CannotInstall(Exception):
    """pip could not install the run-time requirements."""


def python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def installed(requirements: Path, *, for_aws: bool) -> Path:
    """A folder with the requirements, for Lambda on AWS or for this machine."""
    target = "aws" if for_aws else f"{sys.platform}-{platform.machine()}"
    content = "\0".join((_FORMAT, requirements.read_text(encoding="utf-8"), python_version(), target))
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    folder = CACHE / f"lambda-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / "lambda.lock", seconds=600):
        if not folder.is_dir():
            _install(requirements, folder, for_aws=for_aws)
    return folder


def _install(requirements: Path, folder: Path, *, for_aws: bool) -> None:
    print("installing the run-time requirements (once)", flush=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        made = Path(temporary) / "site-packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        command += ["--only-binary=:all:", "--target", str(made), "--requirement", str(requirements)]
        if for_aws:
            command += _lambda_platform()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotInstall(f"pip could not install {requirements.name}:\n{done.stderr.strip()}")
        _prune(made)
        compile_ahead(made)
        os.replace(made, folder)


def compile_ahead(folder: Path) -> None:
    """Byte code beside the sources, the same wherever it is made: a cold start would compile everything again.

    Unchecked, since nothing in a package changes, and because times are not kept in it.
    """
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    if not compileall.compile_dir(folder, quiet=2, stripdir=str(folder), invalidation_mode=mode):
        print(f"some sources in {folder.name} are not for Python {python_version()}; they stay as they are", flush=True)


def _lambda_platform() -> list[str]:
    """What Lambda's images run: glibc 2.26 up to Python 3.11 (Amazon Linux 2), 2.34 from 3.12 on (2023)."""
    names = ["manylinux2014_x86_64", "manylinux_2_17_x86_64"]
    if sys.version_info >= (3, 12):
        names.append("manylinux_2_28_x86_64")
    arguments = ["--implementation", "cp", "--python-version", python_version()]
    for name in names:
        arguments += ["--platform", name]
    return arguments


def _prune(site_packages: Path) -> None:
    for pattern in _USELESS:
        for path in list(site_packages.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (site_packages / "botocore" / "data").iterdir():
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)
