"""What a plan costs before it runs: bytes through the workers, bytes copied by S3, requests, dollars.

Prices: S3 Standard, us-east-1, https://aws.amazon.com/s3/pricing/, as of 2025. Reads and copies within a region move
no billed bytes. Not counted: Lambda time, and storage (of the archive, and of staging objects while they exist).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from chalicelib.archive.layout import Layout
from chalicelib.archive.parts import CopyPart, LiteralPart, Plan

DOLLARS_PER_WRITE = 0.005 / 1_000  # PUT, COPY, POST, LIST: create, UploadPart, UploadPartCopy, complete
DOLLARS_PER_READ = 0.0004 / 1_000  # GET and the rest


@dataclass(frozen=True, slots=True)
class PlanCost:
    """Bytes: `read` and `written` go through workers, `copied` and `staged` (a second copy) stay within S3.

    `gets`, `uploaded_parts` and `copied_parts` count requests; each of `uploads` is created and completed.
    """

    archive: int
    read: int
    written: int
    copied: int
    staged: int
    gets: int
    uploaded_parts: int
    copied_parts: int
    uploads: int

    @property
    def requests(self) -> int:
        """All that are billed; deleting staging objects is free."""
        return self.gets + self.uploaded_parts + self.copied_parts + 2 * self.uploads

    @property
    def dollars(self) -> float:
        """Of the requests."""
        return (self.requests - self.gets) * DOLLARS_PER_WRITE + self.gets * DOLLARS_PER_READ

    @property
    def share(self) -> float:
        """Bytes that workers write, of the archive's own: 0.1 means that S3 copied 90%."""
        return self.written / self.archive


def cost_of(layout: Layout, plan: Plan) -> PlanCost:
    """The cost of running the plan once, without failures."""
    parts = [part for upload in plan.uploads for part in upload.parts]
    literal = [part.size for part in parts if isinstance(part, LiteralPart)]
    copies = [part for part in plan.base_parts() if isinstance(part, CopyPart)]
    ranges, again = _ranges_to_read(layout, copies)
    headers = sum(layout.header_sizes[: layout.sources])
    generated = layout.size - layout.generated_offset
    return PlanCost(
        archive=layout.size,
        read=sum(literal) - headers - generated + again,
        written=sum(literal),
        copied=sum(part.size for part in copies),
        staged=sum(stage.size for stage in plan.stages),
        gets=ranges,
        uploaded_parts=len(literal),
        copied_parts=len(parts) - len(literal),
        uploads=len(plan.uploads),
    )


def _ranges_to_read(layout: Layout, copies: list[CopyPart]) -> tuple[int, int]:
    """How many ranges of bodies are read: whole literal bodies, heads, tails, and tails a second time where a header
    waits for their CRC-32 (`waiting`). Also the bytes of that second time."""
    ranges = sum(entry.size > 0 for entry in layout.entries[: layout.sources])
    again = 0
    for number, group in groupby(copies, key=attrgetter("entry")):
        ranged, entry = list(group), layout.entries[number]
        tail = entry.size - ranged[-1].start - ranged[-1].size
        ranges += (ranged[0].start > 0) + (tail > 0) - 1
        if tail and entry.crc32 is None:
            ranges, again = ranges + 1, again + tail
    return ranges, again
