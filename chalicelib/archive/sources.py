"""What the parts of an archive are made of, part by part: from any one on, without those before it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import compress

from msgspec.structs import replace

from chalicelib.archive.cutting import Cuts
from chalicelib.archive.layout import Layout
from chalicelib.archive.parts import Body, Copy, Header, Literal, Source
from chalicelib.archive.volumes import Volume


class PartSources:
    """The parts of one archive. Headers hold the CRC-32s that are known."""

    def __init__(self, volume: Volume, layout: Layout, cuts: Cuts) -> None:
        self._volume, self._layout, self._cuts = volume, layout, cuts
        self._starts = array("Q", map(layout.offsets.__getitem__, layout.order))  # by physical position
        self._numbers = list(cuts.numbers())

    def parts(self, first: int = 0) -> Iterator[tuple[Copy | Literal, Body | None]]:
        """The parts that hold nothing but sources, from part `first` on. With a literal one that ends in the header and
        the head of a body that S3 copies comes this whole body."""
        cuts, layout = self._cuts, self._layout
        for part in range(first, len(cuts)):
            upload, number = self._numbers[part]
            start, stop = cuts.starts[part], cuts.stop_of(part)
            if cuts.copied[part]:
                member = layout.order[self._position_at(start)]
                body = self._body(member, start - layout.body_offset(member), stop - start)
                yield Copy(upload, number, body), None
            else:
                sources, whole = self._between(start, stop)
                yield Literal(upload, number, stop - start, sources), whole

    def last(self) -> tuple[Source, ...]:
        """The sources that the first generated part begins with."""
        return self._between(self._cuts.end, self._layout.generated_offset)[0]

    def copied(self) -> Iterator[int]:
        """The members whose bodies S3 copies, in physical order."""
        before = -1
        for part in compress(range(len(self._cuts)), self._cuts.copied):
            position = self._position_at(self._cuts.starts[part])
            if position != before:
                yield self._layout.order[position]
            before = position

    def body_of(self, member: int) -> Body:
        """The whole body of a member."""
        return self._body(member, 0, self._volume.sizes[member])

    def _between(self, start: int, stop: int) -> tuple[tuple[Source, ...], Body | None]:
        """What bytes [start, stop) are made of, from a header on, and the whole body that goes on behind them."""
        sources: list[Source] = []
        layout, sizes = self._layout, self._volume.sizes
        for position in range(bisect_left(self._starts, start), len(layout.order)):
            member = layout.order[position]
            if layout.offsets[member] >= stop:
                break
            sources.append(self._header(member))
            head = stop - layout.body_offset(member)
            if sizes[member]:
                whole = self.body_of(member)
                if head < whole.size:
                    sources += [replace(whole, size=head)] if head else []
                    return tuple(sources), whole
                sources.append(whole)
        return tuple(sources), None

    def _position_at(self, offset: int) -> int:
        return bisect_right(self._starts, offset) - 1

    def _header(self, member: int) -> Header:
        entries, row = self._volume.entries, self._volume.rows[member]
        name, size, modified, timestamp = self._volume.member(member)
        crc32 = entries.crcs[row] if entries.crc_known[row] else None
        return Header(member, name, size, modified, crc32, timestamp=timestamp)

    def _body(self, member: int, start: int, size: int) -> Body:
        entries, row = self._volume.entries, self._volume.rows[member]
        return Body(member, entries.keys[row], entries.etags[row], start, size)
