"""Where every byte of the archive lies, known before the first one is written.

    header body, header body, ..., directory, end

Only names, sizes and times are needed: no CRC-32 changes a length. An entry is known by its *number*, its place in the
central directory, which keeps the order of the request with the manifest last. Bodies lie in *physical* order, which
the planner chooses (`ordering`).
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from chalicelib.archive.entries import Entry
from chalicelib.archive.records import directory_record, end_records, local_header
from chalicelib.archive.rules import ZIP, ZipLimits

_PIECE_RECORDS = 256  # directory records that are joined into one piece: some 20 KiB


@dataclass(frozen=True, slots=True)
class Layout:
    """The exact shape of one archive. Offsets and sizes are bytes; arrays are indexed by entry number unless said.

    `order[p]` is the number of the entry at physical position p. The first `sources` entries, in both orders, have a
    source; the rest (the manifest) is generated. `size` counts everything, end records included.
    """

    entries: tuple[Entry, ...]
    order: array[int]
    offsets: array[int]
    header_sizes: array[int]
    sources: int
    directory_offset: int
    directory_size: int
    size: int
    limits: ZipLimits

    def body_offset(self, number: int) -> int:
        return self.offsets[number] + self.header_sizes[number]

    def end_of(self, number: int) -> int:
        """Where the entry's body ends."""
        return self.body_offset(number) + self.entries[number].size

    @property
    def generated_offset(self) -> int:
        """Where what follows the sources starts: the manifest's header, or the directory if there is no manifest."""
        return self.offsets[self.order[self.sources]] if self.sources < len(self.order) else self.directory_offset

    def position_at(self, offset: int) -> int:
        """The physical position of the entry whose header or body holds the byte at `offset` (before the directory)."""
        return bisect_right(self.order, offset, key=self.offsets.__getitem__) - 1

    def numbers_from(self, offset: int) -> Iterator[int]:
        """The numbers of the entries in physical order, from the one that holds the byte at `offset`."""
        start = self.position_at(offset) if offset < self.directory_offset else len(self.order)
        return (self.order[position] for position in range(start, len(self.order)))


def lay_out(
    entries: Sequence[Entry], order: Iterable[int], limits: ZipLimits = ZIP, *, header_sizes: array[int] | None = None
) -> Layout:
    """The layout of `entries` (in the directory's order) when their bodies lie in `order`, a permutation of them.

    `header_sizes`: what `measure_headers` said of the same entries, if it was asked before.
    """
    numbers, sources = array("L", order), _count_sources(entries)
    if any(number >= sources for number in numbers[:sources]):
        raise ValueError("the manifest must be the last entry in the physical order too")
    header_sizes = header_sizes or measure_headers(entries, limits)
    offsets = array("Q", bytes(8 * len(entries)))
    offset = 0
    for number in numbers:
        offsets[number] = offset
        offset += header_sizes[number] + entries[number].size
    directory_size = sum(len(directory_record(e, 0, o, limits)) for e, o in zip(entries, offsets, strict=True))
    end = end_records(len(entries), directory_size, offset, limits)
    total = offset + directory_size + len(end)
    return Layout(tuple(entries), numbers, offsets, header_sizes, sources, offset, directory_size, total, limits)


def _count_sources(entries: Sequence[Entry]) -> int:
    sources = sum(entry.key is not None for entry in entries)
    if any(entry.key is None for entry in entries[:sources]):
        raise ValueError("an entry without a source (the manifest) must be the last one")
    return sources


def measure_headers(entries: Iterable[Entry], limits: ZipLimits) -> array[int]:
    """The size of every local header, measured on the encoded record."""
    return array("L", (len(local_header(entry, 0, limits)) for entry in entries))


def render_header(entry: Entry, crc: int, limits: ZipLimits = ZIP) -> bytes:
    """The local header of an entry; a worker needs no layout for it."""
    return local_header(entry, crc, limits)


def directory_pieces(layout: Layout, crcs: Sequence[int]) -> Iterator[bytes]:
    """The central directory and the end records, piece by piece: 100,000 entries are some 10 MB.

    `crcs[number]` is the CRC-32 of that entry's body. Together the pieces have
    `layout.size - layout.directory_offset` bytes; `pieces.window` cuts a part out of them.
    """
    records = (
        directory_record(entry, crc, offset, layout.limits)
        for entry, crc, offset in zip(layout.entries, crcs, layout.offsets, strict=True)
    )
    while piece := b"".join(islice(records, _PIECE_RECORDS)):
        yield piece
    yield end_records(len(layout.entries), layout.directory_size, layout.directory_offset, layout.limits)
