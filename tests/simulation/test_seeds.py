"""The seeds that every change has to pass, and that one seed gives one run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.simulation.running import run, shrunk

SEEDS = 300
# Seeds that found a fault once: docs/explanation/reliability.md tells of each.
REGRESSIONS = (33, 96)


def test_three_hundred_seeds_pass(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seeds", str(SEEDS), "--traces", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-8_000:] + done.stderr[-2_000:]
    assert f"{SEEDS} seeds" in done.stdout


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_a_fault_that_was_found_stays_away(seed: int) -> None:
    assert run(seed).violations == []


def test_one_seed_gives_one_run() -> None:
    first, second = run(140, trace=True), run(140, trace=True)
    assert first.trace == second.trace
    assert first.drawn == second.drawn


def test_a_failure_is_shrunk_to_the_faults_it_needs() -> None:
    assert shrunk(range(1, 100), lambda faults: {12, 55} <= set(faults)) == [12, 55]
    assert list(shrunk(range(1, 100), lambda faults: True)) == []
    assert list(shrunk([7], lambda faults: 7 in faults)) == [7]
