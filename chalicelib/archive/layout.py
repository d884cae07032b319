"""Where every byte of the archive lies, known before the first one is written.

    header body, header body, ..., manifest (if there is to be one), directory, end

Only names, sizes and times are needed: no CRC-32 changes a length. The directory keeps the order of the request; bodies
lie in a *physical* order, which no reader sees and which decides how many bytes S3 can copy.

S3 takes no part below its smallest size but the last, so every copied body is preceded by a *gap*: literal bytes that
reach this size, at least the body's own header. What a gap lacks is taken from the start of the body behind it (its
*head*). Bytes that are literal anyway fill gaps for nothing: small files, then bodies a little above the smallest part
(carrying one of 6 MiB costs 6 MiB, but saves the gap it fills 5).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heapreplace
from itertools import accumulate, chain
from typing import NamedTuple

import msgspec

from chalicelib.archive.encoding import Numbers
from chalicelib.archive.records import end_records, header_size, record_size
from chalicelib.archive.volumes import Volume
from chalicelib.limits import S3, ZIP, S3Limits, ZipLimits

Span = tuple[int, int]  # bytes of a header, bytes of its body


class Layout(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """The exact shape of one archive. Offsets and sizes are bytes; arrays are by member number unless said.

    `order[p]` is the number of the member at physical position p; the manifest, which follows all others, is not in it.
    `size` counts everything, end records included.
    """

    order: Numbers
    header_sizes: Numbers
    offsets: Numbers
    directory_offset: int
    directory_size: int
    size: int

    @property
    def generated_offset(self) -> int:
        """Where the manifest's header starts, or else the directory: the first byte that is not of a source."""
        sources = len(self.order)
        return self.offsets[sources] if sources < len(self.offsets) else self.directory_offset

    def body_offset(self, number: int) -> int:
        """Where the body of a member starts."""
        return self.offsets[number] + self.header_sizes[number]


def lay_out(volume: Volume, zip_limits: ZipLimits = ZIP, *, s3_limits: S3Limits = S3) -> Layout:
    """The layout of one archive, its bodies in the order that costs least."""
    columns = zip(volume.name_sizes, volume.sizes, strict=True)
    header_sizes = array("I", (header_size(name, size, limits=zip_limits) for name, size in columns))
    spans = list(zip(header_sizes, volume.sizes, strict=True))[: volume.sources]
    order = physical_order(spans, s3_limits.min_part)
    offsets = array("Q", bytes(8 * len(header_sizes)))
    offset = 0
    for number in chain(order, range(volume.sources, len(header_sizes))):
        offsets[number] = offset
        offset += header_sizes[number] + volume.sizes[number]
    records = zip(volume.name_sizes, volume.sizes, offsets, strict=True)
    directory = sum(record_size(name, size, offset=offset, limits=zip_limits) for name, size, offset in records)
    end = len(end_records(len(offsets), directory, directory_offset=offset, limits=zip_limits))
    return Layout(array("I", order), header_sizes, offsets, offset, directory, offset + directory + end)


class CopiedBody(NamedTuple):
    """The body at physical `position` is copied, without its first `head` bytes."""

    position: int
    head: int


def copied_bodies(spans: Iterable[Span], smallest: int) -> Iterator[CopiedBody]:
    """The bodies to copy, given `spans` in physical order: each that is long enough behind the head it gives.

    What follows the last span (the manifest, the directory) is literal and ends the archive, so it lacks nothing.
    """
    gap = 0
    for position, (header, body) in enumerate(spans):
        gap += header
        head = max(0, smallest - gap)
        if body - head >= smallest:
            yield CopiedBody(position, head)
            gap = 0
        else:
            gap += body


def carried_bytes(spans: Sequence[Span], smallest: int) -> int:
    """Bytes of bodies that pass through workers, given `spans` in physical order."""
    kept = sum(spans[body.position][1] - body.head for body in copied_bodies(spans, smallest))
    return sum(body for _, body in spans) - kept


def physical_order(spans: Sequence[Span], smallest: int) -> list[int]:
    """The indices of `spans` (in the order of the request) in physical order.

    The request's own order is kept unless filling gaps carries fewer bytes.
    """
    asked = list(range(len(spans)))
    large = sorted((i for i in asked if spans[i][1] >= smallest), key=lambda i: -spans[i][1])
    if not large or (len(spans) == len(large) and spans[large[-1]][1] >= 3 * smallest):
        return asked  # nothing to copy, or nothing to fill with
    filled = _filled_order(spans, large, smallest=smallest)
    return min(asked, filled, key=lambda order: carried_bytes([spans[i] for i in order], smallest))


def _filled_order(spans: Sequence[Span], large: list[int], *, smallest: int) -> list[int]:
    """Filling before each copied body; the emptiest gap before the largest body, which can give a head."""
    copies = _how_many_copied(spans, large, smallest=smallest)
    small = [i for i, (_, body) in enumerate(spans) if body < smallest]
    copied = large[:copies]
    gaps, left = _fill([spans[i][0] for i in copied], large[copies:] + small, spans=spans, smallest=smallest)
    gaps.sort(key=lambda gap: -sum(sum(spans[i]) for i in gap))
    served = ([*sorted(gap), body] for gap, body in zip(gaps, reversed(copied), strict=True))
    return [*chain.from_iterable(served), *left]


def _how_many_copied(spans: Sequence[Span], large: list[int], *, smallest: int) -> int:
    """How many of the largest bodies to copy, the rest being filling: the number that carries the fewest bytes if the
    filling goes in without loss."""
    small = sum(body for _, body in spans if body < smallest)
    carried = list(accumulate((spans[i][1] for i in reversed(large)), initial=small))  # by how many are literal
    sure = sum(spans[i][1] >= 3 * smallest for i in large)
    fewest = max(sure, len(large) // 2, 1)  # half of them are filling enough for the other half

    def estimate(copies: int) -> int:
        literal = len(large) - copies  # each fills one gap
        return carried[literal] + max(0, (copies - literal) * smallest - small)

    return min(range(fewest, len(large) + 1), key=estimate)


def _fill(
    headers: list[int], filling: list[int], *, spans: Sequence[Span], smallest: int
) -> tuple[list[list[int]], list[int]]:
    """Put the filling, largest first, into the emptiest gap, until every gap reaches the smallest part.

    An item that overshoots the emptiest gap overshoots all of them, so nothing better was open to it. Returns the gaps
    and what was not needed, in the order of the request.
    """
    gaps: list[list[int]] = [[] for _ in headers]
    fills = [(header, gap) for gap, header in enumerate(headers)]
    heapify(fills)
    by_size = sorted(filling, key=lambda i: -spans[i][1])
    for given, item in enumerate(by_size):
        filled, gap = fills[0]
        if filled >= smallest:
            return gaps, sorted(by_size[given:])
        gaps[gap].append(item)
        header, body = spans[item]
        heapreplace(fills, (filled + header + body, gap))
    return gaps, []
