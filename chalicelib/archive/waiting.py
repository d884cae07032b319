"""Which CRC-32s a header waits for when nobody knew them beforehand: those of the ranges that S3 copied.

Only the last header of a literal part can belong to a body that the part does not hold whole. Its CRC-32 is that of the
head (in the part itself) and of each copied range (in its receipt), joined by `crc32.crc32_concat`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.archive.parts import CopyPart, LiteralPart, Plan

PartId = tuple[int, int]  # upload, part number


@dataclass(frozen=True, slots=True)
class CrcNeed:
    """What literal part `part` must know besides its own bytes, to write the header of entry number `entry`.

    The body is [0, head) in the part itself, then the ranges that the parts `copies` (in order, with their sizes in
    bytes) copied.
    """

    part: PartId
    entry: int
    head: int
    copies: tuple[tuple[PartId, int], ...]


def crc_needs(plan: Plan) -> Iterator[CrcNeed]:
    """The needs of all parts of phase 2, in the archive's order, in one pass."""
    waiting: LiteralPart | None = None
    copies: list[CopyPart] = []
    for part in plan.base_parts():
        if isinstance(part, CopyPart):
            copies.append(part)
            continue
        if waiting is not None and copies:
            yield _need(waiting, copies)
        waiting, copies = (part if part.phase == 2 else None), []


def _need(part: LiteralPart, copies: list[CopyPart]) -> CrcNeed:
    sizes = tuple(((copy.upload, copy.number), copy.size) for copy in copies)
    return CrcNeed((part.upload, part.number), copies[0].entry, copies[0].start, sizes)
