"""Plans with AWS's own limits. No body is ever made: a plan needs only sizes."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.archive.archives import ArchiveBrief, ArchivePlan, plan_archives
from chalicelib.archive.entries import Entry, RequestedFile
from chalicelib.archive.layout import lay_out
from chalicelib.archive.parts import (
    CopyPart,
    LiteralPart,
    StagedPart,
)
from chalicelib.archive.planning import plan_parts
from chalicelib.archive.rules import S3, S3Limits
from chalicelib.archive.waiting import crc_needs
from chalicelib.errors import ArchiveTooLarge
from chalicelib.limits import GiB, KiB, MiB, TiB

BRIEF = ArchiveBrief(job_id="job-1", created=1_750_000_000)


def plan_for(sizes: list[int], limits: S3Limits = S3) -> ArchivePlan:
    files = [RequestedFile(n, f"downloads/{n}.zip", size=size, etag='"e"') for n, size in enumerate(sizes)]
    (plan,) = plan_archives(files, BRIEF, s3_limits=limits)
    return plan


def parts_of(plan: ArchivePlan, kind: type) -> list[Any]:
    return [part for part in plan.plan.base_parts() if isinstance(part, kind)]


@pytest.mark.parametrize(
    ("sizes", "share"),
    [([50 * MiB] * 20, 0.10), ([100 * MiB] * 200, 0.05), ([500 * MiB] * 10, 0.01)],
    ids=["20 x 50 MiB", "200 x 100 MiB", "10 x 500 MiB"],
)
def test_large_files_cost_the_workers_five_mib_each(sizes, share):
    plan = plan_for(sizes)

    assert plan.cost.share == pytest.approx(share, rel=0.002)
    assert plan.cost.read < plan.cost.written < len(sizes) * (5 * MiB + 500)


def test_small_files_between_large_ones_save_the_heads():
    plan = plan_for([50 * MiB] * 10 + [100 * KiB] * 5_000)

    assert plan.cost.read == 5_000 * 100 * KiB


def test_one_huge_file_costs_five_mib():
    plan = plan_for([4900 * GiB])

    assert plan.cost.read < 5 * MiB
    assert len(plan.plan.archive.parts) <= 10_000


def test_one_small_file_is_one_part():
    plan = plan_for([10])

    (part,) = plan.plan.archive.parts
    assert part == LiteralPart(0, 1, 0, plan.layout.size, 3)


@pytest.mark.parametrize("size", [5 * MiB - 1, 5 * MiB, 5 * MiB + 1, 10 * MiB, 15 * MiB - 1, 15 * MiB])
def test_a_lone_file_of_about_the_smallest_part_is_read_where_it_cannot_be_copied(size):
    plan = plan_for([size])

    copied = sum(part.size for part in parts_of(plan, CopyPart))
    assert copied == (size - 5 * MiB + 30 + len("0.zip") if size >= 10 * MiB else 0)


def test_files_of_six_mib_are_read_and_copied_in_turns():
    plan = plan_for([6 * MiB] * 100)

    assert plan.cost.share == pytest.approx(0.5, rel=0.01)


def test_parts_grow_only_as_far_as_ten_thousand_demand():
    assert plan_for([500 * MiB] * 10).plan.copy_split == 512 * MiB
    assert plan_for([4900 * GiB]).plan.copy_split == 512 * MiB
    assert plan_for([5100 * GiB]).plan.copy_split == 1 * GiB
    assert plan_for([40 * TiB]).plan.copy_split == 5 * GiB
    grown = plan_for([1 * MiB] * 3_000, S3Limits(max_parts=100, stage_parts=50))
    assert (grown.plan.literal_target, grown.plan.stages) == (32 * MiB, ())


def test_twenty_thousand_files_of_sixteen_mib_are_one_archive_by_way_of_staging_objects():
    plan = plan_for([16 * MiB] * 20_000)

    assert len(plan.plan.archive.parts) <= 10_000
    assert all(len(stage.parts) <= S3.stage_parts for stage in plan.plan.stages)
    assert plan.cost.share == pytest.approx(5 / 16, rel=0.001)
    assert 0 < plan.cost.staged < plan.layout.size
    staged = [part for part in plan.plan.archive.parts if isinstance(part, StagedPart)]
    assert sum(part.size for part in staged) == sum(stage.size for stage in plan.plan.stages) == plan.cost.staged


def test_no_more_is_staged_than_ten_thousand_parts_demand():
    plan = plan_for([16 * MiB] * 5_200)  # 10,400 parts and a few

    assert len(plan.plan.stages) == 1


def test_every_header_of_a_copied_body_waits_for_all_of_its_copies():
    plan = plan_for([2 * GiB, 50 * MiB, 20 * KiB, 600 * MiB])

    needs = list(crc_needs(plan.plan))
    assert sorted(need.entry for need in needs) == [0, 1, 3]
    for need in needs:
        assert need.head + sum(copied for _, copied in need.copies) == plan.layout.entries[need.entry].size


def test_literal_parts_hold_a_bounded_number_of_bytes_and_entries():
    plan = plan_for([100 * KiB] * 5_000 + [1] * 20_000 + [14 * MiB] * 30)

    assert max(part.size for part in parts_of(plan, LiteralPart)) < 16 * MiB + 5 * MiB


def test_literal_parts_of_tiny_files_are_closed_early():
    sizes = [3 * KiB] * 10_000
    plan = plan_for(sizes)

    assert parts_of(plan, LiteralPart)[0].size // (3 * KiB + 40) <= 2_000


def test_an_archive_past_what_s3_holds_is_refused():
    with pytest.raises(ArchiveTooLarge, match="split it"):
        plan_for([5 * TiB] * 10)


def test_too_many_parts_even_with_staging_are_refused():
    with pytest.raises(ArchiveTooLarge):
        plan_for([20 * MiB] * 2000, S3Limits(max_parts=3, stage_parts=2))


def test_a_layout_without_sources_is_one_literal_part():
    layout = lay_out([], [])

    assert plan_parts(layout).archive.parts == (LiteralPart(0, 1, 0, 22, 3),)


def test_the_manifest_must_come_last():
    source = Entry("a", 1, key="a")

    with pytest.raises(ValueError, match="last"):
        lay_out([Entry("MANIFEST.json", 1), source], [0, 1])
    with pytest.raises(ValueError, match="last"):
        lay_out([source, Entry("MANIFEST.json", 1)], [1, 0])


@pytest.mark.parametrize(
    "changes",
    [
        {"literal_targets": (1 * MiB,)},
        {"copy_splits": (9 * MiB,)},
        {"copy_splits": (6 * GiB,)},
        {"stage_parts": 10_001},
        {"stage_parts": 1},
    ],
)
def test_limits_that_no_plan_could_obey_are_refused(changes):
    with pytest.raises(ValueError, match="part"):
        S3Limits(**changes)
