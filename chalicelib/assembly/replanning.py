"""What happens before a new generation is planned: old uploads go, changed files are looked at anew."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from msgspec.structs import replace

from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.checking.checker import result_of
from chalicelib.checking.ports import SourceStore
from chalicelib.errors import SourceChanged
from chalicelib.jobs.files import CheckedFile, all_files, tally
from chalicelib.jobs.lifecycle import NO_FILES_AVAILABLE, JobLifecycle
from chalicelib.jobs.model import Counts, Failure, FileResult, FileState, Job
from chalicelib.jobs.ports import JobTable

MAX_CHANGES = 3  # a file that is seen to change in its third plan is given up
MAX_REPLANS = 25  # and then any that changes: the job's row remembers them all
LOOKUPS = 8
LOOK_AT_ALL = 5_000  # files, some seconds of HEADs; of a larger job only those that were seen to change are looked at

FILES_MISSING = "files_missing"


@dataclass(frozen=True, slots=True)
class Replanner:
    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    lifecycle: JobLifecycle
    look_at_all: int = LOOK_AT_ALL

    def drop_older_generations(self, job: Job) -> None:
        """Abort the uploads of older generations; chunks of theirs that still run do nothing any more."""
        older = [archive for archive in self.table.archives(job.job_id) if archive.generation < job.generation]
        for archive in older:
            for upload in archive.uploads:
                self.store.abort(upload)
        self.table.forget_archives(older)

    def current_files(self, job: Job) -> tuple[Job, list[CheckedFile]] | None:
        """The job and its files, those that changed looked at anew. None if it ended, or is another planner's."""
        files = all_files(self.jobs, job)
        if job.replanned < job.generation:
            changes = self._look_again(job, files)
            counts, size = _difference([(files[index][1], result) for index, result in changes.items()])
            if not self.table.replace_results(job, changes, counts, size=size):
                return None  # another planner was quicker, and may have seen other versions
            files = [(file, changes.get(index, result)) for index, (file, result) in enumerate(files)]
        return None if self._ended(job, files) else (job, files)

    def _look_again(self, job: Job, files: Sequence[CheckedFile]) -> dict[int, FileResult]:
        """New results: of files that changed, of those that a client wants another attempt for, and of their like.

        A chunk tells of one changed file only. Many may have changed at once, and must not cost a generation each.
        """
        changes = Counter(job.changed)
        suspects = {n for n, (file, result) in enumerate(files) if file.key in changes or _wanted_again(job, result)}
        restless = {n for n in suspects if _is_restless(job, changes[files[n][0].key])}
        given_up = {index: _given_up(files[index][1]) for index in restless}
        return self._seen_now(files, suspects - restless) | given_up

    def _seen_now(self, files: Sequence[CheckedFile], suspects: set[int]) -> dict[int, FileResult]:
        """What the store says of the suspects now, and of all others that are not what they were."""
        others = [n for n, (_, result) in enumerate(files) if result.state is FileState.AVAILABLE]
        indices = sorted(suspects.union(others if len(files) <= self.look_at_all else ()))
        with ThreadPoolExecutor(LOOKUPS) as pool:
            stored = list(pool.map(lambda index: self.source.head(files[index][0].key), indices))
        if None in stored:
            self.source.confirm_bucket()
        found = {index: result_of(head) for index, head in zip(indices, stored, strict=True)}
        return {n: result for n, result in found.items() if n in suspects or _is_other(files[n][1], result)}

    def _ended(self, job: Job, files: Sequence[CheckedFile]) -> bool:
        """Whether there is nothing to assemble; the job is failed then."""
        states = Counter(result.state for _, result in files)
        if not states[FileState.AVAILABLE]:
            self.lifecycle.fail(job, NO_FILES_AVAILABLE)
            return True
        absent = len(files) - states[FileState.AVAILABLE]
        if job.archive and job.archive.on_missing == "fail" and absent:
            self.lifecycle.fail(job, incomplete(files))
            return True
        return False


def incomplete(files: Sequence[CheckedFile]) -> Failure:
    """The error of a job that wants all files or none; another attempt may help only where a file kept changing."""
    absent = [(file, result) for file, result in files if result.state is not FileState.AVAILABLE]
    changing = any(result.reason == SourceChanged.code for _, result in absent)
    named = ", ".join(f"{file.key} ({result.reason or result.state})" for file, result in absent[:5])
    more = f" and {len(absent) - 5:,} more" if len(absent) > 5 else ""
    return Failure(
        SourceChanged.code if changing else FILES_MISSING,
        f"{len(absent):,} of {len(files):,} files cannot be had: {named}{more}",
    )


def _wanted_again(job: Job, result: FileResult) -> bool:
    return job.replans == 0 and result.reason == SourceChanged.code


def _is_restless(job: Job, changes: int) -> bool:
    """Whether a file has changed too often, or the job been planned too often, to try once more."""
    return changes >= MAX_CHANGES or job.replans >= MAX_REPLANS


def _is_other(before: FileResult, after: FileResult) -> bool:
    return (before.state, before.etag) != (after.state, after.etag)


def _given_up(result: FileResult) -> FileResult:
    return replace(result, state=FileState.FAILED, reason=SourceChanged.code)


def _difference(pairs: Sequence[tuple[FileResult, FileResult]]) -> tuple[Counts, int]:
    """What replacing results (before, after) adds to a job's counts and size."""
    old, old_size = tally([before for before, _ in pairs])
    new, new_size = tally([after for _, after in pairs])
    counts = Counts(new.available - old.available, new.missing - old.missing, new.failed - old.failed)
    return counts, new_size - old_size
