"""A medium body next to large ones: the tail of one body fills the run before the next."""

from __future__ import annotations

import io
import zipfile

from chalicelib.archive.archives import ArchivePlan, plan_archive
from chalicelib.archive.cutting import equal_shares
from chalicelib.archive.entries import entry_for
from chalicelib.archive.layout import lay_out
from chalicelib.archive.manifest import Manifest, manifest_entry
from chalicelib.archive.rules import ZIP
from chalicelib.archive.waiting import crc_needs
from tests.unit.archive.shapes import built, requested, scaled, stored

S3 = scaled(1_000)
SIZES = [5_000, 300, 1_500, 250, 1_400]  # the small ones leave runs that the medium bodies' heads cannot fill


def plan_in_the_order_of_the_request(store: dict[str, bytes]) -> ArchivePlan:
    files = requested(store)
    manifest = Manifest("job-1", files, list(store))
    entries = [*(entry_for(file, file.key) for file in files), manifest_entry(manifest)]
    return plan_archive(manifest, lay_out(entries, range(len(entries)), ZIP), S3)


def test_a_tail_is_carried_where_the_next_head_does_not_suffice_and_read_again_for_its_crc():
    store = stored(SIZES)
    plan = plan_in_the_order_of_the_request(store)

    tails = [plan.layout.entries[need.entry].size - need.tail for need in crc_needs(plan.plan)]
    assert any(tails)
    archive, target = built(plan, store, S3)
    assert (target.read, target.gets) == (plan.cost.read, plan.cost.gets)
    with zipfile.ZipFile(io.BytesIO(archive)) as reader:
        assert reader.testzip() is None
        assert [reader.read(key) for key in store] == list(store.values())


def test_shares_are_equal_and_never_too_small():
    for size in range(10, 200):
        shares = list(equal_shares(size, 20))
        assert sum(share for _, share in shares) == size
        assert max(share for _, share in shares) <= 20
        assert min(share for _, share in shares) >= 10
