"""One archive, built by Lorry and by streaming zippers, on one SeaweedFS in one run: python -m benchmarks archive

Ways alternate, each in fresh processes; an archive counts only when it has been opened and its files found.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import node, report
from benchmarks.jobs import checked_job
from benchmarks.verify import verified
from benchmarks.ways import Lorry, Peer, Run, Way
from benchmarks.workloads import TARGET, MiB, Scale, Store, Workload, filled, opened
from chalicelib.archive.costs import PlanCost
from tests.support import seaweed

ONE_WORKER = ("Lorry, CRC from HEAD", "Lorry, CRC from copies")
ZIPSTREAM, ARCHIVER = "zipstream-ng + boto3", "archiver + lib-storage"


@dataclass(frozen=True, slots=True)
class Measured:
    workload: Workload
    size: int
    plans: dict[str, PlanCost]  # by where CRC-32s come from
    check_cpu: float
    runs: dict[str, list[Run]]


def main(words: Sequence[str] = ()) -> None:
    asked = _arguments(words)
    scale = Scale(small_bytes=10_000, large=5, small=100) if asked.short else Scale()
    ways = _ways(short=asked.short)
    with tempfile.TemporaryDirectory(prefix="lorry-bench-", dir=asked.folder) as folder:
        with seaweed.running(Path(folder)) as running:
            store = opened(running)
            print("filling the store", file=sys.stderr, flush=True)
            filled(store, scale)
            for workload in scale.workloads():
                if asked.only in workload.name:
                    print(_rendered(_measured(store, workload, ways, asked.runs), ways), flush=True)
        shutil.rmtree(folder, ignore_errors=True)


def _arguments(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks archive", description=__doc__)
    parser.add_argument("--runs", type=int, default=1, help="of each way; the median is told")
    parser.add_argument("--short", action="store_true", help="few and small files, one worker, no Node: a check in CI")
    parser.add_argument("--only", default="", help="the workloads whose name holds this")
    parser.add_argument("--folder", help="where the store lies (about 15 GB per run)")
    return parser.parse_args(words)


def _ways(*, short: bool) -> list[Way]:
    one_worker = [Lorry(ONE_WORKER[0], "head"), Lorry(ONE_WORKER[1], "copy")]
    zipstream = Peer(ZIPSTREAM, (sys.executable, "-m", "benchmarks.peers.streaming"))
    if short:
        return [*one_worker, zipstream]
    more_workers = [Lorry("Lorry, HEAD, 2 workers", "head", 2), Lorry("Lorry, HEAD, 4 workers", "head", 4)]
    script = node.prepared()
    archiver = [Peer(ARCHIVER, ("node", "--no-warnings", str(script)), script.parent)] if script else []
    return [*one_worker, *more_workers, zipstream, *archiver]


def _measured(store: Store, workload: Workload, ways: Sequence[Way], times: int) -> Measured:
    job = checked_job(store, workload.ids)
    runs: dict[str, list[Run]] = defaultdict(list)
    size = 0
    for turn in range(times):
        for way in ways:
            print(f"{workload.name}: {way.name}", file=sys.stderr, flush=True)
            run = way.build(store, workload, job)
            thorough = turn == 0 and isinstance(way, Lorry) and way.workers == 1
            found = verified(store, run.key, [f"{number}.zip" for number in workload.ids], thorough=thorough)
            size = found if isinstance(way, Lorry) else size
            store.client.delete_object(Bucket=TARGET, Key=run.key)
            runs[way.name].append(run)
    plans = {crcs: job.cost(crcs_known=crcs == "head") for crcs in ("head", "copy")}
    return Measured(workload, size, plans, job.check_cpu, runs)


def _rendered(measured: Measured, ways: Sequence[Way]) -> str:
    heads = ("way", "wall s", "CPU s", "MB read", "MB written", "RSS MiB", "GET", "parts", "copies", "other", "$/1000")
    typical = {name: _median(runs) for name, runs in measured.runs.items()}
    rows = [(name, *_figures(run)) for name, run in typical.items()]
    plan = measured.plans["head"]
    return "\n".join(
        [
            f"\n### {measured.workload.name} ({measured.size / MiB:,.0f} MiB)\n",
            report.table(heads, rows),
            f"\nThe plan: {plan.read / 1e6:,.1f} MB read and {plan.written / 1e6:,.1f} MB written by workers "
            f"({plan.share:.1%} of the archive), {plan.copied / 1e6:,.1f} MB copied by S3; "
            f"${1000 * plan.dollars:.2f} per 1,000 archives. Checking before (a HEAD per file) took "
            f"{measured.check_cpu:.2f} CPU s.",
            *_verdicts(measured, typical, ways),
        ]
    )


def _median(runs: Sequence[Run]) -> Run:
    """The run in the middle by wall time, with the medians of its other figures."""
    run = sorted(runs, key=lambda run: run.wall)[len(runs) // 2]
    return Run(
        key=run.key,
        wall=run.wall,
        cpu=statistics.median(one.cpu for one in runs),
        rss=max(one.rss for one in runs),
        read=run.read,
        written=run.written,
        requests=run.requests,
        body_read=run.body_read,
        body_written=run.body_written,
    )


def _figures(run: Run) -> tuple[str, ...]:
    known = ("get", "part", "copy")
    other = sum(count for kind, count in run.requests.items() if kind not in known)
    return (
        f"{run.wall:.1f}",
        f"{run.cpu:.2f}",
        f"{run.read / 1e6:,.0f}",
        f"{run.written / 1e6:,.0f}",
        f"{run.rss:.0f}",
        *(f"{run.requests.get(kind, 0):,}" for kind in known),
        f"{other:,}",
        f"{1000 * run.dollars:.2f}",
    )


def _verdicts(measured: Measured, typical: dict[str, Run], ways: Sequence[Way]) -> list[str]:
    """What Lorry's ways took of what each peer took. Raises AssertionError if a way moved other bytes than planned."""
    peers = {way.name: typical[way.name] for way in ways if isinstance(way, Peer)}
    lines = []
    for way in ways:
        if isinstance(way, Lorry):
            run, plan = typical[way.name], measured.plans[way.crcs]
            if (run.body_read, run.body_written) != (plan.read, plan.written):
                raise AssertionError(
                    f"{way.name} moved {run.body_read:,} and {run.body_written:,} bytes, not as {plan}"
                )
            ratios = "; ".join(_ratios(run, name, peer) for name, peer in peers.items())
            lines.append(f"- {way.name}: bytes exactly as planned. Of {ratios}.")
    return ["", *lines]


def _ratios(run: Run, name: str, peer: Run) -> str:
    moved = (run.read + run.written) / (peer.read + peer.written)
    return f"{name}: wall {run.wall / peer.wall:.2f}, CPU {run.cpu / peer.cpu:.2f}, bytes {moved:.2f}"
