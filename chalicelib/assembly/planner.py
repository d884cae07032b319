"""Plans the archives of a job whose files are checked, opens their uploads, and sends their first chunks."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from chalicelib.archive.archives import ArchivePlan
from chalicelib.archive.rules import S3, S3Limits
from chalicelib.assembly.blueprint import archive_plans, cost_report, fingerprint
from chalicelib.assembly.builder import chunk_key
from chalicelib.assembly.checksums import Checksums, bodies_to_know, crc_source
from chalicelib.assembly.chunks import MAX_BODIES, cut_into_chunks, reads_for_crcs
from chalicelib.assembly.lifecycle import ArchiveLifecycle
from chalicelib.assembly.model import (
    Archive,
    CrcSource,
    Phase,
    archive_filename,
    archive_key,
    staging_place,
)
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.replanning import Replanner
from chalicelib.assembly.specifications import SpecificationWriter
from chalicelib.assembly.tasks import Range, encode_chunk
from chalicelib.errors import ArchiveTooLarge
from chalicelib.jobs.files import CheckedFile
from chalicelib.jobs.lifecycle import WORKER
from chalicelib.jobs.model import Failure, Job, JobEvent, JobStatus
from chalicelib.jobs.ports import JobTable
from chalicelib.jobs.state_machine import Trigger, target
from chalicelib.messages import PlanArchive

MAX_ARCHIVES = 90  # of one job: they are saved in one transaction of at most 100 items


@dataclass(frozen=True, slots=True)
class ArchivePlanner:
    """`max_bytes`: a larger archive is split. `now()` is epoch milliseconds."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    lifecycle: ArchiveLifecycle
    replanner: Replanner
    checksums: Checksums
    now: Callable[[], int]
    max_bytes: int
    limits: S3Limits = S3
    max_bodies: int = MAX_BODIES

    def plan(self, message: PlanArchive) -> bool:
        """Handle one message; False if there was nothing to plan. Repeating it goes on where it stopped."""
        job = self.jobs.get(message.job_id)
        if job is None or job.status is not JobStatus.PROCESSING or job.generation != message.generation:
            return False
        opened = self.table.archives(job.job_id, job.generation)
        built = [archive for archive in opened if not archive.reads_only]
        reads = next((archive for archive in opened if archive.reads_only), None)
        if built or (reads and reads.phase is not Phase.DONE):
            for archive in built or opened:
                self.lifecycle.go_on(job, archive)
            return False
        return self._plan_anew(job, reads)

    def _plan_anew(self, job: Job, reads: Archive | None) -> bool:
        if reads is None:
            self.replanner.drop_older_generations(job)
        current = self.replanner.current_files(job)
        if current is None:
            return False
        try:
            return self._plan_files(*current, reads)
        except ArchiveTooLarge as error:
            self.lifecycle.job_lifecycle.fail(job, Failure(error.code, str(error)))
            return False

    def _plan_files(self, job: Job, files: list[CheckedFile], reads: Archive | None) -> bool:
        files = self.checksums.trusted(files)
        plans = self._plans(job, files, {})
        unknown = bodies_to_know(plans)
        source = crc_source(self.checksums.copies_tell(), unknown)
        if source is not CrcSource.READ:
            return self._open(job, plans, source, {})
        del plans  # two plans of 100,000 files at once are more than a worker should hold
        crcs = self._known(unknown, reads)
        if len(crcs) < len(unknown):
            return self._open_reads(job, unknown)
        return self._open(job, self._plans(job, files, crcs), source, crcs)

    def _plans(self, job: Job, files: Sequence[CheckedFile], crcs: Mapping[str, int]) -> list[ArchivePlan]:
        plans = archive_plans(job, files, max_bytes=self.max_bytes, crcs=crcs, limits=self.limits)
        if len(plans) > MAX_ARCHIVES:
            raise ArchiveTooLarge(size=sum(plan.layout.size for plan in plans), limit=MAX_ARCHIVES * self.max_bytes)
        return plans

    def _known(self, bodies: Sequence[Range], reads: Archive | None) -> dict[str, int]:
        """CRC-32s by key: all of them after the bodies were read, before that those that are remembered."""
        if reads is None:
            return self.checksums.remembered(bodies)
        crcs = self.checksums.read_crcs(reads, bodies)
        self.checksums.remember(bodies, crcs)
        return crcs

    def _open_reads(self, job: Job, bodies: Sequence[Range]) -> bool:
        """Let workers read the bodies; when they are done, this job is planned again."""
        reads = Archive(
            job_id=job.job_id,
            generation=job.generation,
            number=0,
            filename="",
            size=sum(body.size for body in bodies),
            entries=len(bodies),
            parts=0,
            crc_source=CrcSource.READ,
            verified=False,
            staging=staging_place(job.job_id, job.generation, secrets.token_hex(4), 0),
            fingerprint="",
            cost={},
            uploads=(),
            chunks={},
            phase=Phase.CHECKSUM,
        )
        with SpecificationWriter(self.store, reads) as writer:
            work = reads_for_crcs(bodies, writer.write)
        return self._save(job, Trigger.CHECKSUM, [replace(reads, chunks=work.chunks)])

    def _open(self, job: Job, plans: Sequence[ArchivePlan], source: CrcSource, crcs: Mapping[str, int]) -> bool:
        """Write the chunks, open the uploads, save the archives, send the first messages: in this order."""
        archives = [self._archive(job, number, plans, source) for number in range(1, len(plans) + 1)]
        for archive in archives:
            self.store.put(crcs_key(archive), msgspec.json.encode(crcs))
        return self._save(job, Trigger.BUILD, archives)

    def _save(self, job: Job, trigger: Trigger, archives: Sequence[Archive]) -> bool:
        details: dict[str, Any] = {"archives": len(archives), "bytes": sum(archive.size for archive in archives)}
        details |= {"costs": [archive.cost for archive in archives if archive.cost]}
        event = JobEvent(str(target(trigger).step), self.now(), WORKER, details)
        if self.table.open_archives(job, trigger, archives, event):
            for archive in archives:
                self.lifecycle.send_missing(archive)
                self.lifecycle.advance(archive)
            return True
        for archive in archives:
            for upload in archive.uploads:
                self.store.abort(upload)
        return False

    def _archive(self, job: Job, number: int, plans: Sequence[ArchivePlan], source: CrcSource) -> Archive:
        plan = plans[number - 1]
        verified = source is CrcSource.COPY
        staging = staging_place(job.job_id, job.generation, secrets.token_hex(4), number)
        keys = [archive_key(job.job_id, job.generation, number)]
        keys += [f"{staging}stage-{stage.number}" for stage in plan.plan.stages]
        archive = Archive(
            job_id=job.job_id,
            generation=job.generation,
            number=number,
            filename=archive_filename(job, number, len(plans)),
            size=plan.layout.size,
            entries=len(plan.layout.entries),
            parts=len(plan.plan.archive.parts),
            crc_source=source,
            verified=verified,
            staging=staging,
            fingerprint=fingerprint(plan),
            cost=cost_report(plan),
            uploads=tuple(self.store.create_upload(key, checksummed=verified) for key in keys),
            chunks={},
            phase=Phase.GATHER,
        )
        with SpecificationWriter(self.store, archive) as writer:
            work = cut_into_chunks(plan, staging, writer.write, max_bodies=self.max_bodies)
        self.store.put(chunk_key(archive, Phase.FINISH, 0), encode_chunk(work.finish))
        return replace(archive, chunks={**work.chunks, Phase.FINISH: 1})


def crcs_key(archive: Archive) -> str:
    """Where the CRC-32s lie that were read or remembered for the plan: the finisher needs them again."""
    return f"{archive.staging}crcs.json"
