"""One real archive over 4 GiB, assembled on SeaweedFS and read by others: python -m benchmarks zip64

An entry over 4 GiB (ZIP64 sizes) stands before others (ZIP64 offsets). Needs about 15 GB of disk for a while.
"""

from __future__ import annotations

import argparse
import math
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

from benchmarks import report
from benchmarks.jobs import checked_job
from benchmarks.verify import verified
from benchmarks.ways import Lorry, Run
from benchmarks.workloads import SOURCE, TARGET, MiB, Store, Workload, key_of, opened, pieces
from chalicelib.archive.records import crc32_concat
from tests.support import seaweed

BLOCK = 64 * MiB
SIZES = {70_000: 20 * MiB, 70_001: 4_200 * MiB, 70_002: 600 * MiB + 1, 70_003: 10, 70_004: 30 * MiB}
READERS = {"unzip -t": ("unzip", "-tqq"), "7z t": ("7z", "t", "-bd"), "bsdtar -t": ("bsdtar", "-tf")}


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks zip64", description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", help="where the store lies")
    asked = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="lorry-bench-", dir=asked.folder) as folder:
        with seaweed.running(Path(folder)) as running:
            store = opened(running)
            say("filling the store")
            for number, size in SIZES.items():
                store.crcs[f"{number}.zip"] = put(store, key_of(number), size)
            rows = figures(store, Path(folder), asked.workers)
        shutil.rmtree(folder, ignore_errors=True)
    print(f"\n### An archive over 4 GiB, {asked.workers} workers\n")
    print(report.table(("figure", "value"), rows), flush=True)


def put(store: Store, key: str, size: int) -> int:
    """Upload an object in parts that all hold the same noise; its CRC-32."""
    block = random.Random(size).randbytes(min(BLOCK, size))
    place = {"Bucket": SOURCE, "Key": key}
    upload = store.client.create_multipart_upload(**place)["UploadId"]
    parts = []
    for number, piece in enumerate(pieces(size, BLOCK), 1):
        answer = store.client.upload_part(**place, UploadId=upload, PartNumber=number, Body=block[:piece])
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    store.client.complete_multipart_upload(**place, UploadId=upload, MultipartUpload={"Parts": parts})
    return crc32_concat((zlib.crc32(block[:piece]), piece) for piece in pieces(size, BLOCK))


def figures(store: Store, folder: Path, workers: int) -> list[tuple[str, str]]:
    say("assembling")
    job = checked_job(store, list(SIZES))
    plan = job.cost(crcs_known=False)
    run = Lorry("Lorry", "copy", workers).build(store, Workload("zip64"), job)
    say("reading every entry")
    size = verified(store, run.key, [f"{number}.zip" for number in SIZES], thorough=True)
    return [
        ("size", f"{size:,} bytes = {size / 2**30:.2f} GiB, largest entry {max(SIZES.values()) / 2**30:.2f} GiB"),
        ("through the workers", f"{run.body_written / MiB:.1f} MiB, {run.body_written / size:.2%} of the archive"),
        ("as planned", "yes" if math.isclose(run.body_written, plan.written) else f"no: {plan.written:,}"),
        ("wall, CPU, peak RSS", f"{run.wall:.1f} s, {run.cpu:.2f} s, {run.rss:.0f} MiB"),
        ("zipfile, every entry", "verified"),
        *others(store, run, folder),
    ]


def others(store: Store, run: Run, folder: Path) -> list[tuple[str, str]]:
    """What readers on disk say."""
    say("fetching it for other readers")
    path = folder / "archive.zip"
    store.client.download_file(TARGET, run.key, str(path))
    return [(name, opinion(command, path)) for name, command in READERS.items()]


def opinion(command: Sequence[str], path: Path) -> str:
    if shutil.which(command[0]) is None:
        return "not installed"
    started = time.perf_counter()
    done = subprocess.run([*command, str(path)], capture_output=True, text=True, check=False)
    took = f"{time.perf_counter() - started:.0f} s"
    return f"verified ({took})" if done.returncode == 0 else f"FAILED: {(done.stdout + done.stderr)[-300:]!r}"


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)
