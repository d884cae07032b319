"""What the simulated store does that no emulator does when asked: refusals by object, archives, outages, late effects.

That its answers are S3's is shown by tests/contracts/simulation.
"""

from __future__ import annotations

import base64
import hashlib
import random
import zlib
from functools import partial
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.simulation.client import SimulatedClient
from tests.simulation.environment import Alone, Scheduled
from tests.simulation.faults import Fault, Faults
from tests.simulation.s3.content import BLOCK, Content
from tests.simulation.s3.objects import Refusal, StoredObject
from tests.simulation.s3.service import SimulatedS3
from tests.simulation.scheduler import Scheduler

BUCKET = "files"
GIB = 1024**3
RAW = Config(
    retries={"total_max_attempts": 1},
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)


class World:
    """A store with a bucket, and a client."""

    def __init__(self, config: Config = RAW, **faults: float) -> None:
        self.environment = Alone(faults=Faults(5))
        self.service = SimulatedS3(self.environment, min_part=10)
        self.client: Any = SimulatedClient(self.service, config)
        self.client.create_bucket(Bucket=BUCKET)
        self.environment.faults.probabilities = {Fault[name]: value for name, value in faults.items()}

    @property
    def objects(self) -> dict[str, StoredObject]:
        return self.service.buckets[BUCKET].objects

    def put(self, key: str = "a", body: bytes = b"0123456789", **more: Any) -> Any:
        return self.client.put_object(Bucket=BUCKET, Key=key, Body=body, **more)

    def put_content(self, content: Content, key: str = "a") -> None:
        stored = StoredObject(key, content, content.md5().hex(), self.environment.now_ms())
        self.service.buckets[BUCKET].put(stored)

    def get(self, key: str = "a", **more: Any) -> bytes:
        body: bytes = self.client.get_object(Bucket=BUCKET, Key=key, **more)["Body"].read()
        return body

    def upload(self, key: str = "a", **more: Any) -> dict[str, str]:
        upload_id = self.client.create_multipart_upload(Bucket=BUCKET, Key=key, **more)["UploadId"]
        return {"Bucket": BUCKET, "Key": key, "UploadId": upload_id}


# --- content that is not held


@pytest.mark.parametrize("size", [0, 1, 100, BLOCK - 1, BLOCK, BLOCK + 1, 7 * BLOCK + 5])
@pytest.mark.parametrize("start", [0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 17])
def test_made_content_has_bytes_a_checksum_and_slices(size: int, start: int) -> None:
    whole = Content.made(12 * BLOCK, seed=3)
    part = whole.slice(start, size)
    body = whole.read()[start : start + size]
    assert (part.size, part.read(), part.crc32()) == (size, body, zlib.crc32(body))
    assert part.md5() == hashlib.md5(body).digest()


def test_content_of_many_pieces_is_that_of_their_bytes() -> None:
    chance = random.Random(4)
    pieces = [Content.made(chance.randrange(3 * BLOCK), seed) for seed in range(6)]
    pieces += [Content.of(chance.randbytes(chance.randrange(1000))) for _ in range(6)]
    chance.shuffle(pieces)
    joined, body = Content.joined(pieces), b"".join(piece.read() for piece in pieces)
    assert (joined.size, joined.read(), joined.crc32()) == (len(body), body, zlib.crc32(body))
    for _ in range(20):
        start = chance.randrange(len(body))
        size = chance.randrange(len(body) - start)
        assert joined.slice(start, size).read() == joined.read(start, size) == body[start : start + size]
        assert joined.slice(start, size).crc32() == zlib.crc32(body[start : start + size])


def test_content_of_terabytes_costs_nothing() -> None:
    large = Content.made(5 * 1024 * GIB, seed=1)
    other = Content.joined([large.slice(0, GIB), large.slice(GIB, large.size - GIB)])
    assert large.crc32() == other.crc32()
    assert large.read(large.size - 5, 5) == other.read(large.size - 5, 5)
    assert large.md5() != Content.made(large.size, seed=2).md5()


