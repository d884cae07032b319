"""Small stores full of files, and limits scaled down to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from random import Random
from zlib import crc32

from chalicelib.archive.archives import ArchiveBrief, ArchivePlan, plan_archives
from chalicelib.archive.entries import RequestedFile
from chalicelib.archive.names import NameLayout
from chalicelib.archive.rules import ZIP, S3Limits, ZipLimits
from tests.unit.archive.executor import Executor, StrictS3, etag_of

TREE = ArchiveBrief(job_id="job-1", created=1_750_000_000, layout=NameLayout.TREE)


def scaled(smallest: int = 100, **changes: object) -> S3Limits:
    """S3 whose smallest part has `smallest` bytes instead of 5 MiB, everything else in proportion."""
    limits: dict[str, object] = {
        "min_part": smallest,
        "max_part": 1024 * smallest,
        "max_parts": 10_000,
        "max_object": 10_000 * 1024 * smallest,
        "literal_targets": (3 * smallest, 6 * smallest, 12 * smallest),
        "copy_splits": (100 * smallest, 200 * smallest, 1024 * smallest),
        "literal_entries": 2_000,
        "stage_parts": 1_000,
    }
    return S3Limits(**{**limits, **changes})  # type: ignore[arg-type]


def stored(sizes: Iterable[int], *, seed: int = 0) -> dict[str, bytes]:
    """A store of files named by their number, with incompressible bodies."""
    random = Random(seed)
    return {f"files/{number:05}.bin": random.randbytes(size) for number, size in enumerate(sizes)}


def requested(store: Mapping[str, bytes], *, with_crcs: bool = False) -> list[RequestedFile]:
    """Every object of the store, as the checker would hand it on."""
    return [
        RequestedFile(
            index,
            key,
            size=len(body),
            etag=etag_of(body),
            modified=1_700_000_000 + index,
            crc32=crc32(body) if with_crcs else None,
        )
        for index, (key, body) in enumerate(store.items())
    ]


def planned(files: list[RequestedFile], s3: S3Limits, *, zip_limits: ZipLimits = ZIP) -> ArchivePlan:
    """The plan of the one archive of these files."""
    (plan,) = plan_archives(files, TREE, zip_limits=zip_limits, s3_limits=s3)
    return plan


def built(plan: ArchivePlan, store: Mapping[str, bytes], s3: S3Limits) -> tuple[bytes, StrictS3]:
    """The archive's bytes after running the plan, and the store that it ran on."""
    target = StrictS3(s3, dict(store))
    return Executor(plan, target).run(), target
