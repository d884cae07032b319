"""All files of a job with what is known of them, a stretch of batches at a time."""

from __future__ import annotations

from chalicelib.jobs.model import PENDING_RESULT, FileResult, Job, RequestedFile
from chalicelib.jobs.ports import JobTable

BATCHES_AT_ONCE = 25

CheckedFile = tuple[RequestedFile, FileResult]


def all_files(table: JobTable, job: Job) -> list[CheckedFile]:
    """Every file in the order of the request. 100,000 files are some 40 MB."""
    files: list[CheckedFile] = []
    for start in range(0, job.batches, BATCHES_AT_ONCE):
        numbers = range(start, min(start + BATCHES_AT_ONCE, job.batches))
        files += files_of(table, job, numbers)
    return files


def files_of(table: JobTable, job: Job, numbers: range, unknown: FileResult = PENDING_RESULT) -> list[CheckedFile]:
    """The files of consecutive batches; `unknown` stands for results that are not recorded."""
    requests = table.read_requests(job.job_id, numbers)
    results = table.read_results(job.job_id, numbers)
    files: list[CheckedFile] = []
    for number in numbers:
        found = results.get(number) or (unknown,) * len(requests[number])
        files.extend(zip(requests[number], found, strict=True))
    return files
