"""Moves archives from phase to phase, and their job to its end with the last of them; removes what stays behind."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable
from typing import Any

import msgspec

from chalicelib.assembly.model import Archive, MultipartUpload, Phase, archive_prefix, generation_of, staging_prefix
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.errors import TableUnavailable
from chalicelib.jobs.lifecycle import WORKER, JobLifecycle
from chalicelib.jobs.model import Job, JobEvent, JobStatus, Step
from chalicelib.jobs.ports import Change, JobTable, WorkQueue
from chalicelib.jobs.state_machine import Trigger
from chalicelib.messages import BuildChunk, PlanArchive

ATTEMPTS = 8  # to begin a new generation while other workers report progress
STALL_MS = 20_000  # nothing was recorded for so long: less than it takes a lost message to come back
REPORT_MS = 1_000  # clients see progress about so often
INLINE_SECONDS = 85.0  # must be left of an invocation to build another chunk in it
SETTLED_MS = 150_000  # longer than any worker runs


class ArchiveLifecycle(msgspec.Struct, frozen=True):
    """`now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    queue: WorkQueue
    job_lifecycle: JobLifecycle
    now: Callable[[], int]

    def start(self, archive: Archive, *, inline: bool) -> Archive | None:
        """Send the chunks of a phase that has just begun. With `inline`, a single one is left to the caller: then the
        archive is returned."""
        chunks = archive.chunks[archive.phase]
        if inline and chunks == 1:
            return archive
        self._send(archive, range(chunks))
        return None

    def recorded(self, job: Job, archive: Archive, *, inline: bool) -> Archive | None:
        """What follows a recorded chunk, given job and archive as they are now. Returns as `advance`."""
        self._report(job, archive)
        return self.advance(job, archive, inline=inline)

    def advance(self, job: Job, archive: Archive, *, inline: bool = False) -> Archive | None:
        """Enter the next phase that has work, if this one is complete; after the last, end the job.

        With `inline`, a phase of one chunk is left to the caller: then the archive in this phase is returned.
        """
        following: Archive | None = archive
        while following is not None and following.phase is not Phase.DONE:
            archive = following
            if not archive.phase_complete:
                return None
            following = self.table.enter_phase(archive, archive.next_phase, now=self.now())
            if following is not None and following.phase is not Phase.DONE:
                self._leave_checksumming(job, following)
                return self.start(following, inline=inline)
        if following is not None:
            self._end(following)
        return None

    def go_on(self, job: Job, archive: Archive) -> None:
        """Take up an archive that lies still: its messages may be lost. While it moves they are under way."""
        if self.now() - archive.updated_at >= STALL_MS and archive.phase is not Phase.DONE:
            recorded = self.table.recorded_chunks(archive)
            open_chunks = (n for n in range(archive.chunks[archive.phase]) if n not in recorded)
            self._send(archive, open_chunks, resume=True)
        self.advance(job, archive)

    def changed(self, job: Job, key: str) -> None:
        """A file is not what it was: begin a new generation, with a new plan and new uploads."""
        self._begin_again(job, "source_changed", details={"keys": [key]})

    def upload_aborted(self, job: Job, archive: Archive) -> None:
        """The upload of an archive was aborted from outside: begin a new generation."""
        self._begin_again(job, "upload_aborted", details={"archive": archive.number})

    def _begin_again(self, job: Job, kind: str, *, details: dict[str, Any]) -> None:
        event = JobEvent(kind, self.now(), WORKER, {**details, "generation": job.generation})
        keys = details.get("keys", ())
        for _ in range(ATTEMPTS):
            current = self.jobs.get(job.job_id)
            if current is None or current.status is not JobStatus.PROCESSING or current.generation != job.generation:
                return
            if self.table.next_generation(current, keys, event=event):
                self.queue.send([PlanArchive(job.job_id, job.generation + 1)])
                return
        raise TableUnavailable(f"the row of job {job.job_id} changed at each attempt to begin a new generation")

    def _send(self, archive: Archive, chunks: Iterable[int], *, resume: bool = False) -> None:
        """Repeating a chunk's message is harmless."""
        place = (archive.job_id, archive.generation, archive.number, str(archive.phase))
        self.queue.send(BuildChunk(*place, chunk, resume) for chunk in chunks)

    def _report(self, job: Job, archive: Archive) -> None:
        """Let clients see the progress, now and then and at the end of each phase; the end of the last is the job's."""
        if archive.phase is Phase.DONE:
            return  # another worker was quicker
        now = self.now()
        complete = archive.phase_complete and archive.next_phase is not Phase.DONE
        if not complete and now - job.updated_at < REPORT_MS:
            return
        assembled = archive.built
        if archive.size != job.to_assemble:  # the job has several archives
            assembled = sum(each.built for each in self.table.archives(job.job_id, job.generation))
        not_after = None if complete else now - REPORT_MS
        self.table.report_progress(job, assembled=assembled, now=now, not_after=not_after)

    def _leave_checksumming(self, job: Job, archive: Archive) -> None:
        """The job builds as soon as none of its archives reads for CRC-32s any more."""
        if job.step is not Step.CHECKSUMMING:
            return
        archives = self.table.archives(archive.job_id, archive.generation)
        if all(each.phase is not Phase.CHECKSUM for each in archives):
            event = JobEvent("assembling", self.now(), WORKER)
            self.jobs.apply(Change(job_id=archive.job_id, trigger=Trigger.BUILD, event=event))

    def _end(self, archive: Archive) -> None:
        """End the job with the last of its archives."""
        archives = self.table.archives(archive.job_id, archive.generation)
        if any(each.phase is not Phase.DONE for each in archives):
            return
        job = self.jobs.get(archive.job_id)
        if job is not None and job.generation == archive.generation:
            self._leave_checksumming(job, archive)
            self.job_lifecycle.succeed(job)


def abort_uploads(
    store: ArchiveStore,
    job_id: str,
    *,
    generations: range,
    known: Iterable[MultipartUpload] = (),
    kept: Container[MultipartUpload] = (),
) -> None:
    """Abort the uploads of these generations of a job, but for the `kept`.

    The `known` ones are aborted even if the store does not list them.
    """
    uploads = list(known)
    for prefix in (archive_prefix(job_id), staging_prefix(job_id)):
        uploads += store.open_uploads(prefix)
    for upload in dict.fromkeys(uploads):
        if generation_of(upload.key) in generations and upload not in kept:
            store.abort(upload)


class Cleaner(msgspec.Struct, frozen=True):
    """Removes what an ended job does not need: open uploads, staging objects, archives that can no longer be fetched.

    `now()` is epoch milliseconds.
    """

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
        opened = [archive.upload for archive in self.table.archives(job_id)]
        abort_uploads(self.store, job_id, generations=range(1, job.generation + 1), known=opened)
        kept = job.status is JobStatus.READY and not job.has_expired(self.now())
        for generation in range(1, job.generation + 1):
            self.store.delete_below(f"{staging_prefix(job_id)}{generation}/")
            if not kept or generation < job.generation:
                self.store.delete_below(f"{archive_prefix(job_id)}{generation}-")
        if job.purged:
            self.jobs.forget_files(job)
        self.table.cleaned_up(job, sweep_at=self._next_look(job, kept=kept))
        return True

    def _next_look(self, job: Job, *, kept: bool) -> int | None:
        settled = (job.finished_at or 0) + SETTLED_MS
        if self.now() < settled:
            return settled
        return job.expires_at if kept else None
