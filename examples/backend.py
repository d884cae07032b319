"""A back end that prepares a download for one of its users, with the Python client.

    pip install ./client
    python examples/backend.py 70000 70001 79999

It prints progress while the job runs, and at the end the address to hand to the user's browser. A real back end would
store the job id with the user's order, and answer its own clients from it.
"""

import os
import sys

from lorry import ArchiveOptions, Lorry, LorryError

API = os.environ.get("LORRY_API_URL", "http://127.0.0.1:4566/lorry")


def prepare(lorry: Lorry, *, order: str, file_ids: list[int]) -> str:
    """Runs the job of an order; returns the ZIP's address, which stays valid as long as the job does."""
    # With a key of its own the order has one job, even if this program crashes here and starts again.
    started = lorry.start(file_ids=file_ids, archive=ArchiveOptions(f"{order}.zip"), idempotency_key=f"order-{order}")
    print(f"job {started.id}: {started.total} files", flush=True)
    for change in lorry.follow(started.id):
        print(f"  {change.name} {change.job.progress}%", flush=True)
    job = lorry.wait(started.id)  # raises JobFailed unless it is ready
    print(f"{job.counts.available} files, {job.counts.missing} missing, {job.archives[0].size} bytes")
    return str(job.archives[0].address)


def main() -> int:
    """Prints the address of one ZIP of the files that the command names."""
    file_ids = [int(argument) for argument in sys.argv[1:]] or [70000, 70001, 79999]
    try:
        with Lorry(API) as lorry:
            print(prepare(lorry, order=f"order-of-{file_ids[0]}", file_ids=file_ids))
    except LorryError as error:
        print(f"{error.code}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
