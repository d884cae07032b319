from __future__ import annotations

from itertools import chain

import pytest

from chalicelib.archive.entries import Entry
from chalicelib.archive.layout import lay_out
from chalicelib.archive.names import Naming
from chalicelib.archive.volumes import Brief, Names, RowRange, Volume, cut_volumes
from chalicelib.limits import ZIP, KiB, ZipLimits
from tests.support.archives import BARE, TREE, Planned, columns_of, of_sizes, split

FLAT = Brief("job-1", 0, Naming.FLAT)


def rows(plans: list[Planned]) -> list[list[int]]:
    return [list(range(plan.volume.range.start, plan.volume.range.stop)) for plan in plans]


def test_what_fits_is_one_archive():
    assert rows(split(of_sizes([10 * KiB] * 5), 100 * KiB)) == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("limits", [ZIP, ZipLimits(1, 1), ZipLimits(4, 20_000)])
@pytest.mark.parametrize("max_bytes", [11 * KiB, 33 * KiB, 64 * KiB, 65 * KiB])
def test_every_archive_stays_within_the_limit(limits: ZipLimits, max_bytes: int):
    plans = split(of_sizes([10 * KiB, 3 * KiB, None] * 20), max_bytes, limits)

    assert all(plan.layout.size <= max_bytes for plan in plans)
    assert list(chain.from_iterable(rows(plans))) == list(range(60))
    numbers = [(plan.volume.range.number, plan.volume.range.archives) for plan in plans]
    assert numbers == [(number, len(plans)) for number in range(1, len(plans) + 1)]


def test_a_file_above_the_limit_gets_an_archive_of_its_own():
    plans = split(of_sizes([KiB, 100 * KiB, KiB]), 50 * KiB)

    assert rows(plans) == [[0], [1], [2]]
    assert [plan.layout.size > 50 * KiB for plan in plans] == [False, True, False]


def test_missing_files_stay_with_their_neighbours():
    assert rows(split(of_sizes([None, 100 * KiB, None, KiB]), 50 * KiB)) == [[0, 1], [2, 3]]


@pytest.mark.parametrize("max_bytes", [11 * KiB, 33 * KiB, 64 * KiB])
def test_every_archive_without_manifest_stays_within_the_limit_too(max_bytes: int):
    plans = split(of_sizes([10 * KiB, 3 * KiB, None] * 20), max_bytes, brief=BARE)

    assert all(plan.layout.size <= max_bytes for plan in plans)
    assert list(chain.from_iterable(rows(plans))) == list(range(60))


def test_files_that_are_not_there_make_no_archive_without_a_manifest_to_list_them():
    assert rows(split(of_sizes([100 * KiB, None, None]), 50 * KiB, brief=BARE)) == [[0, 1, 2]]


def test_without_a_manifest_its_name_is_anyones():
    (plan,) = split([Entry("MANIFEST.json", size=3, etag="e"), Entry("a", size=0, etag="e")], KiB, brief=BARE)

    assert plan.names == ["MANIFEST.json", "a"]
    assert list(plan.volume.sizes) == [3, 0]
    assert plan.layout.generated_offset == plan.layout.directory_offset


def test_names_are_unique_over_all_archives():
    files = [Entry(f"{number}/same.bin", size=KiB, etag="e") for number in range(4)]
    plans = split(files, 3 * KiB, brief=FLAT)

    assert len(plans) > 1
    names = [name for plan in plans for name in plan.names]
    assert names == ["same.bin", "same (2).bin", "same (3).bin", "same (4).bin"]


def test_members_are_numbered_without_the_files_that_are_not_included():
    columns = columns_of(of_sizes([None, 5, None, 7]))
    volume = Volume.of(columns, Names.of(columns, TREE), within=RowRange(0, 4))

    assert list(volume.rows) == [1, 3]
    assert [volume.member(number).size for number in range(2)] == [5, 7]
    assert volume.member(2).name == "MANIFEST.json"
    assert [volume.number_at(row) for row in range(5)] == [0, 0, 1, 1, 2]


def test_the_sizes_by_which_archives_are_cut_are_at_most_some_bytes_an_entry_too_high():
    columns = columns_of(of_sizes([10 * KiB] * 50))
    names = Names.of(columns, TREE)
    size = lay_out(Volume.of(columns, names, within=RowRange(0, 50))).size

    assert len(cut_volumes(columns, names, max_bytes=size)) == 2
    assert len(cut_volumes(columns, names, max_bytes=size + 50 * 28 + 200)) == 1


@pytest.mark.parametrize(
    ("name", "is_long"),
    [("f/" * 119 + "ab", False), ("f/" * 119 + "abc", True), ("é/" * 119 + "ab", False), ("😀/" * 79 + "abcd", True)],
    ids=["240", "241", "240 of two bytes", "241 UTF-16 units"],
)
def test_paths_that_windows_cannot_extract_are_counted(name, is_long):
    columns = columns_of([Entry(name, size=1, etag="e"), Entry("short", size=1, etag="e")])
    volume = Volume.of(columns, Names.of(columns, TREE), within=RowRange(0, 2))

    assert volume.long_paths == is_long
