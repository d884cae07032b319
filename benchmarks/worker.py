"""One assembly worker in a process of its own: `python -m benchmarks.worker '{"tables": ..., "settings": {...}}'`.

It is wired as in the Lambda function, with the real S3 adapters and clients; only the tables and the queue are shared
by `benchmarks.tables`.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from benchmarks.metering import Meter, measured
from benchmarks.tables import connect
from chalicelib.assembly.model import Upload
from chalicelib.assembly.tasks import Range
from chalicelib.assembly.wiring import Choices, Outside, assembled
from chalicelib.assembly.worker import AssemblyWorker
from chalicelib.aws.clients import Clients
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.settings import Settings

MAX_IDLE = 120.0  # seconds that a worker waits for others


class Counted(S3ArchiveStore):
    """The store, counting the bytes of bodies and parts that pass through: what a plan promises."""

    body_read = body_written = 0

    def read(self, source: Range) -> bytes:
        Counted.body_read += source.size
        return super().read(source)

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        Counted.body_written += len(body)
        return super().upload_part(upload, number, body, crc32=crc32)


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


def worker_of(settings: Settings, jobs: Any, archives: Any, queue: Any) -> AssemblyWorker:
    clients = Clients(settings)
    store = Counted(clients.archive_store, settings.source_bucket, settings.archive_bucket, settings.check_threads)
    source = S3SourceStore(clients.store, settings.source_bucket)
    choices = Choices(crc_source=settings.crc_source, max_bytes=settings.archive_max_bytes, store_name="bench")
    lifecycle = JobLifecycle(jobs, queue, milliseconds, settings.job_ttl_seconds)
    return assembled(Outside(jobs, archives, store, source, queue), choices, lifecycle, milliseconds)


def main() -> None:
    asked = json.loads(sys.argv[1])
    jobs, archives, queue = connect(asked["tables"])
    worker = worker_of(Settings.from_environment(asked["settings"]), jobs, archives, queue)

    def work() -> dict[str, Any]:
        idle_since = time.monotonic()
        while message := queue.take():
            if message is not True:
                worker.handle(message)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > MAX_IDLE:
                raise SystemExit("the job does not end, and there is nothing to do")
        return {"body_read": Counted.body_read, "body_written": Counted.body_written}

    measured(work, Meter())


if __name__ == "__main__":
    main()
