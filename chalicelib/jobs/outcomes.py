"""What the results of a job's files come to: whether another look may find more, and why there is nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from chalicelib.errors import SourceChanged
from chalicelib.jobs.model import (
    ARCHIVED,
    CUSTOMER_KEY,
    FORBIDDEN,
    NOT_LINKABLE,
    Failure,
    FileResult,
    Job,
    clipped,
)
from chalicelib.jobs.ports import BATCHES_AT_ONCE, JobTable

NO_FILES_AVAILABLE = "no_files_available"

_PASSING = frozenset({ARCHIVED, FORBIDDEN, SourceChanged.code})  # reasons that may not apply any more
_ADVICE = {
    ARCHIVED: ": restore it first",
    CUSTOMER_KEY: ": only who has its key can read it",
    FORBIDDEN: ": its reason has what the store says",
    NOT_LINKABLE: ": ask for an archive",
    SourceChanged.code: ": retry the job",
}


def may_find_more(table: JobTable, job: Job) -> bool:
    """Whether the job lacks files whose reason may not apply any more."""
    return next(doubtful_batches(table, job), None) is not None


def doubtful_batches(table: JobTable, job: Job) -> Iterator[tuple[int, tuple[FileResult, ...]]]:
    """The batches with files whose reason may not apply any more, and their results."""
    for number, results in _batches(table, job) if job.failed else ():
        if any(result.code in _PASSING for result in results):
            yield number, results


def nothing_available(table: JobTable, job: Job) -> Failure:
    """Why none of the job's files can be had, and what to do."""
    codes = Counter(result.code for _, results in _batches(table, job) for result in results)
    counts = "; ".join(f"{count:,} {code}{_ADVICE.get(code, '')}" for code, count in codes.most_common())
    return Failure(NO_FILES_AVAILABLE, clipped(f"none of the requested files is available: {counts}"))


def _batches(table: JobTable, job: Job) -> Iterator[tuple[int, tuple[FileResult, ...]]]:
    for start in range(0, job.batches, BATCHES_AT_ONCE):
        yield from table.read_results(job, range(start, min(start + BATCHES_AT_ONCE, job.batches))).items()
