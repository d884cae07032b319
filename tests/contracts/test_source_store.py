"""What every SourceStore does, on the fake and on S3 (SeaweedFS), and what S3's says of a store that misbehaves."""

from __future__ import annotations

import uuid
import zlib
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config

from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import StorageError, StorageForbidden, StorageThrottled, StorageUnavailable
from chalicelib.jobs.ports import SourceStore, StoredObject
from chalicelib.limits import S3_MIN_PART_BYTES
from tests.support.fakes import FakeSourceStore
from tests.support.seaweed import SeaweedFS
from tests.support.servers import answering, refusing, silent

KEYS = [
    "downloads/70000.zip",
    "downloads/with space.zip",
    "downloads/plus+percent%25&and=more.zip",
    "downloads/ünïcödé/名前/😀.zip",
    "downloads/question?hash#.zip",
    "a",
]


class Shelf(Protocol):
    """A store together with a way to fill it."""

    @property
    def store(self) -> SourceStore: ...

    def put(self, key: str, size: int) -> None: ...

    def remove_bucket(self) -> None: ...


class FakeShelf:
    def __init__(self) -> None:
        self.store = FakeSourceStore()

    def put(self, key: str, size: int) -> None:
        self.store.put(key, size)

    def remove_bucket(self) -> None:
        self.store.bucket_exists = False


class S3Shelf:
    def __init__(self, client: Any, bucket: str) -> None:
        client.create_bucket(Bucket=bucket)
        self.client, self.bucket = client, bucket
        self.store = S3SourceStore(client, bucket)

    def put(self, key: str, size: int) -> None:
        self.client.put_object(Bucket=self.bucket, Key=key, Body=b"x" * size)

    def remove_bucket(self) -> None:
        for found in self.client.list_objects_v2(Bucket=self.bucket).get("Contents", ()):
            self.client.delete_object(Bucket=self.bucket, Key=found["Key"])
        self.client.delete_bucket(Bucket=self.bucket)


@pytest.fixture(params=["fake", "s3"])
def shelf(request: pytest.FixtureRequest) -> Shelf:
    if request.param == "fake":
        return FakeShelf()
    return s3_shelf(request.getfixturevalue("seaweedfs"))


def s3_shelf(seaweedfs: SeaweedFS) -> S3Shelf:
    return S3Shelf(seaweedfs.client(), f"source-{uuid.uuid4().hex[:12]}")


# --- fake and real ----------------------------------------------------------------------


@pytest.mark.parametrize("key", KEYS)
def test_an_object_is_told_with_its_size(shelf: Shelf, key: str) -> None:
    shelf.put(key, 12)
    stored = shelf.store.head(key)
    assert stored is not None
    assert (stored.size, stored.archived) == (12, False)


def test_an_etag_has_no_quotes_and_a_time_is_in_milliseconds(shelf: Shelf) -> None:
    shelf.put("a", 1)
    stored = shelf.store.head("a")
    assert stored is not None
    assert stored.etag and '"' not in stored.etag
    assert 1_500_000_000_000 < stored.modified < 10_000_000_000_000


def test_an_empty_object_is_there(shelf: Shelf) -> None:
    shelf.put("empty", 0)
    stored = shelf.store.head("empty")
    assert stored is not None
    assert stored.size == 0


@pytest.mark.parametrize("key", [*KEYS, "downloads", "downloads/7000", "DOWNLOADS/70000.ZIP"])
def test_an_object_that_is_not_there_is_none(shelf: Shelf, key: str) -> None:
    shelf.put("downloads/70000.zip.other", 1)
    assert shelf.store.head(key) is None


def test_a_head_alone_cannot_tell_an_absent_bucket_but_the_bucket_can_be_asked_for(shelf: Shelf) -> None:
    shelf.put("a", 1)
    shelf.store.confirm_bucket()
    shelf.remove_bucket()
    assert shelf.store.head("a") is None
    with pytest.raises(StorageUnavailable):
        shelf.store.confirm_bucket()


def test_everything_below_a_prefix_is_listed_from_a_key_on_which_need_not_be_there(shelf: Shelf) -> None:
    for key in ("c", "d/a", "d/b/1", "d/b/2", "e"):
        shelf.put(key, 3)
    assert below(shelf, "d/") == ["d/a", "d/b/1", "d/b/2"]
    assert below(shelf, "d/", after="d/a") == below(shelf, "d/", after="d/aa") == ["d/b/1", "d/b/2"]
    assert below(shelf, "d/", after="d/b/1") == ["d/b/2"]
    assert below(shelf, "d/", after="d/b/2") == []


