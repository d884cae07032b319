"""Removes what an ended job does not need: open uploads, staging objects, archives that can no longer be fetched."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chalicelib.assembly.model import archive_prefix, generation_of, staging_prefix
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.jobs.ports import JobTable

SETTLED_MS = 150_000  # longer than any worker runs


class Cleaner(msgspec.Struct, frozen=True):
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    now: Callable[[], int]

    def clean_up(self, job_id: str) -> bool:
        """False if the job still runs. An archive that can be fetched stays until the job expires.

        Done twice: a worker that was slow to notice the end may have written something after the first time. Only
        generations up to the one that ended are touched, as a client may have begun the next.
        """
        job = self.jobs.get(job_id)
        if job is None or not job.status.ended:
            return False
        self._abort_uploads(job)
        kept = job.status is JobStatus.READY and self.now() < job.expires_at
        for generation in range(1, job.generation + 1):
            self.store.delete_below(f"{staging_prefix(job_id)}{generation}/")
            if not kept or generation < job.generation:
                self.store.delete_below(f"{archive_prefix(job_id)}{generation}-")
        self.table.cleaned_up(job, sweep_at=self._next_look(job, kept=kept))
        return True

    def _abort_uploads(self, job: Job) -> None:
        uploads = [archive.upload for archive in self.table.archives(job.job_id)]
        for prefix in (archive_prefix(job.job_id), staging_prefix(job.job_id)):
            uploads += self.store.open_uploads(prefix)
        for upload in dict.fromkeys(uploads):
            if generation_of(upload.key) <= job.generation:
                self.store.abort(upload)

    def _next_look(self, job: Job, *, kept: bool) -> int | None:
        settled = (job.finished_at or 0) + SETTLED_MS
        if self.now() < settled:
            return settled
        return job.expires_at if kept else None
