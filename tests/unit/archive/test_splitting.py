from __future__ import annotations

from itertools import chain

import pytest

from chalicelib.archive.archives import ArchiveBrief, plan_archives
from chalicelib.archive.entries import RequestedFile
from chalicelib.archive.rules import ZIP, ZipLimits
from chalicelib.limits import KiB


def files_of(sizes: list[int | None]) -> list[RequestedFile]:
    return [
        RequestedFile(n, f"files/{n}.bin", size=size, etag='"e"')
        if size is not None
        else RequestedFile(n, f"files/{n}.bin", state="missing", reason="not_found")
        for n, size in enumerate(sizes)
    ]


def split(sizes: list[int | None], max_bytes: int, limits: ZipLimits = ZIP):
    brief = ArchiveBrief(job_id="job-1", created=0, max_bytes=max_bytes)
    return list(plan_archives(files_of(sizes), brief, zip_limits=limits))


def indexes(plans) -> list[list[int]]:
    return [[file.index for file in plan.manifest.files] for plan in plans]


def test_what_fits_is_one_archive():
    assert indexes(split([10 * KiB] * 5, 100 * KiB)) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("limits", [ZIP, ZipLimits(1, 1), ZipLimits(4, 20_000)])
@pytest.mark.parametrize("max_bytes", [11 * KiB, 33 * KiB, 64 * KiB, 65 * KiB])
def test_every_archive_stays_within_the_limit(limits, max_bytes):
    plans = split([10 * KiB, 3 * KiB, None] * 20, max_bytes, limits)

    assert all(plan.layout.size <= max_bytes for plan in plans)
    assert list(chain.from_iterable(indexes(plans))) == list(range(60))
    assert [(plan.manifest.volume, plan.manifest.volumes) for plan in plans] == [
        (volume, len(plans)) for volume in range(1, len(plans) + 1)
    ]


def test_the_limit_itself_is_allowed_and_one_byte_less_splits():
    (whole,) = split([10 * KiB] * 5, 1000 * KiB)

    assert len(split([10 * KiB] * 5, whole.layout.size)) == 1
    assert len(split([10 * KiB] * 5, whole.layout.size - 1)) == 2


def test_a_file_above_the_limit_gets_an_archive_of_its_own():
    plans = split([KiB, 100 * KiB, KiB], 50 * KiB)

    assert indexes(plans) == [[0], [1], [2]]
    assert [plan.layout.size > 50 * KiB for plan in plans] == [False, True, False]


def test_missing_files_stay_with_their_neighbours():
    plans = split([None, 100 * KiB, None, KiB], 50 * KiB)

    assert indexes(plans) == [[0, 1], [2, 3]]


def test_names_are_unique_over_all_archives():
    files = [RequestedFile(n, f"{n}/same.bin", size=KiB, etag='"e"') for n in range(4)]
    plans = plan_archives(files, ArchiveBrief(job_id="job-1", created=0, max_bytes=3 * KiB))

    names = [name for plan in plans for name in plan.manifest.names]
    assert names == ["same.bin", "same (2).bin", "same (3).bin", "same (4).bin"]
