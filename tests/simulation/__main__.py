"""Runs seeds of the simulation on all cores, or one of them again.

    python -m tests.simulation --seeds 10000
    python -m tests.simulation --seed 140 [--faults 12,55]

A seed that fails is run again with fewer and fewer of its faults; those that are left are printed with the end of their
trace.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.simulation.running import Report, run, shrunk

BLOCK = 10  # seeds that a process runs before it reports
SHOWN_LINES = 40


def main() -> int:
    options = _options()
    if options.seed is not None:
        report = run(options.seed, only=options.faults, trace=True)
        _show(report, folder=options.traces)
        return 1 if report.violations else 0
    seeds = range(options.first, options.first + options.seeds)
    if options.quick:
        return 1 if any(run(seed).violations for seed in seeds) else 0
    return _run_all(seeds, folder=options.traces)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="run the simulation")
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="run this one, and write its trace")
    parser.add_argument("--faults", type=_numbers, help="with only these of its faults, by number: 12,55")
    parser.add_argument("--quick", action="store_true", help="stop at the first seed that fails")
    parser.add_argument("--traces", type=Path, default=Path(".lorry/simulation"), help="folder for traces")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",") if number]


def _run_all(seeds: range, *, folder: Path) -> int:
    began = time.monotonic()
    total, failed = Report(seeds.start), []
    with ProcessPoolExecutor() as pool:
        for reports in pool.map(_run_block, (seeds[start : start + BLOCK] for start in range(0, len(seeds), BLOCK))):
            for report in reports:
                total.add(report)
                if report.violations:
                    failed.append(report.seed)
                    _explain(report, folder=folder)
    print(f"{len(seeds):,} seeds in {time.monotonic() - began:.0f} s, {len(failed)} failed")
    print("\n".join(_summary(total)))
    if failed:
        print(f"\nfailed: {', '.join(map(str, failed))}\nagain: make simulate SEED={failed[0]}")
    return 1 if failed else 0


def _run_block(seeds: Sequence[int]) -> list[Report]:
    return [run(seed) for seed in seeds]


def _summary(total: Report) -> Iterator[str]:
    jobs = ", ".join(f"{count:,} {status}" for status, count in total.jobs.most_common())
    yield f"{sum(total.jobs.values()):,} jobs: {jobs}"
    yield f"{total.steps:,} steps, {total.seconds / 3600:,.0f} hours of virtual time"
    yield f"{sum(total.faults.values()):,} faults:"
    yield from (f"{count:>9,}  {fault}" for fault, count in total.faults.most_common())
    yield f"{sum(total.happened.values()):,} other events:"
    yield from (f"{count:>9,}  {act}" for act, count in total.happened.most_common())
    missed = sorted(f"{point}: {fault}" for point, fault in total.points - total.crashed)
    reached = f"{len(total.points) - len(missed)} of {len(total.points)}"
    yield f"{reached} fault points crashed: before and after each kind of AWS call"
    yield from (f"    never  {point}" for point in missed)


def _explain(report: Report, *, folder: Path) -> None:
    """Print a failure with as few faults as it needs."""
    kept = shrunk(report.drawn, lambda faults: bool(run(report.seed, only=faults).violations))
    again = run(report.seed, only=kept, trace=True)
    numbers = ",".join(map(str, kept))
    print(f"seed {report.seed} fails with {len(kept)} of its {len(report.drawn)} faults:")
    print(f"again: make simulate SEED={report.seed} FAULTS={numbers or '0'}")
    _show(again, folder=folder)


def _show(report: Report, *, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{report.seed}.txt"
    path.write_text(report.trace + "\n", encoding="utf-8")
    print("\n".join(report.trace.splitlines()[-SHOWN_LINES:]))
    print(f"the whole trace: {path}")
    print("\n".join(f"VIOLATION {violation}" for violation in report.violations) or "no violation")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets must be in one order in every run
        again = [sys.executable, "-m", "tests.simulation", *sys.argv[1:]]
        os.execve(sys.executable, again, {**os.environ, "PYTHONHASHSEED": "0"})
    sys.exit(main())
