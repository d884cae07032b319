"""What happens before a generation is planned: older uploads go, and changed files are looked up again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from chalicelib.assembly.lifecycle import abort_uploads
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors
from chalicelib.checking.checker import incomplete, look_up, outcome, wants_all
from chalicelib.errors import SourceChanged
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Counts, FileResult, FileState, Job, tally
from chalicelib.jobs.outcomes import nothing_available
from chalicelib.jobs.ports import BATCHES_AT_ONCE, CheckedFile, JobTable, SourceStore, files_of

MAX_CHANGES = 3  # a file that is seen to change in its third plan is given up
MAX_REPLANS = 25  # and then any that changes
LOOKUPS = 8  # in flight
LOOK_AT_ALL = 5_000  # files, some seconds of HEADs; of a larger job only those that were seen to change are looked up
MAX_BATCHES = 90  # whose results are replaced in one transaction of at most 100 items


class _Suspect(NamedTuple):
    """A file that may have changed. `surely`: what is found counts, even if it is what was there before."""

    place: int
    key: str
    before: FileResult
    surely: bool


class Replanner(msgspec.Struct, frozen=True):
    """Looks again at the files of a job whose archive begins again, and drops what the last attempt left."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    lifecycle: JobLifecycle
    executors: Executors
    look_at_all: int = LOOK_AT_ALL

    def prepare(self, job: Job) -> Job | None:
        """The job, its files as they are now. None if it ended, or another planner was quicker."""
        if job.replanned < job.generation:
            self._drop_older_generations(job)
            pairs = self._look_again(job)
            counts, size = _difference(list(pairs.values()))
            results = {index: after for index, (_, after) in pairs.items()}
            if not self.table.replace_results(job, results, counts=counts, size=size):
                return None  # the other planner may have seen other versions
            current = self.jobs.get(job.job_id)
            if current is None or current.generation != job.generation:
                return None
            job = current
        return None if self._ended(job) else job

    def _drop_older_generations(self, job: Job) -> None:
        """Abort their uploads; chunks of theirs that still run do nothing any more."""
        older = [archive for archive in self.table.archives(job.job_id) if archive.generation < job.generation]
        opened = [archive.upload for archive in older]
        abort_uploads(self.store, job.job_id, generations=range(1, job.generation), known=opened)
        self.table.forget_archives(older)

    def _look_again(self, job: Job) -> dict[int, tuple[FileResult, FileResult]]:
        """Results by index, before and after: of files that changed, of those that a client wants another attempt for,
        and of their like. A chunk names one changed file only; many may have changed at once, and must not cost a
        generation each.
        """
        changes = Counter(self.table.changed_keys(job))
        suspects = list(self._suspects(job, changes))
        restless = [suspect for suspect in suspects if suspect.surely and _is_restless(job, changes[suspect.key])]
        given_up = {suspect.place: (suspect.before, _given_up(suspect.before)) for suspect in restless}
        return self._looked_up(job, [suspect for suspect in suspects if suspect.place not in given_up]) | given_up

    def _suspects(self, job: Job, changes: Mapping[str, int]) -> Iterator[_Suspect]:
        every = job.total <= self.look_at_all and job.batches <= MAX_BATCHES
        for index, (file, result) in enumerate(self._files(job)):
            surely = file.key in changes or _wanted_again(job, result)
            if surely or (every and result.state is FileState.AVAILABLE):
                yield _Suspect(index, file.key, result, surely)

    def _looked_up(self, job: Job, suspects: Sequence[_Suspect]) -> dict[int, tuple[FileResult, FileResult]]:
        """What the store says of the suspects, as far as it counts.

        A HEAD may describe an object that cannot be read. So the surely changed ones are read, too, and once one of
        them cannot be, all others.
        """
        named, others = [each for each in suspects if each.surely], [each for each in suspects if not each.surely]
        pairs = self._pairs(job, named, read=True)
        refused = any(after.state is FileState.FAILED for _, after in pairs.values())
        found = self._pairs(job, others, read=refused)
        return pairs | {place: pair for place, pair in found.items() if _is_other(*pair)}

    def _pairs(self, job: Job, suspects: Sequence[_Suspect], *, read: bool) -> dict[int, tuple[FileResult, FileResult]]:
        if not suspects:
            return {}
        keys = [suspect.key for suspect in suspects]
        with self.executors(LOOKUPS) as executor:
            found = look_up(self.source, keys, executor=executor, read=read)
        return {
            suspect.place: (suspect.before, outcome(job, suspect.key, result=after))
            for suspect, after in zip(suspects, found, strict=True)
        }

    def _files(self, job: Job) -> Iterator[CheckedFile]:
        for start in range(0, job.batches, BATCHES_AT_ONCE):
            yield from files_of(self.jobs, job, numbers=range(start, min(start + BATCHES_AT_ONCE, job.batches)))

    def _ended(self, job: Job) -> bool:
        """Whether there is nothing to assemble; the job is failed then."""
        if not job.available:
            self.lifecycle.fail(job, nothing_available(self.jobs, job))
            return True
        if wants_all(job) and job.available + job.folders < job.total:
            self.lifecycle.fail(job, incomplete(self._files(job), job.total))
            return True
        return False


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
    return new - old, new_size - old_size
