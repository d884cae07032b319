"""Cuts a layout into parts that S3 takes.

Literal bytes are cut in front of headers only, so that one worker sees a literal body whole and knows its CRC-32 when
it writes the header; copied bodies are cut into equal shares. What follows the sources is cut by `generated`.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import compress, product

import msgspec
from msgspec.structs import replace

from chalicelib.archive.encoding import Numbers
from chalicelib.archive.generated import cut_generated
from chalicelib.archive.layout import Layout, copied_bodies
from chalicelib.archive.parts import ARCHIVE_UPLOAD, Body, Copy, CopyObject, Header, Literal, Source
from chalicelib.archive.volumes import Volume
from chalicelib.errors import ArchiveTooLarge
from chalicelib.limits import S3, ZIP, S3Limits, ZipLimits


class Cuts(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """The parts of one archive. Offsets are offsets in the archive, in bytes.

    `starts` and `copied` have a value for each part that holds nothing but sources; these parts end at `end`. Behind
    them, `generated` has the first item of each part (see `generated`), and the first of these parts begins with the
    sources from `end` on, too few for a part of their own. `target` and `split` are the sizes that literal and copied
    parts were cut to.

    Every `window` parts are a window; those in `intermediates` become intermediate objects, in this order.
    """

    starts: Numbers
    copied: Numbers
    end: int
    generated: Numbers
    target: int
    split: int
    window: int
    intermediates: Numbers

    def __len__(self) -> int:
        return len(self.starts)

    def stop_of(self, part: int) -> int:
        """Where a part ends."""
        return self.starts[part + 1] if part + 1 < len(self.starts) else self.end

    def windows(self) -> Iterator[tuple[int, int, int]]:
        """The windows in order: first part, the part behind the last, and the upload that these belong to."""
        upload = ARCHIVE_UPLOAD
        chosen = set(self.intermediates)
        for window, first in enumerate(range(0, len(self), self.window)):
            upload += window in chosen
            yield first, min(first + self.window, len(self)), upload if window in chosen else ARCHIVE_UPLOAD

    def numbers(self) -> Iterator[tuple[int, int]]:
        """Upload and part number of each part, and then of each generated part."""
        number = 1
        for first, stop, upload in self.windows():
            if upload == ARCHIVE_UPLOAD:
                yield from ((upload, number + part) for part in range(stop - first))
                number += stop - first
            else:
                yield from ((upload, 1 + part) for part in range(stop - first))
                number += len(list(self._shares(first, stop)))
        yield from ((ARCHIVE_UPLOAD, number + part) for part in range(len(self.generated)))

    @property
    def parts(self) -> int:
        """How many parts the archive's own upload has."""
        return list(self.numbers())[-1][1]

    def joins(self) -> Iterator[CopyObject]:
        """The copies of intermediate objects into the archive."""
        number = 1
        for first, stop, upload in self.windows():
            if upload == ARCHIVE_UPLOAD:
                number += stop - first
                continue
            for start, size in self._shares(first, stop):
                yield CopyObject(number, upload, start, size)
                number += 1

    def _shares(self, first: int, stop: int) -> Iterator[tuple[int, int]]:
        return equal_shares(self.stop_of(stop - 1) - self.starts[first], self.split)


def cut_parts(volume: Volume, layout: Layout, *, limits: S3Limits = S3, zip_limits: ZipLimits = ZIP) -> Cuts:
    """The parts of one archive.

    Parts have the sizes that `limits` starts with, and larger ones as far as `max_parts` demands; where no size is
    enough, stretches of the archive become intermediate objects. Raises ArchiveTooLarge if S3 cannot hold it.
    """
    if layout.size > limits.max_object:
        raise ArchiveTooLarge(size=layout.size, limit=limits.max_object)
    cutter = _Cutter(volume, layout, limits=limits, zip_limits=zip_limits)
    for target, split in cutter.sizes_to_try():
        cuts = cutter.cut(target, split)
        if len(cuts) + len(cuts.generated) <= limits.max_parts:
            return cuts
    for split in limits.copy_splits:  # intermediate objects make room for small parts, and these keep workers small
        cuts = cutter.cut(limits.literal_targets[0], split)
        chosen = _windows_to_build(cuts, limits.max_parts)
        if chosen is not None:
            return msgspec.structs.replace(cuts, intermediates=array("I", chosen))
    raise ArchiveTooLarge(size=layout.size, limit=limits.max_object)


