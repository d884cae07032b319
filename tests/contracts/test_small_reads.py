"""Small reads take a shortcut round the SDK: the same bytes, the same errors."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from botocore.config import Config

from chalicelib.assembly.tasks import Range
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_links import presigner_of
from chalicelib.aws.s3_reads import QuickReads
from chalicelib.errors import SourceChanged, StorageForbidden, StorageUnavailable
from tests.contracts.servers import refusing, silent
from tests.contracts.test_presigner import LONG_LIVED, client
from tests.contracts.test_source_store import KEYS
from tests.seaweed import ACCESS_KEY_ID, SeaweedFS

BODY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def bucket(seaweedfs: SeaweedFS) -> str:
    name = f"reads-{uuid.uuid4().hex[:12]}"
    seaweedfs.client().create_bucket(Bucket=name)
    return name


def put(seaweedfs: SeaweedFS, bucket: str, key: str, body: bytes = BODY) -> str:
    etag: str = seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
    return etag.strip('"')


def at(endpoint: str, bucket: str, secret: str = "lorry-test-secret") -> S3ArchiveStore:
    """The store at an address; its client gives up soon."""
    return S3ArchiveStore(impatient(endpoint, secret), bucket, bucket, 2)


def impatient(endpoint: str, secret: str) -> Any:
    quickly = Config(connect_timeout=0.5, read_timeout=0.5, retries={"total_max_attempts": 1})
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=secret,
        config=quickly.merge(Config(signature_version="s3v4", s3={"addressing_style": "path"})),
    )


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(("start", "size"), [(0, len(BODY)), (0, 1), (100, 999), (len(BODY) - 1, 1)])
def test_the_shortcut_brings_the_wanted_bytes(
    seaweedfs: SeaweedFS, bucket: str, key: str, start: int, size: int
) -> None:
    etag = put(seaweedfs, bucket, key)
    quick = QuickReads(seaweedfs.client(), bucket)
    assert quick.read(key, etag, start=start, size=size) == BODY[start : start + size]


def test_another_version_is_a_change(seaweedfs: SeaweedFS, bucket: str) -> None:
    before = put(seaweedfs, bucket, "changing")
    put(seaweedfs, bucket, "changing", BODY[::-1])
    assert QuickReads(seaweedfs.client(), bucket).read("changing", before, start=0, size=9) is None
    with pytest.raises(SourceChanged):
        at(seaweedfs.endpoint, bucket).read(Range(3, "changing", before, 0, 9))


def test_an_object_that_is_gone_is_a_change(seaweedfs: SeaweedFS, bucket: str) -> None:
    with pytest.raises(SourceChanged) as caught:
        at(seaweedfs.endpoint, bucket).read(Range(3, "gone", "etag", 0, 9))
    assert (caught.value.key, caught.value.entry) == ("gone", 3)


def test_an_object_that_is_shorter_is_no_success(seaweedfs: SeaweedFS, bucket: str) -> None:
    etag = put(seaweedfs, bucket, "short")
    with pytest.raises(StorageUnavailable):
        at(seaweedfs.endpoint, bucket).read(Range(0, "short", etag, 0, len(BODY) + 1))


def test_a_wrong_secret_is_forbidden(seaweedfs: SeaweedFS, bucket: str) -> None:
    etag = put(seaweedfs, bucket, "secret")
    with pytest.raises(StorageForbidden):
        at(seaweedfs.endpoint, bucket, secret="another").read(Range(0, "secret", etag, 0, 9))


@pytest.mark.parametrize("server", [refusing, silent])
def test_a_store_that_does_not_answer_is_unavailable(server: Any) -> None:
    with server() as endpoint, pytest.raises(StorageUnavailable):
        at(endpoint, "bucket").read(Range(0, "a", "etag", 0, 9))


@pytest.mark.parametrize("bucket_name", ["bucket", "bucket.with.dots"])
@pytest.mark.parametrize("path_style", [True, False])
@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
@pytest.mark.parametrize("endpoint", [None, "https://store.example.com", "http://127.0.0.1:9000"])
def test_the_request_goes_where_the_sdk_would_send_it(
    bucket_name: str, path_style: bool, region: str, endpoint: str | None
) -> None:
    if endpoint and endpoint.startswith("http://") and "." in bucket_name:
        path_style = True  # otherwise the SDK would put it before the address: a host that cannot exist
    sdk = client(LONG_LIVED, endpoint, region, path_style)
    theirs = sdk.generate_presigned_url("get_object", Params={"Bucket": bucket_name, "Key": "a b"}, ExpiresIn=60)
    scheme, host, path = presigner_of(sdk, bucket_name)._address("a b")
    assert theirs.partition("?")[0] == f"{scheme}://{host}{path}"