def test_an_archive_of_copies_holds_no_bytes() -> None:
    world = World()
    world.put_content(Content.made(20 * GIB, seed=1), "source")
    upload = world.upload(ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    parts = []
    for number in range(1, 5):
        first = (number - 1) * 5 * GIB
        copy = {
            "CopySource": {"Bucket": BUCKET, "Key": "source"},
            "CopySourceRange": f"bytes={first}-{first + 5 * GIB - 1}",
        }
        result = world.client.upload_part_copy(**upload, PartNumber=number, **copy)["CopyPartResult"]
        parts.append({"PartNumber": number, **{name: result[name] for name in ("ETag", "ChecksumCRC32")}})
    world.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    head = world.client.head_object(Bucket=BUCKET, Key="a", ChecksumMode="ENABLED")
    crc = base64.b64encode(Content.made(20 * GIB, seed=1).crc32().to_bytes(4, "big")).decode()
    assert (head["ContentLength"], head["ChecksumCRC32"]) == (20 * GIB, crc)
    assert world.get(Range=f"bytes={7 * GIB}-{7 * GIB + 9}") == Content.made(20 * GIB, seed=1).read(7 * GIB, 10)


def test_a_body_is_read_as_a_stream() -> None:
    world = World()
    world.put_content(Content.made(10 * BLOCK, seed=1))
    pieces = list(world.client.get_object(Bucket=BUCKET, Key="a")["Body"].iter_chunks(BLOCK))
    assert [len(piece) for piece in pieces] == [BLOCK] * 10


# --- what the SDK adds


def test_checksums_are_sent_by_default_and_left_out_where_they_are_not_required() -> None:
    crc = base64.b64encode(zlib.crc32(b"0123456789").to_bytes(4, "big")).decode()
    for config, expected in ((Config(), crc), (RAW, None)):
        world = World(config)
        world.put()
        head = world.client.head_object(Bucket=BUCKET, Key="a", ChecksumMode="ENABLED")
        assert head.get("ChecksumCRC32") == expected


def test_paginators_are_the_sdks_own() -> None:
    world = World()
    for number in range(2_500):
        world.put(f"{number:05}", b"")
    pages = list(world.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET))
    assert [len(page["Contents"]) for page in pages] == [1000, 1000, 500]
    for number in range(5):
        world.upload(f"u/{number}")
    pages = world.client.get_paginator("list_multipart_uploads").paginate(
        Bucket=BUCKET, PaginationConfig={"PageSize": 2}
    )
    assert [upload["Key"] for page in pages for upload in page["Uploads"]] == [f"u/{number}" for number in range(5)]


# --- objects that cannot be read


