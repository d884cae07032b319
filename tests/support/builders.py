"""Short ways to make values for tests."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from typing import Any

from chalicelib.assembly.model import Archive, CrcSource, MultipartUpload, Phase
from chalicelib.checking.checker import BatchChecker
from chalicelib.checking.lister import PrefixLister
from chalicelib.jobs.dispatching import WINDOW
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Actor, ArchiveRequest, Job, JobEvent, JobStatus, RequestedFile
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.jobs.sweeper import Sweeper
from chalicelib.limits import MAX_FILES_PER_BATCH
from chalicelib.messages import CheckBatch, DispatchJob, ListPrefix, Message
from tests.support.executors import serial_executors
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Clock, FakeCallCounter, FakeSourceStore, FakeWorkQueue

ALICE = Actor(by="alice", request_id="request-1")
JOB_TTL = 86_400
SWEEP_AFTER = 120


def job(**changes: Any) -> Job:
    """A queued job of one file."""
    values: dict[str, Any] = {
        "job_id": "6f6b0f9e-0000-4000-8000-000000000001",
        "owner": "alice",
        "status": JobStatus.QUEUED,
        "step": None,
        "total": 1,
        "batch_size": 2,
        "link_ttl": 3600,
        "created_at": 1_700_000_000_000,
        "updated_at": 1_700_000_000_000,
        "expires_at": 1_700_086_400_000,
        "sweep_at": 1_700_000_120_000,
    }
    return Job(**{**values, **changes})


def archive(**changes: Any) -> Archive:
    """The archive of that job, of three chunks."""
    values: dict[str, Any] = {
        "job_id": job().job_id,
        "generation": 1,
        "number": 1,
        "filename": "a.zip",
        "size": 100,
        "entries": 1,
        "parts": 1,
        "crc_source": CrcSource.COPY,
        "verified": True,
        "cost": {"bytesRead": 7, "dollars": "0.1"},
        "plan": "staging/plan",
        "intermediates": "staging/uploads",
        "upload": MultipartUpload("archives/a.zip", "upload"),
        "chunks": {Phase.BODY: 3, Phase.FINISH: 1},
        "work": 150,
        "phase": Phase.BODY,
        "updated_at": 1_700_000_001_000,
    }
    return Archive(**{**values, **changes})


def files(*numbers: int) -> list[RequestedFile]:
    return [RequestedFile(f"downloads/{number}.zip", number) for number in numbers]


def event(kind: str = "created", at: int = 1_700_000_000_000) -> JobEvent:
    return JobEvent(kind, at, ALICE)


def new_id() -> str:
    return str(uuid.uuid4())


def numbered() -> Callable[[], str]:
    """Tokens of eight hex digits, each another."""
    numbers = itertools.count(1)
    return lambda: f"{next(numbers):08x}"


class World:
    """The whole core on fakes, with a queue that is worked off by hand."""

    def __init__(
        self, *, files_per_batch: int = MAX_FILES_PER_BATCH, table: FakeJobTable | None = None, window: int = WINDOW
    ) -> None:
        self.clock = Clock()
        self.table = table or FakeJobTable()
        self.queue = FakeWorkQueue()
        self.store = FakeSourceStore()
        self.counter = FakeCallCounter()
        self.lifecycle = JobLifecycle(self.table, self.queue, self.clock, JOB_TTL, window)
        self.service = JobService(self.table, self.queue, self.clock, new_id, JOB_TTL, SWEEP_AFTER, files_per_batch)
        self.checker = BatchChecker(self.table, self.store, self.lifecycle, serial_executors, self.clock, 1)
        self.lister = PrefixLister(self.table, self.store, self.lifecycle, self.clock, numbered())
        self.sweeper = Sweeper(self.table, self.queue, self.lifecycle, self.clock, SWEEP_AFTER, JOB_TTL)

    def start(self, *numbers: int, missing: tuple[int, ...] = (), archive: ArchiveRequest | None = None) -> Job:
        """Start a job whose files all exist but the `missing` ones."""
        for file in files(*numbers):
            if file.file_id not in missing:
                self.store.put(file.key)
        return self.service.start(NewJob(files(*numbers), 0, 3600, archive), ALICE)[0]

    def handle(self, message: Message, *, redelivered: bool = False) -> None:
        with self.lifecycle.running(message):
            if isinstance(message, DispatchJob):
                self.lifecycle.dispatch(message, redelivered=redelivered)
            elif isinstance(message, CheckBatch):
                self.checker.check(message, redelivered=redelivered)
            elif isinstance(message, ListPrefix):
                self.lister.find(message)

    def work_off(self) -> None:
        """Handle every message, also those sent meanwhile."""
        while self.queue.messages:
            self.handle(self.queue.messages.pop(0))

    def job(self, job_id: str) -> Job:
        found = self.table.get(job_id)
        assert found is not None
        return found

    def sweep(self) -> int:
        return self.sweeper.sweep(time_left=lambda: True)
