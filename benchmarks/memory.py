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
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks import report
from benchmarks.metering import Meter, cpu_seconds, measured
from benchmarks.tables import SharedTables, connect
from benchmarks.worker import milliseconds
from chalicelib.archive.crc32 import crc32_concat
from chalicelib.assembly.builder import ChunkBuilder, chunk_key
from chalicelib.assembly.model import Archive, BodyCrc, PartReceipt, Phase, Receipt, Upload
from chalicelib.assembly.tasks import BodyPiece, CopyTask, GatherTask, LiteralTask, Range, StagedTask, decode_chunk
from chalicelib.assembly.wiring import Choices, Outside, assembled
from chalicelib.checking.checker import BatchChecker
from chalicelib.checking.ports import StoredObject
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Actor, ArchiveRequest, JobStatus, RequestedFile
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.limits import MAX_FILES_PER_JOB, KiB, MiB
from chalicelib.messages import CheckBatch, DispatchJob
from tests.builders import new_id
from tests.fakes import FakeJobTable, FakeSourceStore, FakeWorkQueue

SIZES = {"1 KiB": KiB, "100 KiB": 100 * KiB, "8 MiB": 8 * MiB, "16 MiB": 16 * MiB, "100 MiB": 100 * MiB}
SHORT, SHORT_SIZES = 5_000, {name: SIZES[name] for name in ("1 KiB", "16 MiB")}
TTL = 86_400


class YesStore:
    """Every object is zeros, every write succeeds; what is put is kept on disk."""

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)

    def create_upload(self, key: str, *, checksummed: bool) -> Upload:
        return Upload(key, "u" * 64)

    def put(self, key: str, body: bytes) -> None:
        (self._folder / key.replace("/", "+")).write_bytes(body)

    def get(self, key: str) -> bytes:
        return (self._folder / key.replace("/", "+")).read_bytes()

    def read(self, source: Range) -> bytes:
        return bytes(source.size)

    def read_many(self, sources: Sequence[Range]) -> Iterator[bytes]:
        return map(self.read, sources)

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        return "e" * 32

    def size_of(self, key: str) -> None:
        return None

    def complete(self, upload: Upload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        """Done."""


class Recorder(ChunkBuilder):
    """Writes the receipts that building the chunk would have given."""

    def build(self, archive: Archive, phase: Phase, number: int) -> tuple[Receipt, int]:
        parts, crcs = [], []
        for task in decode_chunk(self.store.get(chunk_key(archive, phase, number))):
            if isinstance(task, LiteralTask | GatherTask):
                bodies = [piece.range for piece in task.pieces if isinstance(piece, BodyPiece)]
                crcs += [BodyCrc(body.entry, body.start, body.size, zeros_crc(body.size)) for body in bodies]
            if isinstance(task, CopyTask):
                crc = zeros_crc(task.range.size)
                parts.append(PartReceipt(task.upload, task.number, "e" * 32, task.range.size, crc))
                crcs.append(BodyCrc(task.range.entry, task.range.start, task.range.size, crc))
            elif isinstance(task, LiteralTask):
                parts.append(PartReceipt(task.upload, task.number, "e" * 32, task.size, 0))
            elif isinstance(task, GatherTask):
                self.store.put(task.key, bytes(task.size))
            elif isinstance(task, StagedTask):
                parts.append(PartReceipt(0, task.number, "e" * 32, task.size, 0))
        return Receipt(tuple(parts), tuple(crcs)), sum(part.size for part in parts)


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
    count, sizes = (SHORT, SHORT_SIZES) if asked.short else (asked.entries, SIZES)
    rows = []
    for name, size in sizes.items():
        print(f"{count:,} x {name}", file=sys.stderr, flush=True)
        found = figures(count, size)
        rows.append((f"{count:,} x {name}", f"{found['rss']:.0f}", f"{found['cpu']:.1f}", f"{found['longest']:.1f}"))
    print(f"\n### One worker for an archive of {count:,} entries, no bytes moved\n")
    print(report.table(("files", "peak RSS MiB", "CPU s", "longest message CPU s"), rows), flush=True)


def figures(count: int, size: int) -> dict[str, Any]:
    job_id, table, queue = checked(count, size)
    with tempfile.TemporaryDirectory(prefix="lorry-bench-") as folder:
        address = Path(folder) / "tables"
        tables = SharedTables(address, table, queue, job_id)
        command = [sys.executable, "-m", "benchmarks.memory", json.dumps({"tables": str(address), "folder": folder})]
        done = subprocess.run(command, input="go\n", stdout=subprocess.PIPE, text=True, check=True)
        tables.close()
    ended = table.jobs[job_id]
    if ended.status is not JobStatus.READY:
        raise AssertionError(f"the job is {ended.status}: {ended.error}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def checked(count: int, size: int) -> tuple[str, FakeJobTable, FakeWorkQueue]:
    """A job whose files are all there and have been checked."""
    table, queue, source = FakeJobTable(), FakeWorkQueue(), FakeSourceStore()
    lifecycle = JobLifecycle(table, queue, milliseconds, TTL)
    service = JobService(table, queue, milliseconds, new_id, TTL, 120)
    checker = BatchChecker(table, source, lifecycle, ThreadPoolExecutor(1), milliseconds)
    files = [RequestedFile(f"downloads/{10_000 + n}.zip", 10_000 + n) for n in range(count)]
    for file in files:
        source.objects[file.key] = StoredObject(size, f"{file.file_id:032x}", 1_600_000_000_000)
    job, _ = service.start(NewJob(files, 0, 3_600, ArchiveRequest()), Actor(by="bench"))
    while isinstance(message := queue.messages[0], CheckBatch | DispatchJob):
        queue.messages.pop(0)
        if isinstance(message, CheckBatch):
            checker.check(message, redelivered=False)
        else:
            lifecycle.dispatch(message, redelivered=False)
    return job.job_id, table, queue


def child(asked: dict[str, str]) -> None:
    jobs, archives, queue = connect(asked["tables"])
    store: Any = YesStore(asked["folder"])
    outside = Outside(jobs, archives, store, FakeSourceStore(), queue)
    choices = Choices(crc_source="copy", max_bytes=10**15, store_name="bench")
    lifecycle = JobLifecycle(jobs, queue, milliseconds, TTL)
    worker = assembled(outside, choices, lifecycle, milliseconds)
    worker = replace(worker, builder=Recorder(store, archives))

    def work() -> dict[str, Any]:
        longest = 0.0
        while message := queue.take():
            if message is not True:
                before = cpu_seconds()
                worker.handle(message)
                longest = max(longest, cpu_seconds() - before)
        return {"longest": longest}

    measured(work, Meter())


if __name__ == "__main__":
    child(json.loads(sys.argv[1]))
