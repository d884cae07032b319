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
from chalicelib.archive.parts import Body
from chalicelib.assembly.model import MultipartUpload
from chalicelib.assembly.worker import AssemblyWorker
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.container import Services
from chalicelib.settings import Settings

SECONDS_LEFT = 100.0  # of each invocation, as if it had just begun
MAX_IDLE = 120.0  # seconds that a worker waits for others


class Counted(S3ArchiveStore, frozen=True):
    """The store, counting the bytes of bodies and parts that pass through: what a plan promises."""

    body_read = body_written = 0

    def read(self, body: Body) -> bytes:
        Counted.body_read += body.size
        return super().read(body)

    def upload_part(self, upload: MultipartUpload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        Counted.body_written += len(body)
        return super().upload_part(upload, number, body=body, crc32=crc32)


def milliseconds() -> int:
    return time.time_ns() // 1_000_000


def worker_of(settings: Settings, jobs: Any, archives: Any, queue: Any) -> AssemblyWorker:
    store = Services(settings).archive_store
    assert isinstance(store, S3ArchiveStore)
    counted = Counted(**{field: getattr(store, field) for field in store.__struct_fields__})
    return Services(settings, job_table=jobs, assembly_table=archives, queue=queue, archive_store=counted).assembly


def main() -> None:
    asked = json.loads(sys.argv[1])
    jobs, archives, queue = connect(asked["tables"])
    worker = worker_of(Settings.from_environment(asked["settings"]), jobs, archives, queue)

    def work() -> dict[str, Any]:
        idle_since = time.monotonic()
        while message := queue.take():
            if message is not True:
                worker.handle(message, lambda: SECONDS_LEFT)
                idle_since = time.monotonic()
            elif time.monotonic() - idle_since > MAX_IDLE:
                raise SystemExit("the job does not end, and there is nothing to do")
        return {"body_read": Counted.body_read, "body_written": Counted.body_written}

    measured(work, Meter())


if __name__ == "__main__":
    main()
