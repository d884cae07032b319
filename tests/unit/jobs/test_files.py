"""Files in batches, with what is known of them."""

from __future__ import annotations

import pytest

from chalicelib.jobs.files import batch_size, files_of, tally
from chalicelib.jobs.model import UNCHECKED_RESULT, Counts, FileResult, FileState
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_BATCH
from tests.support.builders import files, job
from tests.support.fake_job_table import FakeJobTable

AVAILABLE = FileResult(FileState.AVAILABLE, size=7)
FAILED = FileResult(FileState.FAILED, size=9, reason="archived_storage_class")
MISSING = FileResult(FileState.MISSING, reason="not_found")


def test_files_come_with_their_results_and_those_without_one_with_what_stands_for_it() -> None:
    table = FakeJobTable()
    found = job(total=5)
    table.requests = {(found.job_id, n): tuple(files(2 * n, 2 * n + 1)) for n in range(3)}
    table.results = {(found.job_id, 1): (AVAILABLE, MISSING)}
    assert files_of(table, found, numbers=range(1, 3), unknown=UNCHECKED_RESULT) == list(
        zip(files(2, 3, 4, 5), [AVAILABLE, MISSING, UNCHECKED_RESULT, UNCHECKED_RESULT], strict=True)
    )


def test_results_are_counted_by_state_and_only_available_files_have_bytes() -> None:
    assert tally([AVAILABLE, FAILED, MISSING, AVAILABLE]) == (Counts(2, 1, 1), 14)
    assert tally([]) == (Counts(), 0)


@pytest.mark.parametrize(
    ("keys", "size"),
    [
        ([], MAX_FILES_PER_BATCH),
        (["downloads/70000.zip"], MAX_FILES_PER_BATCH),
        (["a", "k" * 1_024], MAX_BATCH_KEY_BYTES // 1_024),
        (["ü" * 512], MAX_BATCH_KEY_BYTES // 1_024),
        (["k" * 2 * MAX_BATCH_KEY_BYTES], 1),
    ],
)
def test_the_longest_key_in_bytes_decides_how_many_files_a_batch_has(keys: list[str], size: int) -> None:
    assert batch_size(keys) == size
