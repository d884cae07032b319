"""Draws mutants of the code that must survive crashes, and tells which of them the simulation and the fast tests find.

    python -m venv .venvs/mutmut && .venvs/mutmut/bin/python -m pip install mutmut==3.3.1
    .venvs/mutmut/bin/python tests/simulation/mutants.py --draw 2026 --count 60

Runs on a copy of the repository. It takes hours, so that nothing but a person runs it.
"""

from __future__ import annotations

import argparse
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from mutmut.file_mutation import create_mutations  # type: ignore[import-not-found]  # in an environment of its own

ROOT = Path(__file__).resolve().parents[2]
PYTHON = ROOT / ".venvs/dev/bin/python"
SOURCES = ("jobs/state_machine.py", "jobs/lifecycle.py", "jobs/dispatching.py", "jobs/sweeper.py", "assembly", "aws")
FAST = ("-m", "pytest", "-q", "-x", "tests/unit", "tests/properties", "-m", "not slow", "-n", "2")
ROUNDS = ((0, 20), (20, 80), (100, 200), (300, 700))  # first seed, and how many: most are found at once


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draw", type=int, default=2026, help="seed of the drawing")
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--numbers", type=int, nargs="*", help="only these of them")
    parser.add_argument("--rounds", type=int, default=len(ROUNDS), help="of seeds, of which the last are the longest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lorry"
        ignored = shutil.ignore_patterns(".venvs", ".lorry", "node_modules", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=ignored)
        (copy / ".venvs").symlink_to(ROOT / ".venvs")
        if _fails(copy, *FAST):
            raise SystemExit("the fast tests fail without a mutant: nothing can be said")
        for number, (path, line, changed) in enumerate(drawn(options.draw, options.count), start=1):
            if options.numbers and number not in options.numbers:
                continue
            print(f"{number} {path}: {found_by(copy, path, changed, options.rounds)}\n    {line}", flush=True)


def drawn(seed: int, count: int) -> Iterator[tuple[Path, str, str]]:
    """So many mutations, each as likely as any other: the file, the first line that differs, the whole text."""
    files = [ROOT / "chalicelib" / name for name in SOURCES]
    paths = [path for file in files for path in (sorted(file.glob("*.py")) if file.is_dir() else [file])]
    modules = {path: create_mutations(path.read_text()) for path in paths}
    everything = [(path, number) for path, (_, mutations) in modules.items() for number in range(len(mutations))]
    for path, number in random.Random(seed).sample(everything, count):
        module, mutations = modules[path]
        changed = module.deep_replace(mutations[number].original_node, mutations[number].mutated_node).code
        pairs = zip(module.code.splitlines(), changed.splitlines(), strict=False)
        line = next((f"{old.strip()}  ->  {new.strip()}" for old, new in pairs if old != new), "")
        yield path.relative_to(ROOT), line, changed


def found_by(copy: Path, path: Path, changed: str, rounds: int) -> str:
    original = (copy / path).read_text()
    (copy / path).write_text(changed)
    try:
        for first, count in ROUNDS[:rounds]:
            if _fails(copy, "-m", "tests.simulation", "--quick", "--first", str(first), "--seeds", str(count)):
                return f"found by the simulation within {first + count} seeds"
        return "found by the fast tests" if _fails(copy, *FAST) else "NOT FOUND"
    finally:
        (copy / path).write_text(original)


def _fails(copy: Path, *command: str) -> bool:
    return subprocess.run([PYTHON, *command], cwd=copy, capture_output=True, check=False).returncode != 0


if __name__ == "__main__":
    main()
