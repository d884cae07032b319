"""How large a package is, and how long a cold start imports it: what `make deploy` prints before it uploads."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass

from infra.dependencies import HERE, Target, installed
from infra.package import Package

RUNS = 5
MiB = 1024 * 1024
_PROGRAM = """
import sys, time
sys.path[:0] = {paths}
begun = time.perf_counter()
import app
print(time.perf_counter() - begun)
"""


class CannotImport(Exception):
    """The package cannot be imported, so it must not be deployed."""


@dataclass(frozen=True, slots=True)
class Report:
    """Sizes in bytes; `import_seconds` is the median of some fresh interpreters on this machine."""

    zipped: int
    unzipped: int
    import_seconds: float
    target: Target

    def __str__(self) -> str:
        wheels = "" if _runs_here(self.target) else f" (by Python {HERE.python} with wheels for {HERE.architecture})"
        line = (
            f"package for {self.target.name}: {self.zipped / MiB:.1f} MiB, {self.unzipped / MiB:.1f} MiB unpacked; "
            f"imported in {self.import_seconds:.2f} s here{wheels}"
        )
        return line if self.target.compiler else f"{line}\n{_NOT_COMPILED.format(python=self.target.python)}"


_NOT_COMPILED = (
    "without byte code, since there is no python{python} on this machine: each cold start takes about half a second "
    "longer, and a package from a machine that has one differs; install python{python} and deploy again"
)


def _runs_here(target: Target) -> bool:
    """Whether this machine can load the target's compiled modules."""
    return (target.architecture, target.python) == (HERE.architecture, HERE.python)


def report(package: Package, target: Target, *, runs: int = RUNS) -> Report:
    """Unpacks and imports the package. Raises CannotImport with the interpreter's output."""
    with tempfile.TemporaryDirectory() as temporary, zipfile.ZipFile(package.code) as archive:
        archive.extractall(temporary)
        unzipped = sum(entry.file_size for entry in archive.infolist())
        paths = [temporary]
        if not _runs_here(target):
            paths.insert(0, str(installed(HERE)))  # the same versions for this machine
        seconds = statistics.median(_import_seconds(paths) for _ in range(runs))
    return Report(package.code.stat().st_size, unzipped, seconds, target)


def _import_seconds(paths: list[str]) -> float:
    """Returns the seconds to import app.py in an interpreter that knows `paths` and the standard library only."""
    program = _PROGRAM.format(paths=json.dumps(paths))
    command = [sys.executable, "-I", "-S", "-B", "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    if done.returncode:
        raise CannotImport(f"the package cannot be imported:\n{done.stderr.strip()}")
    return float(done.stdout)