def test_keys_that_are_written_differently_in_urls_are_listed_in_their_order_too(seaweedfs: SeaweedFS) -> None:
    shelf = s3_shelf(seaweedfs)
    for key in ("d/a", "d/a+b/ü 1", "d/b", "d/ü"):
        shelf.put(key, 3)
    assert below(shelf, "d/", after="d/a+") == ["d/a+b/ü 1", "d/b", "d/ü"]
    assert below(shelf, "d/", after="d/a+b/ü 1") == ["d/b", "d/ü"]
    assert below(shelf, "d/", after="d/b") == ["d/ü"]


def below(shelf: Shelf, prefix: str, *, after: str = "") -> list[str]:
    """Keys of all pages."""
    return [key for page in shelf.store.pages_below(prefix, after=after) for key, _ in page.objects]


def listed(shelf: Shelf, prefix: str, *, delimiter: str, limit: int) -> tuple[list[str], list[str]]:
    """Keys and folders of all pages."""
    keys: list[str] = []
    folders: list[str] = []
    token = None
    while page := shelf.store.page_below(prefix, delimiter=delimiter, token=token, limit=limit):
        assert len(page.objects) + len(page.folders) <= limit
        keys += [key for key, _ in page.objects]
        folders += page.folders
        token = page.token
        if token is None:
            break
    return keys, folders


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_prefix_is_listed_page_by_page_with_its_folders(shelf: Shelf, limit: int) -> None:
    for key in ("d/a", "d/b/1", "d/b/2", "d/c", "d/e/1", "elsewhere"):
        shelf.put(key, 3)
    assert listed(shelf, "d/", delimiter="/", limit=limit) == (["d/a", "d/c"], ["d/b/", "d/e/"])
    assert listed(shelf, "d/b", delimiter="", limit=limit) == (["d/b/1", "d/b/2"], [])
    page = shelf.store.page_below("d/", delimiter="/", token=None, limit=100)
    assert page is not None and page.objects[0][1].size == 3


def test_an_object_that_changes_has_another_etag_on_s3(seaweedfs: SeaweedFS) -> None:
    shelf = s3_shelf(seaweedfs)
    shelf.put("a", 1)
    before = shelf.store.head("a")
    shelf.put("a", 2)
    after = shelf.store.head("a")
    assert before is not None and after is not None
    assert before.etag != after.etag


# --- S3 alone: what a HEAD tells ---------------------------------------------------------


def test_the_crc32_of_an_object_is_that_of_its_bytes(seaweedfs: SeaweedFS) -> None:
    shelf = s3_shelf(seaweedfs)
    shelf.client.put_object(Bucket=shelf.bucket, Key="a", Body=b"some bytes", ChecksumAlgorithm="CRC32")
    stored = shelf.store.head("a")
    assert stored is not None
    assert stored.crc32 == zlib.crc32(b"some bytes")


