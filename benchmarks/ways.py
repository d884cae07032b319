"""The ways to build an archive, each in fresh processes of its own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from benchmarks.jobs import CheckedJob
from benchmarks.tables import SharedTables
from benchmarks.workloads import SOURCE, TARGET, Store, Workload
from chalicelib.archive.costs import DOLLARS_PER_READ, DOLLARS_PER_WRITE
from chalicelib.jobs.model import JobStatus

REPOSITORY = Path(__file__).resolve().parent.parent
READS = ("get", "head")
FREE = ("delete",)


@dataclass(frozen=True, slots=True)
class Run:
    """One archive, built once. Bytes are those on the workers' sockets, `rss` the largest worker's peak in MiB.

    `body_read` and `body_written` are bytes of bodies and parts alone, as plans count them (Lorry's ways only).
    """

    key: str
    wall: float
    cpu: float
    rss: float
    read: int
    written: int
    requests: Mapping[str, int] = field(default_factory=dict)
    body_read: int = 0
    body_written: int = 0

    @property
    def dollars(self) -> float:
        return sum(count * price_of(kind) for kind, count in self.requests.items())


class Way(Protocol):
    @property
    def name(self) -> str: ...

    def build(self, store: Store, workload: Workload, job: CheckedJob) -> Run:
        """Build the archive of the workload."""


def price_of(kind: str) -> float:
    if kind in FREE:
        return 0.0
    return DOLLARS_PER_READ if kind in READS else DOLLARS_PER_WRITE


@dataclass(frozen=True, slots=True)
class Lorry:
    """`crcs`: head (the check knew them) or copy (nobody did: as after listing a prefix)."""

    name: str
    crcs: str
    workers: int = 1

    def build(self, store: Store, workload: Workload, job: CheckedJob) -> Run:
        table, queue = job.fresh(crcs_known=self.crcs == "head")
        job_id = job.job.job_id
        with tempfile.TemporaryDirectory() as folder:
            address = Path(folder) / "tables"
            tables = SharedTables(address, table, queue, job_id)
            asked = {"tables": str(address), "settings": {**store.settings, "CRC_SOURCE": self.crcs}}
            command = [sys.executable, "-m", "benchmarks.worker", json.dumps(asked)]
            wall, found = _finished([command] * self.workers)
            tables.close()
        ended = table.jobs[job_id]
        if ended.status is not JobStatus.READY:
            raise AssertionError(f"the job is {ended.status}: {ended.error}")
        (archive,) = tables.archives.archives(job_id)
        return _run(archive.key, wall, found)


@dataclass(frozen=True, slots=True)
class Peer:
    """A streaming zipper: `command` gets what to do as its last argument."""

    name: str
    command: tuple[str, ...]
    folder: Path = REPOSITORY

    def build(self, store: Store, workload: Workload, job: CheckedJob) -> Run:
        key = "peers/archive.zip"
        asked: dict[str, Any] = {"client": store.arguments, "source": SOURCE, "target": TARGET}
        asked |= {"key": key, "keys": workload.keys}
        wall, found = _finished([[*self.command, json.dumps(asked)]], self.folder)
        return _run(key, wall, found)


def _run(key: str, wall: float, found: Sequence[Mapping[str, Any]]) -> Run:
    def total(name: str) -> int:
        return sum(one.get(name, 0) for one in found)

    requests: Counter[str] = Counter()
    for one in found:
        requests.update(one["requests"])
    return Run(
        key=key,
        wall=wall,
        cpu=sum(one["cpu"] for one in found),
        rss=max(one["rss"] for one in found),
        read=total("read"),
        written=total("written"),
        requests=requests,
        body_read=total("body_read"),
        body_written=total("body_written"),
    )


def _finished(commands: Sequence[Sequence[str]], folder: Path = REPOSITORY) -> tuple[float, list[dict[str, Any]]]:
    """Start children, let them go at the same moment, and take what they measured; wall seconds of all together."""
    with ExitStack() as stack:
        children = [stack.enter_context(_child(command, folder)) for command in commands]
        try:
            for child in children:
                _line(child)
            started = time.perf_counter()
            for child in children:
                print("go", file=child.stdin, flush=True)
            found = [json.loads(_line(child)) for child in children]
            return time.perf_counter() - started, found
        except BaseException:
            for child in children:
                child.kill()
            raise


def _child(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _line(child: subprocess.Popen[str]) -> str:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise AssertionError(f"{child.args!r:.200} ended with {child.wait()}")
    return line
