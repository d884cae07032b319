"""Cuts a placement into pieces that S3 takes as parts: literal runs at headers, copied ranges into equal shares.

A literal run is cut in front of headers only, so that one worker sees a literal body whole and knows its CRC-32 when it
writes the header. Only the manifest's body and the directory are cut anywhere. Pieces have no numbers yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chalicelib.archive.layout import Layout
from chalicelib.archive.parts import CopyPart, LiteralPart
from chalicelib.archive.placement import CopiedBody
from chalicelib.archive.rules import S3Limits


class Piece(NamedTuple):
    """A part to be. `entry` is the entry whose body is copied from byte `start` on, None for a literal piece."""

    offset: int
    size: int
    phase: int
    entry: int | None = None
    start: int = 0


@dataclass(frozen=True, slots=True)
class Cutter:
    """Cuts one layout and placement, for any pair of part sizes."""

    layout: Layout
    copied: Sequence[CopiedBody]
    limits: S3Limits

    def fewest_pieces(self) -> int:
        """A lower bound on the pieces for any part sizes: every copied body has a literal run before it."""
        return 2 * len(self.copied) + 1

    def pieces(self, target: int, split: int) -> Iterator[Piece]:
        """The pieces in order: literal ones of about `target` bytes, copied ones of at most `split`."""
        done = offset = 0
        for body in self.copied:
            number = self.layout.order[body.position]
            atoms = self._members(done, body.position)
            atoms.append(self.layout.header_sizes[number] + body.head)
            entry = self.layout.entries[number]
            yield from self._inner_pieces(offset, atoms, target, waits=entry.crc32 is None)
            offset += sum(atoms)
            size = entry.size - body.head
            copied = Piece(offset, size, 1, number, body.head)
            yield from (copied,) if size <= split else _shared(copied, split)
            offset += size
            done = body.position + 1
        yield from self._last_pieces(self._members(done, self.layout.sources), target)

    def _members(self, start: int, stop: int) -> list[int]:
        """The sizes of the entries at the physical positions [start, stop), each of which stays whole."""
        layout = self.layout
        return [layout.header_sizes[n] + layout.entries[n].size for n in layout.order[start:stop]]

    def _inner_pieces(self, offset: int, atoms: list[int], target: int, *, waits: bool) -> Iterator[Piece]:
        """The pieces of a run that a copied body follows: every one reaches `min_part`, as the whole run does.

        `waits`: the CRC-32 in the last header of the run comes from the copies.
        """
        sizes, rest = self._cut(atoms, target) if len(atoms) > 1 else ([], atoms[0])
        if rest < self.limits.min_part and sizes:
            rest += sizes.pop()
        for size in sizes:
            yield Piece(offset, size, 1)
            offset += size
        yield Piece(offset, rest, 2 if waits else 1)

    def _last_pieces(self, atoms: list[int], target: int) -> Iterator[Piece]:
        """The run that ends the archive: members, then the manifest and the directory, which need every CRC-32."""
        layout = self.layout
        sizes, rest = self._cut(atoms, target)
        if rest >= self.limits.min_part:
            sizes.append(rest)
            rest = 0
        generated = layout.generated_offset
        offset = generated - sum(sizes) - rest
        header = sum(layout.header_sizes[layout.sources :])
        sizes += _cut_loose(rest + header, layout.size - generated - header, target)
        for size in sizes:
            yield Piece(offset, size, 3 if offset + size > generated else 1)
            offset += size

    def _cut(self, atoms: Iterable[int], target: int) -> tuple[list[int], int]:
        """Closed pieces, each of `min_part` or more, and the size of the open one."""
        limits = self.limits
        sizes: list[int] = []
        size = count = 0
        for atom in atoms:
            if size >= limits.min_part and (size + atom > target or count >= limits.literal_entries):
                sizes.append(size)
                size = count = 0
            size += atom
            count += 1
        return sizes, size


def _cut_loose(whole: int, loose: int, target: int) -> Iterator[int]:
    """The last pieces: `whole` bytes that stay together, then `loose` ones that are cut anywhere."""
    while whole + loose > target:
        taken = max(0, target - whole)
        yield whole + taken
        whole, loose = 0, loose - taken
    if whole + loose:
        yield whole + loose


def _shared(piece: Piece, split: int) -> Iterator[Piece]:
    for start, size in equal_shares(piece.size, split):
        yield piece._replace(offset=piece.offset + start, size=size, start=piece.start + start)


def equal_shares(size: int, split: int) -> Iterator[tuple[int, int]]:
    """Start and size of the fewest equal shares of at most `split`; as that is twice `min_part`, none is too small."""
    count = -(-size // split)
    start = 0
    for share in range(1, count + 1):
        stop = size * share // count
        yield start, stop - start
        start = stop


def base_part(piece: Piece, upload: int, number: int) -> LiteralPart | CopyPart:
    """The piece as part `number` of `upload`."""
    if piece.entry is None:
        return LiteralPart(upload, number, piece.offset, piece.size, piece.phase)
    return CopyPart(upload, number, piece.offset, piece.size, piece.entry, piece.start)
