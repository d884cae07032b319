"""100,000 file ids in one request, on an embedded stack of its own: python -m benchmarks job

API Gateway, SQS, DynamoDB, S3 and every Lambda function are MiniStack's, so its share of the time is larger than ours.
One file in a hundred exists; the others are looked up just the same.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import report
from chalicelib.limits import FILE_ID_MIN, MAX_FILES_PER_JOB, MAX_TABLE_ITEM_BYTES
from tests.integration.stack import RunningStack, running_stack

SHORT = 2_000  # files
EXISTING = 100  # one file in so many
SAMPLE_SECONDS = 0.25
FUNCTIONS = ("api", "dispatch", "check")
PATIENCE = 1_800.0


@dataclass(slots=True)
class Peaks:
    """Peak memory of each function's workers in MiB: the largest, and how many there were."""

    mib: dict[str, float] = field(default_factory=dict)
    workers: dict[str, set[int]] = field(default_factory=dict)

    def sample(self, stack: RunningStack) -> None:
        for function in FUNCTIONS:
            for pid in stack.workers(function):
                self.workers.setdefault(function, set()).add(pid)
                self.mib[function] = max(self.mib.get(function, 0.0), peak_of(pid))


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks job", description=__doc__)
    parser.add_argument("--files", type=int, default=MAX_FILES_PER_JOB)
    parser.add_argument("--short", action="store_true", help=f"{SHORT:,} files: a check in CI")
    asked = parser.parse_args(words)
    ids = list(range(FILE_ID_MIN, FILE_ID_MIN + (SHORT if asked.short else asked.files)))
    with tempfile.TemporaryDirectory(prefix="lorry-bench-") as folder, running_stack(Path(folder)) as stack:
        for number in ids[::EXISTING]:
            stack.put_file(number, b"x")
        call(stack, "POST", "/v1/download/initiate", {"file_ids": ids[:EXISTING]})  # containers start
        rows = figures(stack, ids)
    print(f"\n### {len(ids):,} ids in one request, on MiniStack\n")
    print(report.table(("figure", "value"), rows), flush=True)


def figures(stack: RunningStack, ids: list[int]) -> list[tuple[str, str]]:
    peaks = Peaks()
    with sampled(peaks, stack):
        started = time.perf_counter()
        job = call(stack, "POST", "/v1/download/initiate", {"file_ids": ids})
        initiated = time.perf_counter() - started
        ended = await_end(stack, job["jobId"])
        total = time.perf_counter() - started
    counts = [ended["counts"][name] for name in ("available", "missing", "failed")]
    assert (ended["status"], counts) == ("ready", [len(ids[::EXISTING]), len(ids) - len(ids[::EXISTING]), 0]), ended
    items = [item_size(item) for item in stack.items(job["jobId"])]
    return [
        ("initiate answered after", f"{initiated:.2f} s"),
        ("all files checked after", f"{total:.1f} s"),
        ("files per second", f"{len(ids) / total:,.0f}"),
        *(
            (f"peak RSS, function {name} (workers: {len(peaks.workers[name])})", f"{peaks.mib[name]:.0f} MiB")
            for name in FUNCTIONS
            if name in peaks.mib
        ),
        ("table items of the job", f"{len(items):,}"),
        ("largest of them", f"{max(items) / 1024:.1f} KiB (limit {MAX_TABLE_ITEM_BYTES // 1024})"),
    ]


def await_end(stack: RunningStack, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        job = call(stack, "GET", f"/v1/download/status/{job_id}?limit=1")
        if job["status"] not in ("queued", "processing"):
            return job
        time.sleep(SAMPLE_SECONDS)
    raise AssertionError(f"the job is not done after {PATIENCE:.0f} s")


def call(stack: RunningStack, method: str, path: str, body: Any = None) -> dict[str, Any]:
    data = json.dumps(body).encode() if body is not None else None
    headers = {"Content-Type": "application/json"} if data else {}
    request = urllib.request.Request(stack.url + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def sampled(peaks: Peaks, stack: RunningStack) -> Iterator[None]:
    """Look at the workers now and then: a worker may end before the job does."""
    over = threading.Event()

    def sample() -> None:
        while not over.wait(SAMPLE_SECONDS * 4):
            peaks.sample(stack)

    sampler = threading.Thread(target=sample, daemon=True)
    sampler.start()
    try:
        yield
    finally:
        peaks.sample(stack)
        over.set()
        sampler.join()


def peak_of(pid: int) -> float:
    """Peak memory of a process in MiB; 0 where it is gone or cannot be known."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def item_size(value: Any) -> int:
    """Bytes as DynamoDB counts them, within a few percent."""
    if isinstance(value, dict):
        return sum(len(name) + item_size(inner) for name, inner in value.items())
    if isinstance(value, list):
        return sum(1 + item_size(inner) for inner in value)
    return len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, bytes) else 1
