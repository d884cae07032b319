"""The tables and the queue of one job in the benchmark's own process, shared with its workers over a Unix socket.

They stand in for DynamoDB and SQS, so that a worker's figures hold assembly alone and several workers can share a job.
A call costs about 0.1 ms, less than boto3 would spend on the real ones; a job of 1 GiB makes some tens of them.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from typing import Any

from chalicelib.assembly.model import Archive, Phase, Receipt
from chalicelib.jobs.model import JobStatus
from chalicelib.messages import BuildChunk, Message, PlanArchive
from tests.support.fake_assembly import FakeAssemblyTable
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import FakeWorkQueue

PAGE = 25  # receipts in one answer
PATIENCE = 0.2  # seconds that a worker waits for a message before it asks again


class SharedTables:
    """Serves a job table and queue until closed. Messages that assembly does not handle are dropped."""

    def __init__(self, address: Path, jobs: FakeJobTable, queue: FakeWorkQueue, job_id: str) -> None:
        self._jobs, self._queue, self._job_id = jobs, queue, job_id
        self._targets: dict[str, Any] = {"jobs": jobs, "archives": FakeAssemblyTable(jobs), "queue": self}
        self._changed = threading.Condition()
        self._listener = Listener(str(address), family="AF_UNIX")
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def archives(self) -> FakeAssemblyTable:
        table: FakeAssemblyTable = self._targets["archives"]
        return table

    def send(self, messages: Iterable[Message], *, delay: int = 0) -> None:
        self._queue.send(message for message in messages if isinstance(message, PlanArchive | BuildChunk))

    def take(self) -> Message | bool:
        """A message; True if there is none at the moment, False if the job has ended."""
        if not self._queue.messages:
            self._changed.wait_for(lambda: self._queue.messages or self._ended(), PATIENCE)
        if self._ended():
            return False
        return self._queue.messages.pop(0) if self._queue.messages else True

    def close(self) -> None:
        self._listener.close()

    def _ended(self) -> bool:
        job = self._jobs.get(self._job_id)
        return job is None or job.status in (JobStatus.READY, JobStatus.FAILED)

    def _accept(self) -> None:
        while True:
            try:
                connection = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        while True:
            try:
                target, method, positional, named = connection.recv()
            except EOFError:
                return
            connection.send(self._answer(target, method, positional, named))

    def _answer(self, target: str, method: str, positional: Any, named: Any) -> tuple[bool, Any]:
        with self._changed:
            try:
                answer = getattr(self._targets[target], method)(*positional, **named)
                return True, list(answer) if isinstance(answer, Iterator) else answer
            except Exception as error:
                return False, repr(error)
            finally:
                self._changed.notify_all()


class Remote:
    """A table or the queue of `SharedTables`, seen from a worker."""

    def __init__(self, connection: Connection, lock: threading.Lock, target: str) -> None:
        self._connection, self._lock, self._target = connection, lock, target

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    def _call(self, method: str, *positional: Any, **named: Any) -> Any:
        whole = [list(value) if isinstance(value, Iterator) else value for value in positional]
        with self._lock:
            self._connection.send((self._target, method, whole, named))
            fine, answer = self._connection.recv()
        if not fine:
            raise RuntimeError(f"{self._target}.{method}: {answer}")
        return answer


class RemoteArchives(Remote):
    """The assembly table: receipts come in pages, as from DynamoDB, because a worker must not hold all of them."""

    def receipts(
        self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Receipt]]:
        numbers = range(archive.chunks.get(phase, 0)) if chunks is None else chunks
        for start in range(0, len(numbers), PAGE):
            yield from self._call("receipts", archive, phase, numbers[start : start + PAGE])


def connect(address: str) -> tuple[Remote, RemoteArchives, Remote]:
    """Job table, assembly table and queue at this address."""
    connection, lock = Client(address, family="AF_UNIX"), threading.Lock()
    archives = RemoteArchives(connection, lock, "archives")
    return Remote(connection, lock, "jobs"), archives, Remote(connection, lock, "queue")
