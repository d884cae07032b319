"""Parts with AWS's own limits. No body is ever made: a plan needs only sizes."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest

from chalicelib.archive.cutting import Cuts, PartSources, equal_shares
from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.entries import Entry
from chalicelib.archive.parts import Copy, Literal
from chalicelib.archive.volumes import Brief
from chalicelib.errors import ArchiveTooLarge
from chalicelib.limits import S3, GiB, KiB, MiB, S3Limits, TiB
from tests.support.archives import Planned, of_sizes, planned

BRIEF = Brief("job-1", 1_750_000_000)


def plan_for(sizes: list[int], limits: S3Limits = S3) -> Planned:
    return planned(of_sizes(sizes), limits, brief=BRIEF)


def parts_of(plan: Planned) -> list[Copy | Literal]:
    return [part for part, _ in PartSources(plan.volume, plan.layout, cuts=plan.cuts).parts()]


def sizes_of(plan: Planned, *, copied: bool) -> list[int]:
    return [part.size for part in parts_of(plan) if isinstance(part, Copy) == copied]


@pytest.mark.parametrize(
    ("sizes", "share"),
    [([50 * MiB] * 20, 0.10), ([100 * MiB] * 200, 0.05), ([500 * MiB] * 10, 0.01)],
    ids=["20 x 50 MiB", "200 x 100 MiB", "10 x 500 MiB"],
)
def test_large_files_cost_the_workers_five_mib_each(sizes: list[int], share: float):
    plan = plan_for(sizes)

    assert plan.cost.share == pytest.approx(share, rel=0.002)
    assert plan.cost.read < plan.cost.written < len(sizes) * (5 * MiB + 500)


def test_small_files_between_large_ones_save_the_heads():
    plan = plan_for([50 * MiB] * 10 + [100 * KiB] * 5_000)

    assert plan.cost.read == 5_000 * 100 * KiB


def test_one_huge_file_costs_five_mib():
    plan = plan_for([4900 * GiB])

    assert plan.cost.read < 5 * MiB
    assert plan.cuts.parts <= 10_000


def test_one_small_file_is_one_part():
    plan = plan_for([10])

    assert (len(plan.cuts), plan.cuts.parts) == (0, 1)
    assert list(plan.cuts.numbers()) == [(0, 1)]


@pytest.mark.parametrize("size", [5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 10 * MiB, 15 * MiB - 1, 15 * MiB])
def test_a_lone_file_of_about_the_smallest_part_is_read_where_it_cannot_be_copied(size: int):
    copied = sum(sizes_of(plan_for([size]), copied=True))

    assert copied == (size - 5 * MiB + 30 + len("0.bin") + 9 if size >= 10 * MiB else 0)


def test_files_of_six_mib_are_read_and_copied_in_turns():
    assert plan_for([6 * MiB] * 100).cost.share == pytest.approx(0.5, rel=0.01)


def test_parts_grow_only_as_far_as_ten_thousand_demand():
    assert plan_for([500 * MiB] * 10).cuts.split == 512 * MiB
    assert plan_for([4900 * GiB]).cuts.split == 512 * MiB
    assert plan_for([5100 * GiB]).cuts.split == 1 * GiB
    assert plan_for([40 * TiB]).cuts.split == 5 * GiB
    grown = plan_for([1 * MiB] * 3_000, S3Limits(max_parts=100, intermediate_parts=50)).cuts
    assert (grown.target, len(grown.intermediates)) == (32 * MiB, 0)


def test_twenty_thousand_files_of_sixteen_mib_are_one_archive_by_way_of_intermediate_objects():
    plan = plan_for([16 * MiB] * 20_000)

    assert plan.cuts.parts <= 10_000
    assert plan.cost.share == pytest.approx(5 / 16, rel=0.001)
    assert 0 < plan.cost.joined < plan.layout.size
    built = [(upload, number) for upload, number in plan.cuts.numbers() if upload]
    assert max(number for _, number in built) <= S3.intermediate_parts
    assert {upload for upload, _ in built} == set(range(1, 1 + len(plan.cuts.intermediates)))
    joined = {join.upload: 0 for join in plan.cuts.joins()}
    for join in plan.cuts.joins():
        assert join.start == joined[join.upload]
        joined[join.upload] += join.size
    assert sum(joined.values()) == plan.cost.joined == sum(part.size for part in parts_of(plan) if part.upload)


def test_numbers_of_the_archives_own_upload_have_no_gaps():
    plan = plan_for([16 * MiB] * 20_000)

    own = [number for upload, number in plan.cuts.numbers() if upload == 0]
    joins = [join.number for join in plan.cuts.joins()]
    assert sorted(own + joins) == list(range(1, plan.cuts.parts + 1))


def test_no_more_is_built_as_an_intermediate_object_than_ten_thousand_parts_demand():
    plan = plan_for([16 * MiB] * 5_200)  # 10,400 parts and a few

    assert len(plan.cuts.intermediates) == 1


def test_literal_parts_hold_a_bounded_number_of_bytes_and_entries():
    plan = plan_for([100 * KiB] * 5_000 + [1] * 20_000 + [14 * MiB] * 30)

    assert max(sizes_of(plan, copied=False)) < 16 * MiB + 5 * MiB


def test_literal_parts_of_tiny_files_are_closed_early():
    plan = plan_for([3 * KiB] * 10_000)

    assert sizes_of(plan, copied=False)[0] // (3 * KiB + 30 + len("1999.bin") + 9) <= 2_000


def test_the_manifest_and_the_directory_are_cut_into_parts_too():
    cuts = planned([Entry(f"files/{number:0240}", size=0) for number in range(90_000)], brief=BRIEF).cuts

    assert len(cuts.generated) > 3
    assert all(after > before for before, after in pairwise(cuts.generated))


def test_an_archive_past_what_s3_holds_is_refused():
    with pytest.raises(ArchiveTooLarge, match="split it"):
        plan_for([5 * TiB] * 10)


def test_too_many_parts_even_with_intermediate_objects_are_refused():
    with pytest.raises(ArchiveTooLarge):
        plan_for([20 * MiB] * 2000, S3Limits(max_parts=3, intermediate_parts=2))


def test_an_archive_without_files_is_its_manifest():
    assert plan_for([]).cuts.parts == 1


def test_any_part_is_found_without_those_before_it():
    plan = plan_for([50 * MiB, 100 * KiB, 16 * MiB, 7, 0, 600 * MiB])
    sources = PartSources(plan.volume, plan.layout, cuts=plan.cuts)

    parts = list(sources.parts())
    for first in range(len(parts) + 1):
        assert list(sources.parts(first)) == parts[first:]


def test_cuts_survive_being_stored():
    cuts = plan_for([16 * MiB] * 6_000).cuts

    assert decode(encode(cuts), Cuts) == cuts


def test_shares_are_equal_and_never_too_small():
    for size in range(10, 200):
        shares = list(equal_shares(size, 20))
        assert sum(share for _, share in shares) == size
        assert max(share for _, share in shares) <= 20
        assert min(share for _, share in shares) >= 10


@pytest.mark.parametrize(
    "changes",
    [
        {"literal_targets": (1 * MiB,)},
        {"copy_splits": (9 * MiB,)},
        {"copy_splits": (6 * GiB,)},
        {"intermediate_parts": 10_001},
        {"intermediate_parts": 1},
    ],
)
def test_limits_that_no_plan_could_obey_are_refused(changes: dict[str, Any]):
    with pytest.raises(ValueError, match="part"):
        S3Limits(**changes)