def test_the_checksum_of_checksums_of_a_multipart_upload_is_not_taken_for_a_crc32(seaweedfs: SeaweedFS) -> None:
    shelf = s3_shelf(seaweedfs)
    upload = {"Bucket": shelf.bucket, "Key": "a"}
    upload["UploadId"] = shelf.client.create_multipart_upload(**upload, ChecksumAlgorithm="CRC32")["UploadId"]
    parts = []
    for number, body in enumerate([b"x" * S3_MIN_PART_BYTES, b"y"], start=1):
        part = shelf.client.upload_part(**upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32")
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32": part.get("ChecksumCRC32")})
    shelf.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    stored = shelf.store.head("a")
    whole = zlib.crc32(b"x" * S3_MIN_PART_BYTES + b"y")
    assert stored is not None
    assert (stored.size, stored.crc32 in (None, whole)) == (S3_MIN_PART_BYTES + 1, True)


PLAIN = {"Content-Length": "7", "ETag": '"abc"', "Last-Modified": "Mon, 23 Nov 2026 13:01:09 GMT"}
OF_PARTS = {**PLAIN, "ETag": '"abc-2"', "x-amz-checksum-crc32": "jt9Hdw=="}


def client_of(address: str) -> Any:
    config = Config(connect_timeout=0.3, read_timeout=0.3, retries={"total_max_attempts": 1})
    return boto3.client("s3", endpoint_url=address, config=config)


def head(status: int, headers: dict[str, str] | None = None) -> StoredObject | None:
    with answering(status, headers) as address:
        return S3SourceStore(client_of(address), "bucket").head("a")


@pytest.mark.parametrize(
    ("headers", "crc32"),
    [
        (PLAIN, None),
        ({**PLAIN, "x-amz-checksum-crc32": "jt9Hdw=="}, 0x8EDF4777),
        ({**OF_PARTS}, None),
        ({**OF_PARTS, "x-amz-checksum-type": "COMPOSITE"}, None),
        ({**OF_PARTS, "x-amz-checksum-type": "FULL_OBJECT"}, 0x8EDF4777),
        ({**PLAIN, "x-amz-checksum-crc32": "jt9Hdw==", "x-amz-checksum-type": "COMPOSITE"}, None),
    ],
)
def test_only_the_crc32_of_the_whole_object_counts(headers: dict[str, str], crc32: int | None) -> None:
    expected = StoredObject(size=7, etag=headers["ETag"].strip('"'), modified=1_795_438_869_000, crc32=crc32)
    assert head(200, headers) == expected


SHA256 = {"x-amz-checksum-sha256": "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s="}


@pytest.mark.parametrize(
    ("headers", "sha256"),
    [
        (PLAIN, None),
        ({**PLAIN, **SHA256}, "ab" * 32),
        ({**PLAIN, **SHA256, "x-amz-checksum-type": "COMPOSITE"}, None),
        ({**PLAIN, "x-amz-checksum-sha256": SHA256["x-amz-checksum-sha256"] + "-2"}, None),
    ],
)
def test_only_the_sha256_of_the_whole_object_counts(headers: dict[str, str], sha256: str | None) -> None:
    with answering(200, headers) as address:
        assert S3SourceStore(client_of(address), "bucket").sha256("a", "etag") == sha256
    with answering(412, {}) as address:
        assert S3SourceStore(client_of(address), "bucket").sha256("a", "etag") is None


@pytest.mark.parametrize(
    ("storage_class", "restore", "archived"),
    [
        ("STANDARD_IA", "", False),
        ("GLACIER_IR", "", False),
        ("GLACIER", "", True),
        ("DEEP_ARCHIVE", "", True),
        ("GLACIER", 'ongoing-request="true"', True),
        ("GLACIER", 'ongoing-request="false", expiry-date="Fri, 23 Dec 2033 00:00:00 GMT"', False),
    ],
)
def test_an_object_in_cold_storage_is_archived_unless_it_was_restored(
    storage_class: str, restore: str, archived: bool
) -> None:
    stored = head(200, {**PLAIN, "x-amz-storage-class": storage_class, "x-amz-restore": restore})
    assert stored is not None
    assert stored.archived is archived


# --- S3 alone: outages ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, StorageUnavailable),
        (401, StorageForbidden),
        (403, StorageForbidden),
        (405, StorageUnavailable),
        (412, StorageUnavailable),
        (429, StorageThrottled),
        (500, StorageUnavailable),
        (502, StorageUnavailable),
        (503, StorageThrottled),
        (504, StorageUnavailable),
    ],
)
def test_every_answer_but_yes_and_404_is_an_outage_that_is_retried(status: int, error: type[StorageError]) -> None:
    with pytest.raises(error, match="'a'") as caught:
        head(status)
    assert caught.value.retryable


def test_only_a_404_is_an_absent_object() -> None:
    assert head(404) is None


@pytest.mark.parametrize("broken", [refusing, silent])
@pytest.mark.parametrize("call", ["head", "confirm_bucket"])
def test_a_store_that_does_not_answer_is_an_outage(broken: Any, call: str) -> None:
    with broken() as address:
        store = S3SourceStore(client_of(address), "bucket")
        with pytest.raises(StorageUnavailable):
            store.head("a") if call == "head" else store.confirm_bucket()


def test_wrong_credentials_are_forbidden_and_not_missing(seaweedfs: SeaweedFS) -> None:
    shelf = s3_shelf(seaweedfs)
    shelf.put("a", 1)
    stranger = boto3.client(
        "s3", endpoint_url=seaweedfs.endpoint, aws_access_key_id="stranger", aws_secret_access_key="x"
    )
    for key in ("a", "absent"):
        with pytest.raises(StorageForbidden, match="InvalidAccessKeyId"):
            S3SourceStore(stranger, shelf.bucket).head(key)
