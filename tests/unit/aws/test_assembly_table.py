"""How large the rows of assembly become. What they do is in tests/contracts."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.archive.parts import Body, Copy, Gather, Header, Literal, Task
from chalicelib.assembly.chunks import CHUNK_LIMITS, estimated_seconds
from chalicelib.assembly.model import PHASES, BodyCrc, MultipartUpload, PartReceipt, Phase, Receipt, archive_key
from chalicelib.aws.assembly_table import _archive_row, _receipt_row
from chalicelib.limits import MiB
from tests.simulation.dynamodb.items import size_of
from tests.support.builders import archive

KiB = 1024
MOST = 2**32 - 1
ETAG = '"' + "0123456789abcdef" * 2 + '"'


def largest_archive() -> Any:
    """As many chunks and as long names as there may be."""
    key = archive_key(archive().job_id, 99, number=90)
    place = f"staging/{archive().job_id}/99/{'f' * 32}/90/"
    dollars: dict[str, int | str] = {"dollars": "123456.789012"}
    costs = ("bytesRead", "bytesWritten", "bytesCopied", "requests")
    return archive(
        number=90,
        filename="é" * 127,
        size=10**14,
        entries=10**6,
        parts=10_000,
        cost=dict.fromkeys(costs, 10**14) | dollars,
        plan=f"{place}plan",
        intermediates=f"{place}uploads",
        upload=MultipartUpload(key, "u" * 300),
        chunks=dict.fromkeys(PHASES, 24_000),
        work=10**15,
        recorded=24_000,
        done_bytes=10**15,
    )


def test_the_row_of_an_archive_stays_below_4_kb_however_large_it_is() -> None:
    assert size_of(_archive_row(largest_archive(), ttl=2**31)) < 4 * KiB


def small_files(count: int) -> list[Header | Body]:
    sources: list[Header | Body] = []
    for number in range(count):
        sources += [Header(number, f"{number}", 100, 0, None), Body(number, f"{number}", ETAG, 0, 100)]
    return sources


TASKS: dict[str, Task] = {
    "copies": Copy(0, 9_999, Body(999_999, "key", ETAG, 10**13, 5 * MiB)),
    "literals": Literal(0, 9_999, 5 * MiB, tuple(small_files(3))),
    "many bodies": Gather("key", 5 * MiB, tuple(small_files(CHUNK_LIMITS.bodies))),
}


@pytest.mark.parametrize("kind", TASKS)
def test_a_receipt_stays_below_64_kb_whatever_its_chunk_holds(kind: str) -> None:
    task = TASKS[kind]
    tasks = max(1, int(CHUNK_LIMITS.seconds / estimated_seconds(task)))
    bodies = 1 if isinstance(task, Copy) else len(task.sources) // 2  # type: ignore[union-attr]
    parts = [] if isinstance(task, Gather) else [PartReceipt(1_000, 9_999, ETAG, 5 * 1024 * MiB, MOST)] * tasks
    crcs = [BodyCrc(999_999, 10**13, 10**12, MOST)] * (tasks * bodies)
    receipt = Receipt(tuple(parts), tuple(crcs), 10**14)

    row = _receipt_row(archive(phase=Phase.BODY), 23_999, receipt=receipt, ttl=2**31)
    assert size_of(row) < 64 * KiB
