"""A job whose files are checked: what assembly begins with."""

from __future__ import annotations

import copy
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from msgspec.structs import replace

from benchmarks.workloads import SOURCE, Store, key_of
from chalicelib.archive.costs import PlanCost
from chalicelib.archive.volumes import Brief
from chalicelib.assembly.model import entry_of
from chalicelib.aws.clients import Clients
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.checking.checker import BatchChecker
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Actor, ArchiveRequest, Job, RequestedFile
from chalicelib.jobs.ports import files_of
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.messages import CheckBatch, DispatchJob
from chalicelib.settings import Settings
from tests.support.archives import planned
from tests.support.builders import new_id
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import FakeWorkQueue

TTL = 86_400


@dataclass(frozen=True, slots=True)
class CheckedJob:
    """`check_cpu` is what its checking cost: one HEAD per file."""

    job: Job
    table: FakeJobTable
    queue: FakeWorkQueue
    check_cpu: float

    def fresh(self, *, crcs_known: bool) -> tuple[FakeJobTable, FakeWorkQueue]:
        """Copies to be worked on; without the CRC-32s of HEAD it is as if the files had been listed."""
        table, queue = copy.deepcopy((self.table, self.queue))
        if not crcs_known:
            table.results = {
                place: tuple(replace(result, crc32=None) for result in results)
                for place, results in table.results.items()
            }
        return table, queue

    def cost(self, *, crcs_known: bool) -> PlanCost:
        """What the plan of its archive costs."""
        table, _ = self.fresh(crcs_known=crcs_known)
        files = files_of(table, self.job, numbers=range(self.job.batches))
        entries = [entry_of(*file, trusted=True) for file in files]
        return planned(entries, brief=Brief(self.job.job_id, self.job.created_at // 1000)).cost


def checked_job(store: Store, ids: list[int]) -> CheckedJob:
    """Create a job for these files and check them."""
    settings = Settings.from_environment(store.settings)
    table, queue = FakeJobTable(), FakeWorkQueue()
    source = S3SourceStore(Clients(settings).store, SOURCE)
    lifecycle = JobLifecycle(table, queue, _now, TTL)
    service = JobService(table, queue, _now, new_id, TTL, 120)
    files = [RequestedFile(key_of(number), number) for number in ids]
    job, _ = service.start(NewJob(files, 0, 3_600, ArchiveRequest()), Actor(by="bench"))
    checker = BatchChecker(table, source, lifecycle, ThreadPoolExecutor, _now, settings.check_threads)
    before = time.process_time()
    while queue.messages and isinstance(queue.messages[0], CheckBatch | DispatchJob):
        message = queue.messages.pop(0)
        if isinstance(message, CheckBatch):
            checker.check(message, redelivered=False)
        elif isinstance(message, DispatchJob):
            lifecycle.dispatch(message, redelivered=False)
    return CheckedJob(table.jobs[job.job_id], table, queue, time.process_time() - before)


def _now() -> int:
    return time.time_ns() // 1_000_000
