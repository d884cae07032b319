"""Peak memory of a worker that plans, drives and finishes an archive of 100,000 entries: python -m benchmarks memory

No bytes are moved: the store says yes to everything, and chunks are recorded without being built. What is left is what
grows with the number of entries: the list of files, the plan, the chunks, the receipts, the directory.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import uuid
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from benchmarks import report
from benchmarks.metering import Meter, cpu_seconds, measured, peak_rss_mib
from benchmarks.plan_100k import LONG
from benchmarks.tables import SharedTables, connect
from benchmarks.worker import milliseconds
from chalicelib.archive.parts import Body, Copy, CopyObject, Gather, Literal
from chalicelib.archive.records import crc32_concat
from chalicelib.assembly.archive_planning import PlanRules
from chalicelib.assembly.builder import ChunkBuilder
from chalicelib.assembly.model import Archive, BodyCrc, MultipartUpload, PartReceipt, Receipt
from chalicelib.assembly.worker import Choices, Outside, build_worker
from chalicelib.aws.clients import Clients
from chalicelib.checking.checker import BatchChecker
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Actor, ArchiveRequest, JobStatus, RequestedFile
from chalicelib.jobs.ports import StoredObject
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.limits import MAX_FILES_PER_JOB, KiB, MiB
from chalicelib.messages import CheckBatch, DispatchJob, PlanArchive
from chalicelib.settings import Settings
from tests.support.builders import new_id
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import FakeSourceStore, FakeWorkQueue

SHAPES = {
    "1 KiB": (KiB, ""),
    "100 KiB": (100 * KiB, ""),
    "8 MiB": (8 * MiB, ""),
    "16 MiB": (16 * MiB, ""),
    "100 MiB": (100 * MiB, ""),
    "1 KiB, names of 1,000 bytes": (KiB, f"{LONG}/"),
}
SHORT, SHORT_SHAPES = 5_000, {name: SHAPES[name] for name in ("1 KiB", "16 MiB", "1 KiB, names of 1,000 bytes")}
SECONDS_LEFT = 80.0  # of each invocation: too few to build on in it
SETTINGS = {
    **{f"{name}_QUEUE_URL": "unused" for name in ("DISPATCH", "CHECK", "ASSEMBLY", "WEBHOOK")},
    **dict.fromkeys(("TABLE_NAME", "SOURCE_BUCKET", "ARCHIVE_BUCKET", "SECRET_ID"), "unused"),
    "ALLOW_ANONYMOUS": "true",
}
TTL = 86_400


class YesStore:
    """Every object is zeros, every write succeeds; what is put is kept on disk."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def create_upload(self, key: str, *, checksummed: bool) -> MultipartUpload:
        return MultipartUpload(key, "u" * 64)

    def open_uploads(self, prefix: str) -> list[MultipartUpload]:
        return []

    def put(self, key: str, body: bytes | bytearray) -> None:
        (self._folder / key.replace("/", "+")).write_bytes(body)

    def get(self, key: str) -> bytes:
        return (self._folder / key.replace("/", "+")).read_bytes()

    def get_range(self, key: str, *, start: int, size: int) -> bytes:
        with (self._folder / key.replace("/", "+")).open("rb") as file:
            file.seek(start)
            return file.read(size)

    def read_many(self, bodies: Sequence[Body]) -> Iterator[bytes]:
        return (bytes(body.size) for body in bodies)

    def upload_part(self, upload: MultipartUpload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        return "e" * 32

    def size_of(self, key: str) -> None:
        return None

    def complete(self, upload: MultipartUpload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        """Done."""


class Recorder(ChunkBuilder, frozen=True):
    """Records what building a chunk would have found; puts together only what the finisher asks for."""

    def build(self, archive: Archive, chunk: int, seconds_left: Callable[[], float], *, resume: bool) -> Receipt:
        parts, crcs = [], []
        for task in self.plans.chunk(archive, archive.phase, number=chunk):
            match task:
                case Literal() | Gather():
                    bodies = [source for source in task.sources if isinstance(source, Body)]
                    crcs += [BodyCrc(body.entry, body.start, body.size, zeros_crc(body.size)) for body in bodies]
                case Copy():
                    crc = zeros_crc(task.size)
                    parts.append(PartReceipt(task.upload, task.number, "e" * 32, task.size, crc))
                    crcs.append(BodyCrc(task.body.entry, task.body.start, task.size, crc))
                case CopyObject():
                    parts.append(PartReceipt(0, task.number, "e" * 32, task.size, 0))
            if isinstance(task, Literal):
                parts.append(PartReceipt(task.upload, task.number, "e" * 32, task.size, 0))
            elif isinstance(task, Gather):
                self.store.put(task.key, bytes(task.size))
        return Receipt(tuple(parts), tuple(crcs), sum(part.size for part in parts))


@cache
def zeros_crc(size: int) -> int:
    whole, rest = divmod(size, 16 * MiB)
    block = bytes(min(size, 16 * MiB))
    return crc32_concat([(zlib.crc32(block), len(block))] * whole + [(zlib.crc32(block[:rest]), rest)])


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks memory", description=__doc__)
    parser.add_argument("--entries", type=int, default=MAX_FILES_PER_JOB)
    parser.add_argument("--short", action="store_true", help=f"{SHORT:,} entries of two sizes: a check in CI")
    asked = parser.parse_args(words)
    count, shapes = (SHORT, SHORT_SHAPES) if asked.short else (asked.entries, SHAPES)
    rows = []
    for name, (size, folder) in shapes.items():
        print(f"{count:,} x {name}", file=sys.stderr, flush=True)
        found = figures(count, size, folder)
        rows.append(
            (
                f"{count:,} x {name}",
                f"{found['started']:.0f}",
                f"{found['planned']:.0f}",
                f"{found['rss']:.0f}",
                f"{found['messages']:,}",
                *(f"{found[name]:.1f}" for name in ("cpu", "planning", "longest")),
            )
        )
    heads = (
        *("files", "RSS MiB before", "peak planning", "peak", "messages"),
        *("CPU s", "planning CPU s", "longest message CPU s"),
    )
    print(f"\n### One worker for an archive of {count:,} entries, no bytes moved\n")
    print(report.table(heads, rows), flush=True)


def figures(count: int, size: int, folder: str) -> dict[str, Any]:
    job_id, table, queue = checked(count, size, folder)
    with tempfile.TemporaryDirectory(prefix="lorry-bench-") as place:
        address = Path(place) / "tables"
        tables = SharedTables(address, table, queue, job_id)
        command = [sys.executable, "-m", "benchmarks.memory", json.dumps({"tables": str(address), "folder": place})]
        done = subprocess.run(command, input="go\n", stdout=subprocess.PIPE, text=True, check=True)
        tables.close()
    ended = table.jobs[job_id]
    if ended.status is not JobStatus.READY:
        raise AssertionError(f"the job is {ended.status}: {ended.error}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def checked(count: int, size: int, folder: str) -> tuple[str, FakeJobTable, FakeWorkQueue]:
    """A job whose files are all there and have been checked."""
    table, queue, source = FakeJobTable(), FakeWorkQueue(), FakeSourceStore()
    lifecycle = JobLifecycle(table, queue, milliseconds, TTL)
    service = JobService(table, queue, milliseconds, new_id, TTL, 120)
    checker = BatchChecker(table, source, lifecycle, ThreadPoolExecutor, milliseconds, 1)
    files = [RequestedFile(f"downloads/{folder}{10_000 + n}.zip", 10_000 + n) for n in range(count)]
    for file in files:
        source.objects[file.key] = StoredObject(size, f"{file.file_id:032x}", 1_600_000_000_000)
    request = ArchiveRequest(layout="tree", prefix="downloads/")
    job, _ = service.start(NewJob(files, 0, 3_600, request), Actor(by="bench"))
    while isinstance(message := queue.messages[0], CheckBatch | DispatchJob):
        queue.messages.pop(0)
        if isinstance(message, CheckBatch):
            checker.check(message, redelivered=False)
        else:
            lifecycle.dispatch(message, redelivered=False)
    return job.job_id, table, queue


def child(asked: dict[str, str]) -> None:
    jobs, archives, queue = connect(asked["tables"])
    clients = Clients(Settings.from_environment(SETTINGS))
    unused = [clients.table, clients.queue, clients.archive_store, clients.store]  # as in a Lambda function
    store: Any = YesStore(asked["folder"])
    outside = Outside(
        jobs=jobs,
        table=archives,
        store=store,
        source=FakeSourceStore(),
        queue=queue,
        executors=ThreadPoolExecutor,
        now=milliseconds,
        token=lambda: uuid.uuid4().hex,
    )
    choices = Choices(crc_source="copy", store_name="bench", rules=PlanRules(max_bytes=10**15))
    worker = build_worker(outside, choices, lifecycle=JobLifecycle(jobs, queue, milliseconds, TTL))
    builder = worker.builder
    recorder = Recorder(**{name: getattr(builder, name) for name in ChunkBuilder.__struct_fields__})
    worker = replace(worker, builder=recorder)
    started = peak_rss_mib()

    def work() -> dict[str, Any]:
        found = {"longest": 0.0, "planning": 0.0, "planned": 0.0, "messages": 0}
        while message := queue.take():
            if message is True:
                continue
            before = cpu_seconds()
            worker.handle(message, lambda: SECONDS_LEFT)
            spent = cpu_seconds() - before
            found["messages"] += 1
            found["longest"] = max(found["longest"], spent)
            if isinstance(message, PlanArchive):
                found["planning"] += spent
                found["planned"] = peak_rss_mib()
        return found | {"started": started, "clients": len(unused)}

    measured(work, Meter())


if __name__ == "__main__":
    child(json.loads(sys.argv[1]))
