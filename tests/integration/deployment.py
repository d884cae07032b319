"""A stack with its store, and what a client and an operator do with both."""

from __future__ import annotations

import io
import os
import random
import signal
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import httpx

from tests.integration.stack import RunningStack, wait_for

Document = dict[str, Any]

ENDED = ("ready", "failed", "cancelled")
PATIENCE = 120.0  # seconds; a job takes a few, but the machine may be busy with other things
BUSY_THREADS = 4  # the main one, the one that keeps the message hidden, and a pool
COUNTED = ("available", "missing", "failed")


@dataclass(frozen=True)
class Deployment:
    """`s3` is a client of the store that the stack works on, `crc_source` what its `auto` chooses for plain objects."""

    stack: RunningStack
    s3: Any
    crc_source: str
    http: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=60))

    @property
    def source(self) -> str:
        return str(self.stack.outputs["SourceBucket"])

    @property
    def archives(self) -> str:
        return str(self.stack.outputs["ArchiveBucket"])

    # --- the store ---------------------------------------------------------------

    def put(self, file_id: int, data: bytes) -> None:
        self.s3.put_object(Bucket=self.source, Key=key(file_id), Body=data)

    def put_all(self, contents: Mapping[int, bytes]) -> None:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(self.put, contents, contents.values()))

    def left_behind(self, job_id: str) -> list[str]:
        """What the job's assembly has not removed: staging objects and open uploads."""
        staged = self.s3.list_objects_v2(Bucket=self.archives, Prefix=f"staging/{job_id}/").get("Contents", [])
        uploads = self.s3.list_multipart_uploads(Bucket=self.archives).get("Uploads", [])
        return [found["Key"] for found in [*staged, *uploads] if job_id in found["Key"]]

    def archive_keys(self, job_id: str) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.archives, Prefix=f"archives/{job_id}/").get("Contents", [])
        return [found["Key"] for found in listed]

    # --- the API -----------------------------------------------------------------

    def call(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        return self.http.request(method, f"{self.stack.url}{path}", **arguments)

    def initiate(self, file_ids: Iterable[int], **options: Any) -> str:
        answer = self.call("POST", "/v1/download/initiate", json={"file_ids": list(file_ids), **options})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["jobId"])

    def status(self, job_id: str, **query: Any) -> Document:
        answer = self.call("GET", f"/v1/download/status/{job_id}", params=query)
        assert answer.status_code == 200, answer.text
        document: Document = answer.json()
        return document

    def brief(self, job_id: str) -> Document:
        """The status with one file only: quick to ask for again and again."""
        return self.status(job_id, limit=1)

    def ended(self, job_id: str, *, seconds: float = PATIENCE) -> Document:
        """The status of the job once it has ended."""
        wait_for(f"end of job {job_id}", lambda: self.brief(job_id)["status"] in ENDED, seconds=seconds, pause=0.1)
        return self.status(job_id)

    def run(self, file_ids: Iterable[int], **options: Any) -> Document:
        return self.ended(self.initiate(file_ids, **options))

    def assembling(self, job_id: str) -> Document:
        """The status of the job once its multipart uploads are open, or were: it may be ready before one can look."""

        def opened() -> Document | None:
            found = self.brief(job_id)
            assert found["status"] not in ("failed", "cancelled"), found
            return found if found["archives"] else None

        return wait_for(f"assembly of job {job_id}", opened, seconds=PATIENCE, pause=0.02)

    def tidied(self, job_id: str) -> None:
        """Wait until nothing is left of the job's assembly; it goes soon after the job's end."""
        wait_for(f"clean-up of job {job_id}", lambda: not self.left_behind(job_id), seconds=PATIENCE, pause=0.2)

    def fetch(self, url: str, **headers: str) -> bytes:
        answer = self.http.get(url, headers=headers, follow_redirects=True)
        assert answer.status_code in (200, 206), answer.text
        return answer.content

    # --- the workers -------------------------------------------------------------

    def _is_empty(self, queue: str) -> bool:
        return bool(self.stack.depth(queue) == (0, 0))

    def drained(self, *queues: str) -> None:
        """Wait until the queues hold no message, neither waiting nor being worked on."""
        for queue in queues:
            wait_for(f"empty {queue} queue", partial(self._is_empty, queue), seconds=PATIENCE, pause=0.2)

    def at_work(self, function: str) -> list[int]:
        """The function's workers that look things up, copy or read in this moment: only then have they many threads."""
        return [pid for pid in self.stack.workers(function) if _threads(pid) >= BUSY_THREADS]

    def stopped_half_way(self, file_ids: Iterable[int]) -> str:
        """A job whose upload is open and whose archive cannot get ready until `go_on`: its workers stand still."""
        wanted = list(file_ids)
        for _ in range(5):
            job_id = self.initiate(wanted, archive=True)
            self.assembling(job_id)
            for pid in self.stack.workers("assemble"):
                os.kill(pid, signal.SIGSTOP)
            if self.brief(job_id)["status"] == "processing":
                return job_id
            self.go_on()
        raise AssertionError("the archive was always ready at once")

    def go_on(self) -> None:
        for pid in self.stack.workers("assemble"):
            os.kill(pid, signal.SIGCONT)

    @contextmanager
    def frozen(self, function: str) -> Iterator[list[int]]:
        """The function's workers stand still, wherever they are; those that live afterwards go on."""
        pids = self.stack.workers(function)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield pids
        finally:
            for pid in set(pids) & set(self.stack.workers(function)):
                os.kill(pid, signal.SIGCONT)


def key(file_id: int) -> str:
    return f"downloads/{file_id}.zip"


@cache
def noise(size: int, seed: int = 0) -> bytes:
    """Bytes that no two places share, the same in every run."""
    return random.Random(seed * 1_000_000_007 + size).randbytes(size)


def _threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except FileNotFoundError:  # it just ended
        return 0


def counts(job: Document) -> tuple[int, int, int]:
    """Available, missing, failed."""
    available, missing, failed = (job["counts"][name] for name in COUNTED)
    return available, missing, failed


def unzipped(data: bytes) -> dict[str, bytes]:
    """The entries of an archive by name, in order; every CRC-32 is verified."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}
