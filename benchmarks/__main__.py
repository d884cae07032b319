"""The benchmarks: `python -m benchmarks` runs the first three, `python -m benchmarks archive --help` lists its options.
`python -m benchmarks --short` runs the first four on little data, in about a minute: whether they work at all.

archive  one ZIP by Lorry and by streaming zippers: time, CPU, bytes, memory, requests, dollars
job      100,000 file ids in one request on an embedded stack
plan     a plan for 100,000 entries: time and memory
memory   peak memory of a worker that plans and finishes 100,000 entries (only when named)
cost     counts a few jobs' requests and writes docs/explanation/cost.md (only when named)
zip64    one real archive over 4 GiB, read by others (about 15 GB of disk; only when named)
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence

from benchmarks import archive, cost, job_100k, memory, plan_100k, report, zip64

BENCHMARKS: dict[str, Callable[[Sequence[str]], None]] = {
    "archive": archive.main,
    "job": job_100k.main,
    "plan": plan_100k.main,
    "memory": memory.main,
    "cost": cost.main,
    "zip64": zip64.main,
}
DEFAULT, SHORT = ("archive", "job", "plan"), ("archive", "job", "plan", "memory")


def main(words: Sequence[str]) -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that stores and stacks end, and their folders go
    chosen: Sequence[str] = DEFAULT
    options = words[1:]
    if list(words) == ["--short"]:
        chosen, options = SHORT, words
    elif words and words[0] not in BENCHMARKS:
        print(__doc__, file=sys.stdout if words[0] in ("-h", "--help") else sys.stderr)
        return 0 if words[0] in ("-h", "--help") else 2
    elif words:
        chosen = words[:1]
    print(report.where(), flush=True)
    for name in chosen:
        started = time.perf_counter()
        BENCHMARKS[name](options)
        print(f"\n{name}: {time.perf_counter() - started:.0f} s in all", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
