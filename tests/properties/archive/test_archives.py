from __future__ import annotations

import io
import json
import zipfile
from itertools import pairwise
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.archive.cutting import PartSources
from chalicelib.archive.parts import Copy
from chalicelib.limits import ZipLimits
from tests.support.archives import BARE, TREE, Planned, entries_of, planned, scaled
from tests.support.strict_s3 import built, etag_of

SMALLEST = 150
SIZES = st.one_of(
    st.integers(0, SMALLEST - 1),
    st.integers(SMALLEST, 3 * SMALLEST),
    st.integers(3 * SMALLEST, 12 * SMALLEST),
    st.sampled_from([0, 1, SMALLEST - 1, SMALLEST, 2 * SMALLEST, 3 * SMALLEST]),
)
NAMES = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)
STORES = st.lists(st.tuples(NAMES, SIZES), min_size=1, max_size=14, unique_by=lambda row: row[0])
ZIPS = st.sampled_from(
    [ZipLimits(), ZipLimits(4, 400), ZipLimits(1, 1), ZipLimits(0xFFFF, 60), ZipLimits(3, 0xFFFFFFFF)]
)
S3S = st.sampled_from(
    [
        scaled(SMALLEST),
        scaled(SMALLEST, literal_targets=(SMALLEST,), copy_splits=(2 * SMALLEST,)),
        scaled(SMALLEST, max_parts=16, intermediate_parts=6, copy_splits=(2 * SMALLEST, 40 * SMALLEST)),
        scaled(SMALLEST, literal_entries=1),
    ]
)


def store_of(rows: list[tuple[str, int]]) -> dict[str, bytes]:
    return {key: bytes((n * 31 + i) % 251 for i in range(size)) for n, (key, size) in enumerate(rows)}


@settings(max_examples=250, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S, with_crcs=st.booleans(), brief=st.sampled_from([TREE, BARE]))
def test_running_any_plan_on_a_strict_store_gives_the_archive_that_was_planned(rows, zips, s3, with_crcs, brief):
    store = store_of(rows)
    plan = planned(entries_of(store, with_crcs=with_crcs), s3, zip_limits=zips, brief=brief)

    archive, target = built(plan, store, s3)

    assert len(archive) == plan.layout.size
    assert (target.read, target.gets) == (plan.cost.read, plan.cost.gets)
    assert plan.cost.written + plan.cost.copied == plan.layout.size
    assert_zipfile_reads_it_back(archive, store, plan)


def assert_zipfile_reads_it_back(archive: bytes, store: dict[str, bytes], plan: Planned) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        infos = reader.infolist()
        manifest = infos.pop() if plan.volume.has_manifest else None
        assert [reader.read(info) for info in infos] == list(store.values())
        assert all(info.compress_type == zipfile.ZIP_STORED and info.flag_bits == 0x800 for info in infos)
        if manifest is None:
            assert [info.filename for info in infos] == plan.names
            return
        assert manifest.filename == plan.volume.names.manifest
        listed = json.loads(reader.read(manifest))["files"]
    assert [row["crc32"] for row in listed] == [f"{crc32(body):08x}" for body in store.values()]
    assert [row["name"] for row in listed] == plan.names
    assert [row["key"] for row in listed] == list(store)


@settings(max_examples=250, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S, brief=st.sampled_from([TREE, BARE]))
def test_parts_tile_the_archive_and_respect_every_limit(rows, zips, s3, brief):
    plan = planned(entries_of(store_of(rows)), s3, zip_limits=zips, brief=brief)
    parts = [part for part, _ in PartSources(plan.volume, plan.layout, cuts=plan.cuts).parts()]

    assert [(part.upload, part.number) for part in parts] == list(plan.cuts.numbers())[: len(parts)]
    assert plan.cuts.parts <= s3.max_parts
    bounds = [*plan.cuts.starts, plan.cuts.end]
    assert [part.size for part in parts] == [stop - start for start, stop in pairwise(bounds)]
    assert bounds[0] == 0 or not parts
    assert bounds[-1] <= plan.layout.generated_offset
    assert all(s3.min_part <= part.size <= s3.max_part for part in parts)
    for part, start in zip(parts, plan.cuts.starts, strict=True):
        if isinstance(part, Copy):
            assert start == plan.layout.body_offset(part.body.entry) + part.body.start
            assert part.body.start + part.size <= plan.volume.sizes[part.body.entry]


@settings(max_examples=50, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S)
def test_the_same_files_give_the_same_plan(rows, zips, s3):
    files = entries_of(store_of(rows))
    one, other = (planned(files, s3, zip_limits=zips) for _ in range(2))

    assert (one.layout, one.cuts, one.names) == (other.layout, other.cuts, other.names)


def test_the_etag_of_the_strict_store_is_what_the_plan_pins():
    assert entries_of({"a": b"x"})[0].etag == etag_of(b"x")
