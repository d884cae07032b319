"""The whole way at once: requested files in, the plan of each archive out. Pure: the same files, the same plans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from chalicelib.archive.costs import PlanCost, cost_of
from chalicelib.archive.entries import Entry, RequestedFile, entry_for
from chalicelib.archive.layout import Layout, lay_out, measure_headers
from chalicelib.archive.manifest import Manifest, manifest_entry
from chalicelib.archive.names import NameLayout, archive_names
from chalicelib.archive.parts import Plan
from chalicelib.archive.placement import physical_order
from chalicelib.archive.planning import plan_parts
from chalicelib.archive.rules import S3, ZIP, S3Limits, ZipLimits
from chalicelib.archive.splitting import split_files


@dataclass(frozen=True, slots=True)
class ArchiveBrief:
    """What the client asked the archive to be. `prefix` is cut off the keys in a `tree`; `created` is Unix seconds.

    An archive of more than `max_bytes` is split; None: never.
    """

    job_id: str
    created: int
    layout: NameLayout = NameLayout.FLAT
    prefix: str = ""
    max_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class ArchivePlan:
    """Everything that is known of one archive before its first byte is written, CRC-32s apart."""

    manifest: Manifest
    layout: Layout
    plan: Plan
    cost: PlanCost


def plan_archives(
    files: Sequence[RequestedFile], brief: ArchiveBrief, *, zip_limits: ZipLimits = ZIP, s3_limits: S3Limits = S3
) -> Iterator[ArchivePlan]:
    """The plan of the archive that holds the included files, or of each of the archives it was split into.

    Names are unique over all of them. Raises ArchiveTooLarge if S3 cannot hold one.
    """
    manifest = Manifest(brief.job_id, files, given_names(files, brief), brief.created)
    layout = archive_layout(manifest, zip_limits, s3_limits)
    if brief.max_bytes is None or layout.size <= brief.max_bytes:
        yield plan_archive(manifest, layout, s3_limits)
        return
    del layout  # of the whole: not needed while the parts are planned
    for volume in split_manifest(manifest, brief.max_bytes, zip_limits):
        yield plan_archive(volume, archive_layout(volume, zip_limits, s3_limits), s3_limits)


def given_names(files: Sequence[RequestedFile], brief: ArchiveBrief) -> list[str | None]:
    """The name in the archive of every file, None where it is not included."""
    names = iter(archive_names((file.key for file in files if file.included), brief.layout, prefix=brief.prefix))
    return [next(names) if file.included else None for file in files]


def split_manifest(manifest: Manifest, max_bytes: int, limits: ZipLimits) -> list[Manifest]:
    """The manifests of the archives that a too large one is split into."""
    ranges = list(split_files(manifest, max_bytes, limits))
    return [
        replace(
            manifest,
            files=manifest.files[stretch.start : stretch.stop],
            names=manifest.names[stretch.start : stretch.stop],
            volume=volume,
            volumes=len(ranges),
        )
        for volume, stretch in enumerate(ranges, 1)
    ]


def archive_layout(manifest: Manifest, zip_limits: ZipLimits, s3_limits: S3Limits) -> Layout:
    """The layout of one archive, its bodies in the order that costs least."""
    entries = [*_entries(manifest), manifest_entry(manifest)]
    header_sizes = measure_headers(entries, zip_limits)
    spans = [(header, entry.size) for header, entry in zip(header_sizes, entries, strict=True)]
    order = physical_order(spans[:-1], s3_limits.min_part)
    return lay_out(entries, [*order, len(order)], zip_limits, header_sizes=header_sizes)


def _entries(manifest: Manifest) -> Iterator[Entry]:
    for file, name in zip(manifest.files, manifest.names, strict=True):
        if name is not None:
            yield entry_for(file, name)


def plan_archive(manifest: Manifest, layout: Layout, limits: S3Limits) -> ArchivePlan:
    """The plan of one archive whose layout is decided. Raises ArchiveTooLarge if S3 cannot hold it."""
    plan = plan_parts(layout, limits)
    return ArchivePlan(manifest, layout, plan, cost_of(layout, plan))
