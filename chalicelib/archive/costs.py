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
    headers = sum(layout.header_sizes[: layout.sources])
    generated = layout.size - layout.generated_offset
    return PlanCost(
        archive=layout.size,
        read=sum(literal) - headers - generated,
        written=sum(literal),
        copied=sum(part.size for part in copies),
        staged=sum(stage.size for stage in plan.stages),
        gets=_ranges_to_read(layout, copies),
        uploaded_parts=len(literal),
        copied_parts=len(parts) - len(literal),
        uploads=len(plan.uploads),
    )


def _ranges_to_read(layout: Layout, copies: list[CopyPart]) -> int:
    """How many ranges of bodies are read: whole literal bodies, and heads."""
    bodies = sum(entry.size > 0 for entry in layout.entries[: layout.sources])
    firsts = [next(parts) for _, parts in groupby(copies, key=attrgetter("entry"))]
    return bodies - sum(part.start == 0 for part in firsts)
