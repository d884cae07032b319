"""What a plan costs before it runs: bytes through the workers, bytes copied by S3, requests, dollars.

Prices: S3 Standard, us-east-1, https://aws.amazon.com/s3/pricing/, as of 2025. Reads and copies within a region move
no billed bytes. Not counted: Lambda time, and storage (of the archive, and of intermediate objects while they exist).
"""

from __future__ import annotations

from itertools import compress

import msgspec

from chalicelib.archive.cutting import Cuts
from chalicelib.archive.layout import Layout
from chalicelib.archive.volumes import Volume

DOLLARS_PER_WRITE = 0.005 / 1_000  # PUT, COPY, POST, LIST: create, UploadPart, UploadPartCopy, complete
DOLLARS_PER_READ = 0.0004 / 1_000  # GET and the rest


class PlanCost(msgspec.Struct, frozen=True):
    """Bytes: `read` and `written` go through workers, `copied` and `joined` (a second copy) stay within S3.

    `gets`, `uploaded_parts` and `copied_parts` count requests; each of `uploads` is created and completed.
    """

    archive: int
    read: int
    written: int
    copied: int
    joined: int
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

    def report(self) -> dict[str, int | str]:
        """Bytes through workers and within S3, requests, and dollars of S3 in us-east-1, as clients see them."""
        return {
            "bytesRead": self.read,
            "bytesWritten": self.written,
            "bytesCopied": self.copied + self.joined,
            "requests": self.requests,
            "dollars": f"{self.dollars:.6f}",
        }

    @property
    def share(self) -> float:
        """Bytes that workers write, of the archive's own: 0.1 means that S3 copied 90%."""
        return self.written / self.archive


def cost_of(volume: Volume, layout: Layout, *, cuts: Cuts) -> PlanCost:
    """The cost of building the archive once, without failures."""
    copied = sum(cuts.stop_of(part) - cuts.starts[part] for part in compress(range(len(cuts)), cuts.copied))
    headers = sum(layout.header_sizes[: volume.sources])
    joins = list(cuts.joins())
    return PlanCost(
        archive=layout.size,
        read=layout.generated_offset - headers - copied,
        written=layout.size - copied,
        copied=copied,
        joined=sum(join.size for join in joins),
        gets=_ranges_to_read(volume, layout, cuts=cuts),
        uploaded_parts=len(cuts) - sum(cuts.copied) + len(cuts.generated),
        copied_parts=sum(cuts.copied) + len(joins),
        uploads=1 + len(cuts.intermediates),
    )


def _ranges_to_read(volume: Volume, layout: Layout, *, cuts: Cuts) -> int:
    """How many ranges of bodies are read: whole literal bodies and heads, so one of each body not wholly copied."""
    bodies = sum(size > 0 for size in volume.sizes[: volume.sources])
    body_starts = {layout.body_offset(number) for number in layout.order}
    whole = sum(cuts.starts[part] in body_starts for part in compress(range(len(cuts)), cuts.copied))
    return bodies - whole
