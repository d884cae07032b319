"""The files of a job with what is known of them, some batches at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chalicelib.jobs.model import PENDING_RESULT, Counts, FileResult, FileState, Job, RequestedFile
from chalicelib.jobs.ports import JobTable
from chalicelib.limits import MAX_BATCH_KEY_BYTES, MAX_FILES_PER_BATCH

BATCHES_AT_ONCE = 25  # 5,000 files, some megabytes

CheckedFile = tuple[RequestedFile, FileResult]


def files_of(table: JobTable, job: Job, *, numbers: range, unknown: FileResult = PENDING_RESULT) -> list[CheckedFile]:
    """The files of consecutive batches; `unknown` stands for results that are not recorded."""
    requests = table.read_requests(job, numbers)
    results = table.read_results(job, numbers)
    files: list[CheckedFile] = []
    for number in numbers:
        found = results.get(number) or (unknown,) * len(requests[number])
        files.extend(zip(requests[number], found, strict=True))
    return files


def tally(results: Sequence[FileResult]) -> tuple[Counts, int]:
    """What results add to a job: files by what became of them, and the bytes of the available ones."""
    states = Counter(result.state for result in results)
    size = sum(result.size or 0 for result in results if result.state is FileState.AVAILABLE)
    return Counts(states[FileState.AVAILABLE], states[FileState.MISSING], states[FileState.FAILED]), size


def batch_size(keys: Sequence[str], most: int = MAX_FILES_PER_BATCH) -> int:
    """One size for all batches of a job, so that a file's batch follows from its index; less where keys are long."""
    longest = max((len(key.encode()) for key in keys), default=1)
    return max(1, min(most, MAX_BATCH_KEY_BYTES // longest))