def code_of(call: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call()
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize(
    ("refusal", "head", "get"),
    [
        (Refusal.FORBIDDEN, ("403", 403), ("AccessDenied", 403)),
        (Refusal.CUSTOMER_KEY, ("400", 400), ("InvalidRequest", 400)),
        (Refusal.KMS, ("403", 403), ("AccessDenied", 403)),
    ],
)
def test_one_object_may_be_refused(refusal: Refusal, head: tuple[str, int], get: tuple[str, int]) -> None:
    world = World()
    world.put()
    world.put("readable")
    world.objects["a"].refusal = refusal
    place = {"Bucket": BUCKET, "Key": "a"}
    assert code_of(partial(world.client.head_object, **place, ChecksumMode="ENABLED")) == head
    assert code_of(world.get) == get
    copy = {"PartNumber": 1, "CopySource": place}
    assert code_of(partial(world.client.upload_part_copy, **world.upload("b"), **copy)) == get
    assert world.get("readable")


@pytest.mark.parametrize(
    ("storage_class", "archive_status", "restore", "readable"),
    [
        ("STANDARD_IA", "", "", True),
        ("GLACIER_IR", "", "", True),
        ("GLACIER", "", "", False),
        ("DEEP_ARCHIVE", "", "", False),
        ("GLACIER", "", 'ongoing-request="true"', False),
        ("GLACIER", "", 'ongoing-request="false", expiry-date="Fri, 23 Dec 2033 00:00:00 GMT"', True),
        ("INTELLIGENT_TIERING", "", "", True),
        ("INTELLIGENT_TIERING", "ARCHIVE_ACCESS", "", False),
    ],
)
def test_an_archived_object_is_listed_and_headed_but_not_read(
    storage_class: str, archive_status: str, restore: str, readable: bool
) -> None:
    world = World()
    world.put()
    stored = world.objects["a"]
    stored.storage_class, stored.archive_status, stored.restore = storage_class, archive_status, restore
    head = world.client.head_object(Bucket=BUCKET, Key="a")
    assert (head["StorageClass"], head.get("ArchiveStatus", ""), head.get("Restore", "")) == (
        storage_class,
        archive_status,
        restore,
    )
    (listed,) = world.client.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert listed["StorageClass"] == storage_class
    assert "RestoreStatus" not in listed
    if readable:
        assert world.get() == b"0123456789"
    else:
        assert code_of(world.get) == ("InvalidObjectState", 403)


def test_a_restore_is_listed_where_it_is_asked_for() -> None:
    world = World()
    world.put()
    world.objects["a"].restore = 'ongoing-request="true"'
    wanted = {"Bucket": BUCKET, "OptionalObjectAttributes": ["RestoreStatus"]}
    assert world.client.list_objects_v2(**wanted)["Contents"][0]["RestoreStatus"] == {"IsRestoreInProgress": True}


# --- outages


def test_a_throttled_head_has_no_code_but_its_status() -> None:
    world = World(SLOW_DOWN=1.0)
    place = {"Bucket": BUCKET, "Key": "a"}
    assert code_of(partial(world.client.head_object, **place)) == ("503", 503)
    assert code_of(partial(world.client.get_object, **place)) == ("SlowDown", 503)


def test_an_error_may_come_after_200_and_after_the_effect() -> None:
    world = World(ERROR_IN_OK=1.0)
    upload = world.upload()
    part = world.client.upload_part(**upload, PartNumber=1, Body=b"x")
    complete = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    assert code_of(partial(world.client.complete_multipart_upload, **upload, **complete)) == ("InternalError", 500)
    world.environment.faults.probabilities = {}
    assert world.get() == b"x"
    assert code_of(partial(world.client.complete_multipart_upload, **upload, **complete)) == ("NoSuchUpload", 404)


def test_a_repeated_completion_may_be_answered_like_the_first() -> None:
    world = World(COMPLETED_AGAIN=1.0)
    upload = world.upload()
    part = world.client.upload_part(**upload, PartNumber=1, Body=b"x")
    complete = {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}
    first = world.client.complete_multipart_upload(**upload, **complete)
    assert world.client.complete_multipart_upload(**upload, **complete)["ETag"] == first["ETag"]


def test_after_a_conflict_an_upload_begins_anew() -> None:
    world = World(STORE_CONFLICT=1.0)
    upload = world.upload()
    part = world.client.upload_part(**upload, PartNumber=1, Body=b"x")
    complete = partial(
        world.client.complete_multipart_upload,
        **upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    assert code_of(partial(complete, IfNoneMatch="*")) == ("ConditionalRequestConflict", 409)
    assert code_of(complete) == ("NoSuchUpload", 404)


# --- under a scheduler


def test_a_copy_in_flight_lands_after_the_upload_was_aborted() -> None:
    outcomes = set()
    for seed in range(40):
        scheduler = Scheduler(seed)
        service = SimulatedS3(Scheduled(scheduler, Faults(seed)))
        client: Any = SimulatedClient(service, RAW)
        client.create_bucket(Bucket=BUCKET)
        client.put_object(Bucket=BUCKET, Key="source", Body=b"x")
        upload_id = client.create_multipart_upload(Bucket=BUCKET, Key="a")["UploadId"]
        upload = {"Bucket": BUCKET, "Key": "a", "UploadId": upload_id}
        copy = {"PartNumber": 1, "CopySource": {"Bucket": BUCKET, "Key": "source"}}
        copying = scheduler.spawn("copy", partial(client.upload_part_copy, **upload, **copy))
        scheduler.spawn("abort", partial(client.abort_multipart_upload, **upload))
        scheduler.run()
        outcomes.add((copying.error is None, len(service.buckets[BUCKET].uploads)))
    assert outcomes == {(True, 0), (True, 1), (False, 0)}


def test_a_completion_may_finish_after_its_caller_died() -> None:
    outcomes = set()
    for seed in range(40):
        scheduler = Scheduler(seed)
        service = SimulatedS3(Scheduled(scheduler, Faults(seed, {Fault.LATE_EFFECT: 0.5})))
        client: Any = SimulatedClient(service, RAW)
        client.create_bucket(Bucket=BUCKET)
        upload = {"Bucket": BUCKET, "Key": "a"}
        upload["UploadId"] = client.create_multipart_upload(**upload)["UploadId"]
        part = client.upload_part(**upload, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        work = scheduler.spawn("work", partial(client.complete_multipart_upload, **upload, MultipartUpload=parts))
        scheduler.run(until=partial(_took_steps, scheduler, 2))  # it has begun
        scheduler.kill(work, "test")
        scheduler.run()
        outcomes.add(("a" in service.buckets[BUCKET].objects, len(service.buckets[BUCKET].uploads)))
    assert outcomes == {(True, 0), (False, 1)}


def _took_steps(scheduler: Scheduler, steps: int) -> bool:
    return scheduler.steps == steps
