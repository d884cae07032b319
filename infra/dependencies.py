"""The run-time requirements as a folder, installed once per requirements.lock and target.

pip does it, and fails when a wheel is missing or is not the one whose hash is in the lock; Chalice's own installer only
warns and ships a package that cannot be imported.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from chalicelib.aws.clients import SERVICES
from infra.file_lock import locked

REPOSITORY = Path(__file__).resolve().parent.parent
CACHE = REPOSITORY / ".venvs"
LOCK = REPOSITORY / "requirements.lock"

_USELESS = (
    "bin",
    "**/__pycache__",
    "**/tests",
    "**/*.pyi",
    "botocore/data/*/*/examples-1.json",
    "aws_lambda_powertools/event_handler/openapi/swagger_ui/*.py",  # the rest is what /docs shows
    "cffi",  # cryptography loads the compiled _cffi_backend alone
    "pycparser",
)
_FORMAT = "7"  # raise it when what is kept changes

# The Python of all functions on AWS, whichever deploys: two operators would switch production to and fro. CI tests it.
LAMBDA_PYTHON = "3.13"


class CannotInstall(Exception):
    """pip could not install the run-time requirements."""


def python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


@dataclass(frozen=True, slots=True)
class Target:
    """What the wheels are for: Lambda on AWS, or this machine, whose emulator runs functions in processes of its own.

    `architecture` is one that Lambda knows, by Lambda's name for it: arm64 or x86_64.
    """

    architecture: str
    on_aws: bool

    @property
    def name(self) -> str:
        return f"aws-{self.architecture}" if self.on_aws else f"{sys.platform}-{self.architecture}"

    @property
    def python(self) -> str:
        """The Python that runs the functions, such as 3.13."""
        return LAMBDA_PYTHON if self.on_aws else python_version()

    @property
    def compiler(self) -> str | None:
        """An interpreter of that Python on this machine, which compiles byte code; None if there is none."""
        return sys.executable if self.python == python_version() else _interpreter(self.python)

    @property
    def inputs(self) -> str:
        """What a package for this target depends on, apart from the sources."""
        return f"{self.python} {self.name} {'compiled' if self.compiler else 'sources'}"


@cache
def _interpreter(python: str) -> str | None:
    found = shutil.which(f"python{python}")
    if found is None:
        return None
    command = [found, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return found if done.stdout.strip() == python else None


def on_aws(architecture: str) -> Target:
    """Returns the target for Lambda on AWS, with `architecture` one of ARCHITECTURES."""
    return Target(architecture, on_aws=True)


ARCHITECTURES = {"arm64": "aarch64", "x86_64": "x86_64"}  # Lambda's name -> that of wheels
# A fifth less per second than x86_64, at the same speed or better for what is done here.
DEFAULT_ARCHITECTURE = "arm64"
HERE = Target("arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64", on_aws=False)


def installed(target: Target, *, lock: Path = LOCK, cache: Path = CACHE) -> Path:
    """Returns a folder with what `lock` names for `target`, below `cache`. Raises CannotInstall."""
    content = "\0".join((_FORMAT, lock.read_text(encoding="utf-8"), target.inputs))
    digest = hashlib.sha256(content.encode()).hexdigest()[:16]
    folder = cache / f"lambda-{digest}"
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "lambda.lock", seconds=600):
        if not folder.is_dir():
            _install(lock, folder, target)
    return folder


def _install(lock: Path, folder: Path, target: Target) -> None:
    print(f"installing the run-time requirements for {target.name} (once)", flush=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "site-packages"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
        command += ["--only-binary=:all:", "--no-deps", "--require-hashes"]
        command += ["--target", str(made), "--requirement", str(lock)]
        if target.on_aws:
            command += _lambda_platform(target)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise CannotInstall(f"pip could not install {lock.name} for {target.name}:\n{done.stderr.strip()}")
        _prune(made)
        compile_ahead(made, target)
        os.replace(made, folder)


def compile_ahead(folder: Path, target: Target) -> None:
    """Puts byte code beside the sources, the same wherever it is made: a cold start would compile everything again.

    Unchecked, since nothing in a package changes, and because times are not kept in it. In an interpreter of its own:
    which strings are written once and then referred to depends on what else a process has in memory. Without an
    interpreter of the target's Python there is no byte code, and `make deploy` says so (infra/report.py).
    """
    if target.compiler is None:
        return
    command = [target.compiler, "-S", "-m", "compileall", "-qq", "-s", str(folder)]
    command += ["--invalidation-mode", "unchecked-hash"]
    done = subprocess.run([*command, str(folder)], check=False, env={"PYTHONHASHSEED": "0"})
    if done.returncode:
        print(f"some sources in {folder.name} are not for Python {target.python}; they stay as they are", flush=True)


def _lambda_platform(target: Target) -> list[str]:
    """What Lambda's images run: Amazon Linux 2023 from Python 3.12 on, whose glibc is 2.34."""
    arguments = ["--implementation", "cp", "--python-version", target.python]
    for tag in ("manylinux2014", "manylinux_2_17", "manylinux_2_28"):
        arguments += ["--platform", f"{tag}_{ARCHITECTURES[target.architecture]}"]
    return arguments


def _prune(site_packages: Path) -> None:
    for pattern in _USELESS:
        for path in list(site_packages.glob(pattern)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for path in (site_packages / "botocore" / "data").iterdir():  # it describes every service of AWS in 20 MB
        if path.is_dir() and path.name not in SERVICES:
            shutil.rmtree(path)