class _Cutter:
    """Cuts one layout, for any pair of part sizes."""

    def __init__(self, volume: Volume, layout: Layout, *, limits: S3Limits, zip_limits: ZipLimits) -> None:
        self._volume, self._layout, self._limits, self._zip_limits = volume, layout, limits, zip_limits
        spans = ((layout.header_sizes[number], volume.sizes[number]) for number in layout.order)
        self._copied = list(copied_bodies(spans, limits.min_part))

    def sizes_to_try(self) -> Iterator[tuple[int, int]]:
        """Pairs of literal target and copy split from the smallest on, unless not even the largest would do."""
        limits = self._limits
        if 2 * len(self._copied) + 1 > limits.max_parts:  # each copied body has a literal part before it
            return
        targets, splits = limits.literal_targets, limits.copy_splits
        yield targets[0], splits[0]
        largest = self.cut(targets[-1], splits[-1])
        if len(largest) + len(largest.generated) > limits.max_parts:
            return
        steps = sorted(product(range(len(targets)), range(len(splits))), key=lambda step: (sum(step), step))
        for target, split in steps[1:]:
            yield targets[target], splits[split]

    def cut(self, target: int, split: int) -> Cuts:
        """The parts if literal ones have about `target` bytes and copied ones at most `split`."""
        starts, copied = array("Q"), array("B")
        layout, order, sizes = self._layout, self._layout.order, self._volume.sizes
        done = 0
        for position, head in self._copied:
            number = order[position]
            body = layout.body_offset(number)
            literal = self._literal_starts(done, position, stop=body + head, target=target)
            starts.extend(literal)
            copied.extend([0] * len(literal))
            shares = [body + head + start for start, _ in equal_shares(sizes[number] - head, split)]
            starts.extend(shares)
            copied.extend([1] * len(shares))
            done = position + 1
        literal, end = self._last_starts(done, target)
        starts.extend(literal)
        copied.extend([0] * len(literal))
        before = layout.generated_offset - end
        generated = cut_generated(self._volume, layout, before=before, target=target, limits=self._zip_limits)
        return Cuts(starts, copied, end, generated, target, split, self._limits.intermediate_parts, array("I"))

    def _literal_starts(self, first: int, position: int, *, stop: int, target: int) -> list[int]:
        """Where the literal parts start that begin with the entry at position `first` and end at `stop`, behind the
        header of the copied body at `position`. All of them reach `min_part`, as the whole gap does."""
        offsets, order = self._layout.offsets, self._layout.order
        if first == position:
            return [offsets[order[first]]]
        starts = self._starts(first, position + 1, stop=stop, target=target)
        if stop - starts[-1] < self._limits.min_part and len(starts) > 1:
            starts.pop()
        return starts

    def _last_starts(self, first: int, target: int) -> tuple[list[int], int]:
        """The same for the entries behind the last copied body, and where the last of these parts ends."""
        end = self._layout.generated_offset
        if first == len(self._layout.order):
            return [], end
        starts = self._starts(first, len(self._layout.order), stop=end, target=target)
        if end - starts[-1] >= self._limits.min_part:
            return starts, end
        return starts[:-1], starts[-1]

    def _starts(self, first: int, last: int, *, stop: int, target: int) -> list[int]:
        """Where parts start that hold the positions [first, last) up to the byte `stop`: one is closed as soon as it
        has reached `min_part` and the next entry would pass `target`."""
        limits, layout, sizes = self._limits, self._layout, self._volume.sizes
        start = layout.offsets[layout.order[first]]
        starts, entries = [start], 0
        for number in layout.order[first:last]:
            offset = layout.offsets[number]
            end = min(stop, layout.body_offset(number) + sizes[number])
            full = end - start > target or entries >= limits.literal_entries
            if full and offset - start >= limits.min_part:
                start, entries = offset, 0
                starts.append(start)
            entries += 1
        return starts


def equal_shares(size: int, split: int) -> Iterator[tuple[int, int]]:
    """Start and size of the fewest equal shares of at most `split`; as that is twice `min_part`, none is too small."""
    count = -(-size // split)
    start = 0
    for share in range(1, count + 1):
        stop = size * share // count
        yield start, stop - start
        start = stop


def _windows_to_build(cuts: Cuts, max_parts: int) -> list[int] | None:
    """The windows that become intermediate objects so that the archive's own upload has at most `max_parts`; None if
    that cannot be.

    A window costs the archive's upload only the parts that its bytes are copied in, and every byte of it one more copy
    on the server: so windows are taken in the order of bytes per part saved, and only as many as needed.
    """
    total = len(cuts) + len(cuts.generated)
    savings: list[tuple[float, int, int]] = []  # bytes per part saved, window, parts saved
    for window, (first, stop, _) in enumerate(cuts.windows()):
        size = cuts.stop_of(stop - 1) - cuts.starts[first]
        saved = stop - first + size // -cuts.split
        if saved > 0:
            savings.append((size / saved, window, saved))
    chosen: list[int] = []
    for _, window, saved in sorted(savings):
        if total <= max_parts:
            break
        chosen.append(window)
        total -= saved
    return sorted(chosen) if total <= max_parts else None


class PartSources:
    """The parts of one archive. Headers hold the CRC-32s that are known."""

    def __init__(self, volume: Volume, layout: Layout, *, cuts: Cuts) -> None:
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
                body = self._body(member, start - layout.body_offset(member), size=stop - start)
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
        return self._body(member, 0, size=self._volume.sizes[member])

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

    def _body(self, member: int, start: int, *, size: int) -> Body:
        entries, row = self._volume.entries, self._volume.rows[member]
        return Body(member, entries.keys[row], entries.etags[row], start, size)
