"""Removes what an ended job does not need: open uploads, staging objects, archives that nobody may fetch any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.assembly.model import archive_prefix, staging_prefix
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.jobs.model import JobStatus
from chalicelib.jobs.ports import JobTable


@dataclass(frozen=True, slots=True)
class Cleaner:
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    now: Callable[[], int]

    def clean_up(self, job_id: str) -> bool:
        """False if the job still runs. An archive that can be fetched stays until the job expires."""
        job = self.jobs.get(job_id)
        if job is None or not job.status.ended:
            return False
        for archive in self.table.archives(job_id):
            for upload in archive.uploads:
                self.store.abort(upload)
        for prefix in (archive_prefix(job_id), staging_prefix(job_id)):
            for upload in self.store.open_uploads(prefix):
                self.store.abort(upload)
        self.store.delete_below(staging_prefix(job_id))
        kept = job.status is JobStatus.READY and self.now() < job.expires_at
        if not kept:
            self.store.delete_below(archive_prefix(job_id))
        self.table.cleaned_up(job, sweep_at=job.expires_at if kept else None)
        return True
