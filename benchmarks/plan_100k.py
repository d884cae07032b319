"""How long a plan for 100,000 entries takes, and how much memory: python -m benchmarks plan

Times are CPU seconds, taken in another run than memory (tracing it makes everything several times slower). Memory is
the peak that `tracemalloc` sees, the requested files themselves included.
"""

from __future__ import annotations

import argparse
import random
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence

from benchmarks import report
from chalicelib.archive.archives import ArchiveBrief, ArchivePlan, archive_layout, given_names, plan_archives
from chalicelib.archive.entries import RequestedFile
from chalicelib.archive.manifest import Manifest
from chalicelib.archive.planning import plan_parts
from chalicelib.archive.rules import S3, ZIP
from chalicelib.limits import MAX_FILES_PER_JOB, KiB, MiB

SHORT = 10_000  # entries

# How much of an archive goes through workers: files of one size each.
SHARES = ((20, 50 * MiB), (200, 100 * MiB), (2_000, 100_000), (5_000, 64 * MiB), (1, 5_000_000 * MiB))
BRIEF = ArchiveBrief(job_id="00000000-0000-4000-8000-000000000000", created=1_750_000_000)


def sizes_mixed(random_: random.Random) -> int:
    return random_.choice((900, 40 * KiB, 3 * MiB, 7 * MiB, 11 * MiB, 50 * MiB))


SHAPES: dict[str, Callable[[random.Random], int]] = {
    "1 KiB": lambda _: KiB,
    "100 KiB": lambda _: 100 * KiB,
    "5 to 15 MiB": lambda random_: random_.randrange(5 * MiB, 15 * MiB),
    "16 MiB": lambda _: 16 * MiB,
    "mixed": sizes_mixed,
}


def requested(count: int, size: Callable[[random.Random], int]) -> list[RequestedFile]:
    random_ = random.Random(1)
    return [
        RequestedFile(
            index,
            f"downloads/{70_000 + index}.zip",
            file_id=70_000 + index,
            size=size(random_),
            etag=f'"{random_.getrandbits(128):032x}"',
            modified=1_700_000_000 + index,
        )
        for index in range(count)
    ]


def laps(files: list[RequestedFile]) -> Iterator[tuple[str, float]]:
    """Seconds of each step."""
    start = time.process_time()
    manifest = Manifest(BRIEF.job_id, files, given_names(files, BRIEF), BRIEF.created)
    named = time.process_time()
    yield "names", named - start
    layout = archive_layout(manifest, ZIP, S3)
    laid_out = time.process_time()
    yield "layout", laid_out - named
    plan_parts(layout, S3)
    yield "parts", time.process_time() - laid_out
    (whole,) = timed(lambda: list(plan_archives(files, BRIEF)))
    yield "all", whole


def timed(work: Callable[[], object]) -> tuple[float]:
    start = time.process_time()
    work()
    return (time.process_time() - start,)


def peak_mib(count: int, size: Callable[[random.Random], int]) -> tuple[float, ArchivePlan]:
    tracemalloc.start()
    (planned,) = plan_archives(requested(count, size), BRIEF)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / MiB, planned


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks plan", description=__doc__)
    parser.add_argument("--entries", type=int, default=MAX_FILES_PER_JOB)
    parser.add_argument("--short", action="store_true", help=f"{SHORT:,} entries: a check in CI")
    asked = parser.parse_args(words)
    count = SHORT if asked.short else asked.entries
    heads = ("sizes", "names s", "layout s", "parts s", "all s", "peak MiB", "parts", "stages", "written", "$")
    rows = [row(count, shape, size) for shape, size in SHAPES.items()]
    print(f"\n### A plan for {count:,} entries\n\n{report.table(heads, rows)}", flush=True)
    columns = ("files", "archive MiB", "written MiB", "share", "GET", "parts", "copies", "$")
    shares = report.table(columns, [share_row(*files) for files in SHARES])
    print(f"\n### What goes through the workers, by the plan\n\n{shares}", flush=True)


def share_row(count: int, size: int) -> tuple[str, ...]:
    (planned,) = plan_archives(requested(count, lambda _: size), BRIEF)
    cost = planned.cost
    requests = (cost.gets, cost.uploaded_parts, cost.copied_parts)
    return (
        f"{count:,} x {size / MiB:,.1f} MiB",
        f"{cost.archive / MiB:,.0f}",
        f"{cost.written / MiB:,.1f}",
        f"{cost.share:.2%}",
        *(f"{number:,}" for number in requests),
        f"{cost.dollars:.4f}",
    )


def row(count: int, shape: str, size: Callable[[random.Random], int]) -> tuple[str, ...]:
    seconds = dict(laps(requested(count, size)))
    peak, planned = peak_mib(count, size)
    parts = sum(len(upload.parts) for upload in planned.plan.uploads)
    clocks = (f"{seconds[step]:.2f}" for step in ("names", "layout", "parts", "all"))
    cost = planned.cost
    return (
        shape,
        *clocks,
        f"{peak:.0f}",
        f"{parts:,}",
        f"{len(planned.plan.stages)}",
        f"{cost.share:.1%}",
        f"{cost.dollars:.2f}",
    )
