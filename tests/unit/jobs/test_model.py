"""A job and its files: batches, counts, progress, and what stands for results that are not there yet."""

from __future__ import annotations

import pytest

from chalicelib.jobs.model import UNCHECKED_RESULT, Counts, FileResult, FileState, JobStatus, tally
from chalicelib.jobs.ports import files_of
from tests.support.builders import files, job
from tests.support.fake_job_table import FakeJobTable


@pytest.mark.parametrize(("total", "size", "batches"), [(1, 2, 1), (2, 2, 1), (3, 2, 2), (100_000, 200, 500)])
def test_the_last_batch_takes_what_is_left(total: int, size: int, batches: int) -> None:
    assert job(total=total, batch_size=size).batches == batches


def test_a_job_is_checked_when_each_of_its_batches_is() -> None:
    assert not job(total=5, checked=2).all_checked
    assert job(total=5, checked=3).all_checked
    assert not job(total=0, prefix="downloads/").all_checked


@pytest.mark.parametrize(
    ("checked", "dispatched", "in_flight", "ahead"), [(0, 0, 0, 0), (3, 7, 4, 0), (3, 0, 0, 3), (3, 4, 2, 1)]
)
def test_results_of_an_earlier_attempt_lie_ahead(checked: int, dispatched: int, in_flight: int, ahead: int) -> None:
    found = job(total=20, checked=checked, dispatched=dispatched, in_flight=in_flight)
    assert found.recorded_ahead == ahead


@pytest.mark.parametrize(
    ("processed", "status", "progress"),
    [
        (0, JobStatus.QUEUED, 0),
        (1, JobStatus.PROCESSING, 33),
        (2, JobStatus.CANCELLED, 66),
        (3, JobStatus.PROCESSING, 99),
        (3, JobStatus.FAILED, 99),
        (3, JobStatus.READY, 100),
    ],
)
def test_progress_is_100_only_of_a_ready_job(processed: int, status: JobStatus, progress: int) -> None:
    assert job(total=3, status=status, available=processed).progress == progress


def test_missing_and_failed_files_count_as_processed() -> None:
    assert Counts(available=1, missing=2, failed=4).processed == 7


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
