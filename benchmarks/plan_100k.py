"""How long the plan of an archive of 100,000 entries takes, and how much memory: python -m benchmarks plan

Times are CPU seconds of one process for each kind of file, memory is its peak RSS above that of an interpreter that has
done nothing. Everything is planned that is stored, chunks and generated parts included; nothing is written to a store.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

from benchmarks import report
from benchmarks.metering import peak_rss_mib
from chalicelib.archive.costs import cost_of
from chalicelib.archive.cutting import PartSources, cut_parts
from chalicelib.archive.entries import Entries, Entry
from chalicelib.archive.generated import Renderer
from chalicelib.archive.layout import lay_out
from chalicelib.archive.names import Naming
from chalicelib.archive.parts import encode_chunk
from chalicelib.archive.volumes import Brief, Names, RowRange, Volume
from chalicelib.assembly.chunks import ChunkCutter
from chalicelib.assembly.model import CrcSource
from chalicelib.limits import MAX_FILES_PER_JOB, KiB, MiB
from tests.support.archives import of_sizes, planned

SHORT = 10_000  # entries

# How much of an archive goes through workers: files of one size each.
SHARES = ((20, 50 * MiB), (200, 100 * MiB), (2_000, 100_000), (5_000, 64 * MiB), (1, 5_000_000 * MiB))
BRIEF = Brief("00000000-0000-4000-8000-000000000000", 1_750_000_000, Naming.TREE, "downloads/")
LONG = "/".join(["x" * 95] * 10)[:970]


def sizes_mixed(chance: random.Random) -> int:
    return chance.choice((900, 40 * KiB, 3 * MiB, 7 * MiB, 11 * MiB, 50 * MiB))


SHAPES: dict[str, Callable[[random.Random], int]] = {
    "1 KiB": lambda _: KiB,
    "100 KiB": lambda _: 100 * KiB,
    "5 to 15 MiB": lambda chance: chance.randrange(5 * MiB, 15 * MiB),
    "16 MiB": lambda _: 16 * MiB,
    "100 MiB": lambda _: 100 * MiB,
    "mixed": sizes_mixed,
    "1 KiB, names of 1,000 bytes": lambda _: KiB,
}
STEPS = ("names", "layout", "parts", "chunks", "generated")


def entries_of(count: int, shape: str) -> Entries:
    chance = random.Random(1)
    folder = f"downloads/{LONG}" if "names" in shape else "downloads"
    entries = Entries()
    for start in range(0, count, 5_000):
        numbers = range(start, min(start + 5_000, count))
        entries.extend(
            [
                Entry(
                    f"{folder}/{70_000 + number}.zip",
                    70_000 + number,
                    size=SHAPES[shape](chance),
                    etag=f"{chance.getrandbits(128):032x}",
                    modified=1_700_000_000 + number,
                )
                for number in numbers
            ]
        )
    return entries


class Plan:
    """The plan of one archive, made step by step."""

    def __init__(self, entries: Entries) -> None:
        self.entries = entries
        self.chunks = self.bytes = 0

    def steps(self) -> Iterator[str]:
        """The names of the steps as they are done."""
        names = Names.of(self.entries, BRIEF)
        yield "names"
        self.volume = Volume.of(self.entries, names, within=RowRange(0, len(self.entries)))
        self.layout = lay_out(self.volume)
        yield "layout"
        self.cuts = cut_parts(self.volume, self.layout)
        yield "parts"
        cutter = ChunkCutter("staging/", CrcSource.COPY, emit=self._emit)
        for part, whole in PartSources(self.volume, self.layout, cuts=self.cuts).parts():
            cutter.add(part, whole)
        cutter.close()
        yield "chunks"
        renderer = Renderer(self.volume, self.layout)
        for items in pairwise([*self.cuts.generated, renderer.items]):
            self.bytes += len(renderer.render(*items)[1])
        yield "generated"

    def _emit(self, _: object, tasks: Any) -> None:
        self.chunks += 1
        self.bytes += len(encode_chunk(tasks))


def child(asked: dict[str, Any]) -> None:
    before = peak_rss_mib()
    plan = Plan(entries_of(asked["count"], asked["shape"]))
    started = time.process_time()
    laps: dict[str, float] = {}
    for step in plan.steps():
        laps[step] = time.process_time() - started - sum(laps.values())
    cost = cost_of(plan.volume, plan.layout, cuts=plan.cuts)
    figures = {
        "laps": laps,
        "peak": peak_rss_mib() - before,
        "parts": len(plan.cuts) + len(plan.cuts.generated),
        "intermediates": len(plan.cuts.intermediates),
        "chunks": plan.chunks,
        "stored": plan.bytes,
        "share": cost.share,
        "dollars": cost.dollars,
    }
    print(json.dumps(figures))


def main(words: Sequence[str] = ()) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks plan", description=__doc__)
    parser.add_argument("--entries", type=int, default=MAX_FILES_PER_JOB)
    parser.add_argument("--short", action="store_true", help=f"{SHORT:,} entries: a check in CI")
    asked = parser.parse_args(words)
    count = SHORT if asked.short else asked.entries
    heads = (
        *("sizes", *(f"{step} s" for step in STEPS), "all s", "peak MiB"),
        *("parts", "intermediate", "chunks", "stored MB", "written", "$"),
    )
    rows = [row(count, shape) for shape in SHAPES]
    print(f"\n### A plan for {count:,} entries\n\n{report.table(heads, rows)}", flush=True)
    columns = ("files", "archive MiB", "written MiB", "share", "GET", "parts", "copies", "$")
    shares = report.table(columns, [share_row(*files) for files in SHARES])
    print(f"\n### What goes through the workers, by the plan\n\n{shares}", flush=True)


def row(count: int, shape: str) -> tuple[str, ...]:
    asked = json.dumps({"count": count, "shape": shape})
    command = [sys.executable, "-m", "benchmarks.plan_100k", asked]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)
    laps = found["laps"]
    return (
        shape,
        *(f"{laps[step]:.2f}" for step in STEPS),
        f"{sum(laps.values()):.2f}",
        f"{found['peak']:.0f}",
        *(f"{found[name]:,}" for name in ("parts", "intermediates", "chunks")),
        f"{found['stored'] / 1e6:,.0f}",
        f"{found['share']:.1%}",
        f"{found['dollars']:.2f}",
    )


def share_row(count: int, size: int) -> tuple[str, ...]:
    cost = planned(of_sizes([size] * count)).cost
    requests = (cost.gets, cost.uploaded_parts, cost.copied_parts)
    return (
        f"{count:,} x {size / MiB:,.1f} MiB",
        f"{cost.archive / MiB:,.0f}",
        f"{cost.written / MiB:,.1f}",
        f"{cost.share:.2%}",
        *(f"{number:,}" for number in requests),
        f"{cost.dollars:.4f}",
    )


if __name__ == "__main__":
    child(json.loads(sys.argv[1]))
