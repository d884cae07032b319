"""What a literal part is made of, in order: headers, ranges of bodies, a range of the directory.

A worker needs the segments, the entries they name and the CRC-32s of the headers' bodies, not the whole layout.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from chalicelib.archive.layout import Layout
from chalicelib.archive.parts import LiteralPart


@dataclass(frozen=True, slots=True)
class HeaderSegment:
    """The whole local header of entry number `entry`."""

    entry: int


@dataclass(frozen=True, slots=True)
class BodySegment:
    """Bytes [start, stop) of the body of entry number `entry`: read from its source, or rendered (the manifest)."""

    entry: int
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class DirectorySegment:
    """Bytes [start, stop) of the central directory with its end records."""

    start: int
    stop: int


Segment = HeaderSegment | BodySegment | DirectorySegment


def segments_of(layout: Layout, part: LiteralPart) -> Iterator[Segment]:
    """The segments of a literal part. Headers are never cut: the planner's parts begin and end beside them."""
    start, stop = part.offset, part.offset + part.size
    for number in layout.numbers_from(start):
        header, body, end = layout.offsets[number], layout.body_offset(number), layout.end_of(number)
        if header >= stop:
            break
        if header >= start:
            yield HeaderSegment(number)
        first, last = max(body, start), min(end, stop)
        if first < last:
            yield BodySegment(number, first - body, last - body)
    first = max(start, layout.directory_offset)
    if first < stop:
        yield DirectorySegment(first - layout.directory_offset, stop - layout.directory_offset)
