from __future__ import annotations

import io
import json
import zipfile
from itertools import pairwise
from zlib import crc32

from hypothesis import given, settings
from hypothesis import strategies as st

from chalicelib.archive.archives import ArchivePlan
from chalicelib.archive.parts import CopyPart, LiteralPart
from chalicelib.archive.rules import S3Limits, ZipLimits
from tests.unit.archive.executor import etag_of
from tests.unit.archive.shapes import built, planned, requested, scaled

SMALLEST = 150
SIZES = st.one_of(
    st.integers(0, SMALLEST - 1),
    st.integers(SMALLEST, 3 * SMALLEST),
    st.integers(3 * SMALLEST, 12 * SMALLEST),
    st.sampled_from([0, 1, SMALLEST - 1, SMALLEST, 2 * SMALLEST, 3 * SMALLEST]),
)
NAMES = st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12)
STORES = st.lists(st.tuples(NAMES, SIZES), min_size=1, max_size=14, unique_by=lambda row: row[0])
ZIPS = st.sampled_from(
    [ZipLimits(), ZipLimits(4, 400), ZipLimits(1, 1), ZipLimits(0xFFFF, 60), ZipLimits(3, 0xFFFFFFFF)]
)
S3S = st.sampled_from(
    [
        scaled(SMALLEST),
        scaled(SMALLEST, literal_targets=(SMALLEST,), copy_splits=(2 * SMALLEST,)),
        scaled(SMALLEST, max_parts=16, stage_parts=6, copy_splits=(2 * SMALLEST, 40 * SMALLEST)),
        scaled(SMALLEST, literal_entries=1),
    ]
)


def store_of(rows: list[tuple[str, int]]) -> dict[str, bytes]:
    return {key: bytes((n * 31 + i) % 251 for i in range(size)) for n, (key, size) in enumerate(rows)}


@settings(max_examples=250, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S, with_crcs=st.booleans())
def test_running_any_plan_on_a_strict_store_gives_the_archive_that_was_planned(rows, zips, s3, with_crcs):
    store = store_of(rows)
    plan = planned(requested(store, with_crcs=with_crcs), s3, zip_limits=zips)

    archive, target = built(plan, store, s3)

    assert len(archive) == plan.layout.size
    assert_costs_as_reported(plan, target, with_crcs=with_crcs)
    assert_zipfile_reads_it_back(archive, store, plan)


def assert_costs_as_reported(plan: ArchivePlan, target, *, with_crcs: bool) -> None:
    cost = plan.cost
    assert (target.read, target.gets) == (cost.read, cost.gets)
    assert cost.written + cost.copied == plan.layout.size
    if with_crcs:
        assert all(part.phase != 2 for part in plan.plan.base_parts() if isinstance(part, LiteralPart))


def assert_zipfile_reads_it_back(archive: bytes, store: dict[str, bytes], plan: ArchivePlan) -> None:
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        *infos, manifest = reader.infolist()
        assert [reader.read(info) for info in infos] == list(store.values())
        assert all(info.compress_type == zipfile.ZIP_STORED and info.flag_bits == 0x800 for info in infos)
        assert manifest.filename == "MANIFEST.json"
        listed = json.loads(reader.read(manifest))["files"]
    assert [row["crc32"] for row in listed] == [f"{crc32(body):08x}" for body in store.values()]
    assert [row["name"] for row in listed] == [entry.name for entry in plan.layout.entries[:-1]]
    assert [row["key"] for row in listed] == list(store)


@settings(max_examples=250, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S)
def test_parts_tile_every_upload_and_respect_every_limit(rows, zips, s3):
    plan = planned(requested(store_of(rows)), s3, zip_limits=zips)

    for upload in plan.plan.uploads:
        assert [part.number for part in upload.parts] == list(range(1, len(upload.parts) + 1))
        assert len(upload.parts) <= s3.max_parts
        assert upload.parts[0].offset == upload.offset
        assert all(a.offset + a.size == b.offset for a, b in pairwise(upload.parts))
        assert upload.parts[-1].offset + upload.parts[-1].size == upload.offset + upload.size
        assert all(s3.min_part <= part.size <= s3.max_part for part in upload.parts[:-1])
    assert plan.plan.archive.size == plan.layout.size
    assert_copies_stay_within_one_body(plan, s3)


def assert_copies_stay_within_one_body(plan: ArchivePlan, s3: S3Limits) -> None:
    for part in plan.plan.base_parts():
        if isinstance(part, CopyPart):
            assert part.size >= s3.min_part
            assert part.offset == plan.layout.body_offset(part.entry) + part.start
            assert part.offset + part.size <= plan.layout.end_of(part.entry)


@settings(max_examples=50, deadline=None)
@given(rows=STORES, zips=ZIPS, s3=S3S)
def test_the_same_files_give_the_same_plan(rows, zips, s3):
    files = requested(store_of(rows))

    assert planned(files, s3, zip_limits=zips) == planned(list(files), s3, zip_limits=zips)


def test_the_etag_of_the_strict_store_is_what_the_plan_pins():
    assert requested({"a": b"x"})[0].etag == etag_of(b"x")
