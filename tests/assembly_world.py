"""The whole of assembly on fakes, with S3's limits scaled down so that every branch is reached in milliseconds."""

from __future__ import annotations

from typing import Any

from chalicelib.archive.rules import S3, S3Limits
from chalicelib.assembly.chunks import MAX_BODIES
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.replanning import LOOK_AT_ALL
from chalicelib.assembly.wiring import Choices, Outside, assembled
from chalicelib.checking.checker import BatchChecker
from chalicelib.checking.lister import PrefixLister
from chalicelib.checking.ports import SourceStore
from chalicelib.jobs.model import ArchiveRequest, Job
from chalicelib.jobs.ports import JobTable
from chalicelib.jobs.service import NewJob
from chalicelib.messages import BuildChunk, CleanUp, Message, PlanArchive
from tests import builders
from tests.builders import ALICE, World, numbered
from tests.fake_assembly import FakeAssemblyTable
from tests.fakes import FakeJobTable
from tests.support.executors import SerialExecutor

SMALL = S3Limits(
    min_part=500,
    max_part=50_000,
    max_parts=60,
    literal_targets=(1_600, 3_200, 6_400),
    copy_splits=(5_000, 10_000, 20_000, 50_000),
    literal_entries=20,
    stage_parts=30,
)


class AssemblyWorld(World):
    """`crcs` is the wanted source of CRC-32s; `store` says which of them there are."""

    def __init__(  # noqa: PLR0913 - each is one thing that a test may vary
        self,
        store: ArchiveStore,
        *,
        source: SourceStore | None = None,
        crcs: str = "auto",
        max_bytes: int = 10**12,
        limits: S3Limits = SMALL,
        look_at_all: int = LOOK_AT_ALL,
        tables: tuple[JobTable, AssemblyTable] | None = None,
    ) -> None:
        fake = FakeJobTable()
        table, archives = tables or (fake, FakeAssemblyTable(fake))
        super().__init__(files_per_batch=4, table=table)  # type: ignore[arg-type]
        self.bucket: Any = store
        files: Any = source or store
        self.checker = BatchChecker(self.table, files, self.lifecycle, SerialExecutor(), self.clock)
        self.lister = PrefixLister(self.table, files, self.lifecycle, self.clock, numbered())
        self.archives: Any = archives
        choices = Choices(
            crc_source=crcs,
            max_bytes=max_bytes,
            store_name="test",
            limits=limits,
            max_bodies=MAX_BODIES if limits is S3 else 10,
            look_at_all=look_at_all,
        )
        outside = Outside(self.table, archives, store, files, self.queue)
        self.worker = assembled(outside, choices, self.lifecycle, self.clock)

    def start_archive(self, bodies: dict[int, bytes | None], **request: Any) -> Job:
        """Start a job with an archive of these files by id; None: the file is missing."""
        for number, body in bodies.items():
            if body is not None:
                self.bucket.put_source(f"downloads/{number}.zip", body)
        return self.service.start(NewJob(builders.files(*bodies), 0, 3600, ArchiveRequest(**request)), ALICE)[0]

    def handle(self, message: Message, *, redelivered: bool = False) -> None:
        if isinstance(message, PlanArchive | BuildChunk | CleanUp):
            self.worker.handle(message)
        else:
            super().handle(message, redelivered=redelivered)

    def archive_bytes(self, job: Job, number: int = 1) -> bytes:
        current = self.job(job.job_id)
        body: bytes = self.bucket.objects[f"archives/{job.job_id}/{current.generation}-{number}.zip"]
        return body
