"""The whole of assembly on fakes, with S3's limits scaled down so that every branch is reached in milliseconds."""

from __future__ import annotations

import io
import itertools
import zipfile
from typing import Any

import msgspec

from chalicelib.assembly.archive_planning import SMALL_BYTES, PlanRules
from chalicelib.assembly.chunks import CHUNK_LIMITS, ChunkLimits
from chalicelib.assembly.planner import PLAN_MS
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.replanning import LOOK_AT_ALL
from chalicelib.assembly.worker import Choices, Outside, build_worker
from chalicelib.checking.checker import BatchChecker
from chalicelib.checking.lister import PrefixLister
from chalicelib.jobs.model import ArchiveRequest, Job
from chalicelib.jobs.ports import JobTable, SourceStore
from chalicelib.jobs.service import NewJob
from chalicelib.limits import S3, S3Limits
from chalicelib.messages import BuildChunk, CleanUp, Message, PlanArchive
from tests.support import builders
from tests.support.builders import ALICE, World, numbered
from tests.support.executors import serial_executors
from tests.support.fake_assembly import FakeAssemblyTable
from tests.support.fake_job_table import FakeJobTable

SMALL = S3Limits(
    min_part=500,
    max_part=50_000,
    max_parts=60,
    literal_targets=(1_600, 3_200, 6_400),
    copy_splits=(5_000, 10_000, 20_000, 50_000),
    literal_entries=20,
    intermediate_parts=30,
)
SMALL_CHUNKS = ChunkLimits(seconds=0.35, bodies=10)  # three copies
PLENTY = 900.0  # seconds: enough to build on in one invocation


class AssemblyWorld(World):
    """`crcs` is the wanted source of CRC-32s; `store` says which of them there are.

    `seconds_left` are those of each invocation: none, so that every chunk is a message. Manifests and directories above
    `small_bytes` are finished by several chunks.
    """

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
        small_bytes: int = SMALL_BYTES,
        seconds_left: float = 80.0,
        plan_ms: int = PLAN_MS,
        files_per_batch: int = 4,
    ) -> None:
        fake = FakeJobTable()
        table, archives = tables or (fake, FakeAssemblyTable(fake))
        super().__init__(files_per_batch=files_per_batch, table=table)  # type: ignore[arg-type]
        everything: Any = store
        self.bucket, self.files = everything, source or everything
        if tables is None:
            everything.crashes = fake
        self.checker = BatchChecker(self.table, self.files, self.lifecycle, serial_executors, self.clock, 1)
        self.lister = PrefixLister(self.table, self.files, self.lifecycle, self.clock, numbered())
        self.archives: Any = archives
        ids = (f"00000000-0000-4000-8000-{number:012d}" for number in itertools.count(1))
        self.service = msgspec.structs.replace(self.service, new_id=lambda: next(ids))
        self.seconds_left = seconds_left
        self.tokens = (f"token-{number}" for number in itertools.count(1))
        self.rules = PlanRules(
            max_bytes=max_bytes,
            limits=limits,
            chunks=CHUNK_LIMITS if limits is S3 else SMALL_CHUNKS,
            small_bytes=small_bytes,
            parts_at_once=2,
        )
        self.crcs, self.look_at_all, self.plan_ms = crcs, look_at_all, plan_ms
        self.deploy()

    def deploy(self) -> None:
        """New workers, which have kept nothing, with the settings as they are now."""
        outside = Outside(
            jobs=self.table,
            table=self.archives,
            store=self.bucket,
            source=self.files,
            queue=self.queue,
            executors=serial_executors,
            now=self.clock,
            token=lambda: next(self.tokens),
        )
        choices = Choices(
            crc_source=self.crcs,
            store_name="test",
            rules=self.rules,
            look_at_all=self.look_at_all,
            plan_ms=self.plan_ms,
        )
        self.worker = build_worker(outside, choices, lifecycle=self.lifecycle)

    def start_archive(self, bodies: dict[int, bytes | None], **request: Any) -> Job:
        """Start a job with an archive of these files by id; None: the file is missing."""
        for number, body in bodies.items():
            if body is not None:
                self.bucket.put_source(f"downloads/{number}.zip", body)
        return self.service.start(NewJob(builders.files(*bodies), 0, 3600, ArchiveRequest(**request)), ALICE)[0]

    def handle(self, message: Message, *, redelivered: bool = False) -> None:
        if isinstance(message, PlanArchive | BuildChunk | CleanUp):
            with self.lifecycle.running(message):
                self.worker.handle(message, lambda: self.seconds_left, redelivered=redelivered)
        else:
            super().handle(message, redelivered=redelivered)

    def until(self, kind: type[Message]) -> Message:
        """Handle messages until one of `kind` is next, and still waits."""
        while not isinstance(self.queue.messages[0], kind):
            self.handle(self.queue.messages.pop(0))
        return self.queue.messages[0]

    def contents(self, job: Job, number: int = 1) -> dict[str, bytes]:
        """The files in an archive, by name; the archive is verified."""
        with zipfile.ZipFile(io.BytesIO(self.archive_bytes(job, number))) as archive:
            assert archive.testzip() is None
            return {name: archive.read(name) for name in archive.namelist()[:-1]}

    def archive_bytes(self, job: Job, number: int = 1) -> bytes:
        current = self.job(job.job_id)
        body: bytes = self.bucket.objects[f"archives/{job.job_id}/{current.generation}-{number}.zip"]
        return body
