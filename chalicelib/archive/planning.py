"""From a layout to the plan: which parts, of which uploads, S3 is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import product

from chalicelib.archive.cutting import Cutter, Piece, base_part
from chalicelib.archive.layout import Layout
from chalicelib.archive.parts import ARCHIVE_UPLOAD, Plan, Upload
from chalicelib.archive.placement import copied_bodies
from chalicelib.archive.rules import S3, S3Limits
from chalicelib.archive.staging import plan_with_stages
from chalicelib.errors import ArchiveTooLarge


def plan_parts(layout: Layout, limits: S3Limits = S3) -> Plan:
    """The parts of one archive: the bodies that `placement` chose are copied, the rest passes through workers.

    Parts have the sizes that `limits` starts with, and larger ones as far as `max_parts` demands; where no size is
    enough, stretches of the archive become staging objects. Raises ArchiveTooLarge if S3 cannot hold it. Same layout
    and limits, same plan.
    """
    if layout.size > limits.max_object:
        raise ArchiveTooLarge(size=layout.size, limit=limits.max_object)
    cutter = _cutter(layout, limits)
    if cutter.fewest_pieces() > limits.max_parts:
        return plan_with_stages(cutter, limits)
    for target, split in _sizes_to_try(cutter, limits):
        if _count(cutter.pieces(target, split)) <= limits.max_parts:
            return _one_upload(cutter, target, split)
    return plan_with_stages(cutter, limits)


def _cutter(layout: Layout, limits: S3Limits) -> Cutter:
    sources = layout.sources
    spans = [(layout.header_sizes[n], layout.entries[n].size) for n in layout.order[:sources]]
    return Cutter(layout, tuple(copied_bodies(spans, limits.min_part)), limits)


def _sizes_to_try(cutter: Cutter, limits: S3Limits) -> Iterator[tuple[int, int]]:
    """Pairs of literal target and copy split from the smallest on, unless not even the largest would do."""
    targets, splits = limits.literal_targets, limits.copy_splits
    yield targets[0], splits[0]
    if _count(cutter.pieces(targets[-1], splits[-1])) > limits.max_parts:
        return
    steps = sorted(product(range(len(targets)), range(len(splits))), key=lambda step: (sum(step), step))
    for target, split in steps[1:]:
        yield targets[target], splits[split]


def _count(pieces: Iterable[Piece]) -> int:
    return sum(1 for _ in pieces)


def _one_upload(cutter: Cutter, target: int, split: int) -> Plan:
    pieces = cutter.pieces(target, split)
    parts = tuple(base_part(piece, ARCHIVE_UPLOAD, number) for number, piece in enumerate(pieces, 1))
    return Plan(Upload(ARCHIVE_UPLOAD, 0, cutter.layout.size, parts), (), target, split)
