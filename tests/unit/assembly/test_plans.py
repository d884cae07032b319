"""Plans as they are stored: many blobs to an object, each read by itself."""

from __future__ import annotations

import random

import msgspec
import pytest
from msgspec.structs import replace

from chalicelib.archive.encoding import decode, encode
from chalicelib.archive.generated import Generated
from chalicelib.archive.parts import encode_chunk
from chalicelib.assembly.model import MultipartUpload, Phase
from chalicelib.assembly.plans import (
    INLINE_BYTES,
    OBJECT_BLOBS,
    OBJECT_BYTES,
    GeneratedPart,
    PlanReader,
    PlanWriter,
    StagingArea,
    StoredPlan,
    Uploads,
)
from chalicelib.errors import StorageUnavailable, UnknownFormat
from tests.support.assembly_world import SMALL
from tests.support.builders import archive
from tests.support.executors import SerialExecutor
from tests.support.fake_assembly import FakeStore


class CountingStore(FakeStore):
    gets = 0

    def get(self, key: str) -> bytes:
        self.gets += 1
        return super().get(key)


def area(store: FakeStore, place: str = "staging/job/1/token/") -> StagingArea:
    return StagingArea(store, SerialExecutor(), place)


def blobs(count: int, size: int = 100) -> list[bytes]:
    chance = random.Random(count)
    return [chance.randbytes(chance.randrange(1, size)) for _ in range(count)]


@pytest.mark.parametrize(
    ("count", "size"), [(1, 10), (OBJECT_BLOBS, 10), (3 * OBJECT_BLOBS + 7, 200), (40, OBJECT_BYTES // 5)]
)
def test_every_blob_is_read_as_it_was_written(count: int, size: int) -> None:
    store, wanted = FakeStore(SMALL), blobs(count, size)
    writer = PlanWriter(area(store), StoredPlan())
    numbers = [writer.add(blob) for blob in wanted]
    plan = archive(plan=writer.finish(), intermediates=None)

    reader = PlanReader(store)
    assert [reader.blob(plan, number) for number in numbers] == wanted
    stored = reader.plan(plan)
    assert (not stored.objects) == (sum(map(len, wanted)) <= INLINE_BYTES and count < OBJECT_BLOBS)


def test_a_small_plan_is_one_object() -> None:
    store = FakeStore(SMALL)
    writer = PlanWriter(area(store), StoredPlan())
    writer.add(b"chunk")
    key = writer.finish()

    assert list(store.objects) == [key]


def test_24_000_chunks_lie_in_at_most_50_objects() -> None:
    store = FakeStore(SMALL)
    writer = PlanWriter(area(store), StoredPlan())
    for number in range(24_000):
        writer.set_chunk(Phase.BODY, number, blob=writer.add(b"%d" % number * 100))
    plan = archive(plan=writer.finish(), intermediates=None)

    assert len(store.objects) <= 50
    reader = PlanReader(store)
    stored = reader.plan(plan)
    for number in (0, 1, 511, 512, 12_345, 23_999):
        assert reader.blob(plan, stored.chunks[Phase.BODY][number]) == b"%d" % number * 100


def test_another_message_adds_to_a_plan_that_is_left() -> None:
    store, wanted = FakeStore(SMALL), blobs(900)
    state = StoredPlan()
    for attempt in range(9):
        writer = PlanWriter(area(store, f"staging/job/1/{attempt}/"), state)
        for number in range(100):
            writer.set_chunk(Phase.BODY, 100 * attempt + number, blob=writer.add(wanted[100 * attempt + number]))
        writer.flush()
        state = decode(encode(writer.plan), StoredPlan)
    plan = archive(plan=PlanWriter(area(store, "staging/job/1/last/"), state).finish())

    reader = PlanReader(store)
    assert [reader.blob(plan, number) for number in reader.plan(plan).chunks[Phase.BODY]] == wanted


def test_chunks_are_numbered_in_any_order() -> None:
    store = FakeStore(SMALL)
    writer = PlanWriter(area(store), StoredPlan())
    for number in (2, 0, 1):
        writer.set_chunk(Phase.BODY, number, blob=writer.add(encode_chunk(())))
    assert list(writer.plan.chunks[Phase.BODY]) == [1, 2, 0]


def test_a_write_that_failed_is_noticed() -> None:
    store = FakeStore(SMALL)
    writer = PlanWriter(area(store), StoredPlan())
    store.down = True
    writer.add(b"x" * OBJECT_BYTES)
    with pytest.raises(StorageUnavailable):
        writer.flush()


def test_a_worker_reads_a_plan_once() -> None:
    store = CountingStore(SMALL)
    writer = PlanWriter(area(store), StoredPlan())
    writer.set_chunk(Phase.BODY, 0, blob=writer.add(encode_chunk(())))
    plan = archive(plan=writer.finish(), intermediates=None)
    store.put("staging/uploads", encode(Uploads((MultipartUpload("a", "1"), MultipartUpload("b", "2")))))
    plan = replace(plan, intermediates="staging/uploads")

    reader = PlanReader(store)
    for _ in range(3):
        assert reader.chunk(plan, Phase.BODY, number=0) == ()
        assert [reader.upload(plan, number) for number in range(3)] == [
            plan.upload,
            MultipartUpload("a", "1"),
            MultipartUpload("b", "2"),
        ]
    assert store.gets == 2


def test_a_plan_of_other_code_is_not_read() -> None:
    store = FakeStore(SMALL)
    store.put("plan", msgspec.msgpack.encode({"v": 99, "objects": []}))
    with pytest.raises(UnknownFormat, match="StoredPlan"):
        PlanReader(store).plan(archive(plan="plan"))


def test_a_part_is_the_manifest_s_alone_if_nothing_else_is_in_it() -> None:
    only = GeneratedPart(1, 10, (), Generated(0, 10, 0, 0, 0, 0), 0, 0)
    assert only.manifest_only
    assert not GeneratedPart(1, 11, (), Generated(1, 10, 0, 0, 0, 0), 0, 0).manifest_only
