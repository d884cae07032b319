"""Small archives: names, stores full of files, limits scaled down to them, and plans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import md5
from random import Random
from typing import Any
from zlib import crc32

from chalicelib.archive.costs import PlanCost, cost_of
from chalicelib.archive.cutting import Cuts, cut_parts
from chalicelib.archive.entries import FOLDER, INCLUDED, Entries, Entry
from chalicelib.archive.layout import Layout, lay_out
from chalicelib.archive.names import Naming, counted_name, name_of_key, settle
from chalicelib.archive.volumes import Brief, Names, RowRange, Volume, cut_volumes
from chalicelib.limits import S3, ZIP, S3Limits, ZipLimits

TREE = Brief("job-1", 1_750_000_000, Naming.TREE)
BARE = Brief("job-1", 1_750_000_000, Naming.TREE, manifest=False)


def unique_names(names: Sequence[str]) -> list[str]:
    """The names, those that clash counted up."""
    counted, _ = settle(enumerate(names), names.__getitem__)
    return [counted_name(name, counted[place]) if place in counted else name for place, name in enumerate(names)]


def names_of(keys: Sequence[str], naming: Naming, *, prefix: str = "") -> list[str]:
    """The names in an archive of these keys."""
    return unique_names([name_of_key(key, naming, prefix=prefix) for key in keys])


def scaled(smallest: int = 100, **changes: Any) -> S3Limits:
    """S3 whose smallest part has `smallest` bytes instead of 5 MiB, everything else in proportion."""
    limits: dict[str, Any] = {
        "min_part": smallest,
        "max_part": 1024 * smallest,
        "max_object": 10_000 * 1024 * smallest,
        "literal_targets": (3 * smallest, 6 * smallest, 12 * smallest),
        "copy_splits": (100 * smallest, 200 * smallest, 1024 * smallest),
    }
    return S3Limits(**{**limits, **changes})


def stored(sizes: Iterable[int], *, seed: int = 0) -> dict[str, bytes]:
    """A store of files named by their number, with incompressible bodies."""
    random = Random(seed)
    return {f"files/{number:05}.bin": random.randbytes(size) for number, size in enumerate(sizes)}


def entries_of(store: Mapping[str, bytes], *, with_crcs: bool = False) -> list[Entry]:
    """Every object of the store, as the checker would have found it."""
    return [
        Entry(
            key,
            state=INCLUDED if body or not key.endswith("/") else FOLDER,
            size=len(body),
            etag=md5(body, usedforsecurity=False).hexdigest(),
            modified=1_700_000_000 + number,
            crc32=crc32(body) if with_crcs else None,
        )
        for number, (key, body) in enumerate(store.items())
    ]


def of_sizes(sizes: Iterable[int | None]) -> list[Entry]:
    """Files of these sizes, without bodies; None: it is missing."""
    return [
        Entry(f"files/{number}.bin", size=size, etag="e")
        if size is not None
        else Entry(f"files/{number}.bin", state="missing", reason="not_found")
        for number, size in enumerate(sizes)
    ]


@dataclass(frozen=True)
class Planned:
    """One archive, planned."""

    volume: Volume
    layout: Layout
    cuts: Cuts
    zip_limits: ZipLimits = ZIP

    @property
    def cost(self) -> PlanCost:
        return cost_of(self.volume, self.layout, cuts=self.cuts)

    @property
    def names(self) -> list[str]:
        return [self.volume.member(number).name for number in range(self.volume.sources)]


def columns_of(entries: Sequence[Entry]) -> Entries:
    columns = Entries()
    columns.extend(entries)
    return columns


def planned(
    entries: Sequence[Entry], s3: S3Limits = S3, *, zip_limits: ZipLimits = ZIP, brief: Brief = TREE
) -> Planned:
    """The plan of the one archive of these files."""
    columns = columns_of(entries)
    return planned_volume(columns, Names.of(columns, brief), RowRange(0, len(columns)), s3=s3, zip_limits=zip_limits)


def planned_volume(
    columns: Entries, names: Names, rows: RowRange, *, s3: S3Limits = S3, zip_limits: ZipLimits = ZIP
) -> Planned:
    volume = Volume.of(columns, names, within=rows)
    layout = lay_out(volume, zip_limits, s3_limits=s3)
    return Planned(volume, layout, cut_parts(volume, layout, limits=s3, zip_limits=zip_limits), zip_limits)


def split(entries: Sequence[Entry], max_bytes: int, zip_limits: ZipLimits = ZIP, brief: Brief = TREE) -> list[Planned]:
    """The plans of the archives that these files are split into."""
    columns = columns_of(entries)
    names = Names.of(columns, brief)
    ranges = cut_volumes(columns, names, max_bytes=max_bytes, limits=zip_limits)
    return [planned_volume(columns, names, rows, zip_limits=zip_limits) for rows in ranges]
