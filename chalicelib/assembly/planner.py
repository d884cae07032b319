"""Handles a message of planning: continues where the last one stopped, and opens the archives when all are planned."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from chalicelib.archive.costs import PlanCost
from chalicelib.archive.encoding import decode, encode
from chalicelib.assembly.archive_planning import PlannedArchive
from chalicelib.assembly.lifecycle import INLINE_SECONDS, ArchiveLifecycle
from chalicelib.assembly.model import (
    PHASES,
    Archive,
    CrcSource,
    MultipartUpload,
    Phase,
    archive_filename,
    archive_key,
    archive_prefix,
    staging_place,
    staging_prefix,
)
from chalicelib.assembly.planning import Planning, PlanRun, PlanState
from chalicelib.assembly.plans import StagingArea, Uploads
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors, SecondsLeft
from chalicelib.assembly.replanning import Replanner
from chalicelib.errors import ArchiveTooLarge, UnknownFormat
from chalicelib.jobs.lifecycle import WORKER
from chalicelib.jobs.model import Failure, Job, JobEvent
from chalicelib.jobs.ports import JobTable, WorkQueue
from chalicelib.jobs.state_machine import Trigger, allows
from chalicelib.messages import PlanArchive

PLAN_MS = 10_000  # of work in one message
RESERVE_SECONDS = 20.0  # for saving
WRITES_IN_FLIGHT = 4


class Planned(NamedTuple):
    """A message was worked on. `archive`: its first phase is one chunk, which the caller is to build itself."""

    archive: Archive | None = None


class ArchivePlanner(msgspec.Struct, frozen=True, kw_only=True):
    """`now()` is epoch milliseconds; `token()` gives a name that no other message uses."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    queue: WorkQueue
    lifecycle: ArchiveLifecycle
    replanner: Replanner
    planning: Planning
    executors: Executors
    now: Callable[[], int]
    token: Callable[[], str]
    plan_ms: int = PLAN_MS

    def plan(self, message: PlanArchive, seconds_left: SecondsLeft) -> Planned | None:
        """Handle one message; None if there was nothing to plan. Repeating it continues where it stopped."""
        job = self.jobs.get(message.job_id)
        if job is None or job.generation != message.generation or not allows(job, Trigger.BUILD):
            return None
        opened = self.table.archives(job.job_id, job.generation)
        if opened:
            self._abort_other_uploads(job, opened)
            for archive in opened:
                self.lifecycle.go_on(job, archive)
            return None
        ready = self.replanner.prepare(job)
        return self._plan_job(ready, seconds_left) if ready else None

    def _plan_job(self, job: Job, seconds_left: SecondsLeft) -> Planned | None:
        started = self.now()
        before = self.table.saved_plan(job)
        place = staging_place(job.job_id, job.generation, self.token())
        with self.executors(WRITES_IN_FLIGHT) as executor:
            run = self._run(job, before, StagingArea(self.store, executor, place))
            try:
                for _ in run.steps():
                    if self.now() - started >= self.plan_ms or seconds_left() < RESERVE_SECONDS:
                        return self._save(job, run, before)
            except ArchiveTooLarge as error:
                self.lifecycle.job_lifecycle.fail(job, Failure(error.code, str(error)))
                return None
        planned = run.state.archives
        del run  # and the entries, before an archive may be built right here
        return self._open(job, self._archives(job, planned, place), seconds_left)

    def _run(self, job: Job, before: str | None, area: StagingArea) -> PlanRun:
        """The run that was left, or one from the start, also where other code has left what this code cannot read."""
        if before:
            try:
                return PlanRun(self.planning, job, decode(self.store.get(before), PlanState), area)
            except UnknownFormat:
                pass
        return PlanRun(self.planning, job, PlanState(), area)

    def _save(self, job: Job, run: PlanRun, before: str | None) -> Planned | None:
        """Let the next message continue, unless another planner was quicker; what is stored here is then removed with
        the job."""
        state = run.save()
        if not self.table.save_plan(job, state=state, before=before, step=run.state.step, now=self.now()):
            return None
        self.queue.send([PlanArchive(job.job_id, job.generation)])
        return Planned()

    # --- opening

    def _archives(self, job: Job, planned: Sequence[PlannedArchive], place: str) -> list[Archive]:
        """The archives, their uploads created."""
        with self.executors(WRITES_IN_FLIGHT) as executor:
            numbers = range(1, len(planned) + 1)
            return list(executor.map(lambda number: self._archive(job, number, planned, place), numbers))

    def _archive(self, job: Job, number: int, planned: Sequence[PlannedArchive], place: str) -> Archive:
        plan = planned[number - 1]
        verified = plan.crc_source is CrcSource.COPY
        names = [f"{place}{number}/intermediate-{upload}" for upload in range(1, plan.intermediates + 1)]
        intermediates = tuple(self.store.create_upload(name, checksummed=verified) for name in names)
        if intermediates:
            self.store.put(f"{place}{number}/uploads", encode(Uploads(intermediates)))
        return Archive(
            job_id=job.job_id,
            generation=job.generation,
            number=number,
            filename=archive_filename(job, number, len(planned)),
            size=plan.size,
            entries=plan.entries,
            parts=plan.parts,
            crc_source=plan.crc_source,
            verified=verified,
            cost=_cost_report(plan.cost),
            plan=plan.plan,
            intermediates=f"{place}{number}/uploads" if intermediates else "",
            upload=self.store.create_upload(archive_key(job.job_id, job.generation, number), checksummed=verified),
            chunks=plan.chunks,
            work=plan.work,
            phase=next(phase for phase in PHASES if plan.chunks.get(phase)),
            updated_at=self.now(),
        )

    def _open(self, job: Job, archives: Sequence[Archive], seconds_left: SecondsLeft) -> Planned | None:
        """Save the archives, then send their first messages: in this order."""
        reads = any(archive.phase is Phase.CHECKSUM for archive in archives)
        sizes = {"archives": len(archives), "bytes": sum(archive.size for archive in archives)}
        costs = {"costs": [archive.cost for archive in archives]}
        event = JobEvent("checksumming" if reads else "assembling", self.now(), WORKER, sizes | costs)
        opened = self.table.open_archives(job, Trigger.CHECKSUM if reads else Trigger.BUILD, archives, event)
        if not opened:
            for archive in archives:
                for upload in self._uploads_of(archive):
                    self.store.abort(upload)
            return None
        self._abort_other_uploads(job, archives)
        inline = len(archives) == 1 and seconds_left() >= INLINE_SECONDS
        return Planned(*[self.lifecycle.start(archive, inline=inline) for archive in archives][:1])

    def _uploads_of(self, archive: Archive) -> list[MultipartUpload]:
        stored = self.store.get(archive.intermediates) if archive.intermediates else None
        return [archive.upload, *(decode(stored, Uploads).uploads if stored else ())]

    def _abort_other_uploads(self, job: Job, archives: Sequence[Archive]) -> None:
        """Abort the uploads of planners that were killed before they could save theirs."""
        known = {upload for archive in archives for upload in self._uploads_of(archive)}
        places = (f"{archive_prefix(job.job_id)}{job.generation}-", f"{staging_prefix(job.job_id)}{job.generation}/")
        for place in places:
            for upload in self.store.open_uploads(place):
                if upload not in known:
                    self.store.abort(upload)


def _cost_report(cost: PlanCost) -> dict[str, int | str]:
    """Bytes through workers and within S3, requests, and dollars of S3 in us-east-1, as clients see them."""
    return {
        "bytesRead": cost.read,
        "bytesWritten": cost.written,
        "bytesCopied": cost.copied + cost.joined,
        "requests": cost.requests,
        "dollars": f"{cost.dollars:.6f}",
    }
