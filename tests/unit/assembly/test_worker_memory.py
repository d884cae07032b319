"""A worker's memory, with as many entries as a job may have. It does not depend on the machine's speed."""

from __future__ import annotations

import pytest

from benchmarks.memory import SHAPES, figures
from chalicelib.limits import MAX_FILES_PER_JOB

LIMIT_MIB = 256


@pytest.mark.slow
def test_planning_and_finishing_100_000_names_of_1_000_bytes_takes_less_than_256_mib() -> None:
    size, folder = SHAPES["1 KiB, names of 1,000 bytes"]
    found = figures(MAX_FILES_PER_JOB, size, folder)
    assert found["messages"] > 100
    assert found["rss"] < LIMIT_MIB
