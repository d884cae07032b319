"""The proxy of tests: everything passes as it is, but for what it is told to play."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.seaweed import HOST, SeaweedFS
from tests.support.store_proxy import StoreProxy, Trouble

BUCKET = f"proxied-{uuid.uuid4().hex[:12]}"
MiB = 1024 * 1024


@pytest.fixture
def proxy(seaweedfs: SeaweedFS) -> Iterator[StoreProxy]:
    with StoreProxy((HOST, seaweedfs.port)) as proxy:
        yield proxy


@pytest.fixture
def s3(seaweedfs: SeaweedFS, proxy: StoreProxy) -> Any:
    client = SeaweedFS(proxy.server_port, seaweedfs.pid).client(retries={"total_max_attempts": 1})
    if BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=BUCKET)
    return client


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Status and code of what is answered."""
    with pytest.raises(ClientError) as caught:
        call()
    answer: Any = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]


def copied(s3: Any, key: str) -> Any:
    upload = {"Bucket": BUCKET, "Key": "target"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    try:
        return s3.upload_part_copy(**upload, PartNumber=1, CopySource={"Bucket": BUCKET, "Key": key})
    finally:
        s3.abort_multipart_upload(**upload)


@pytest.mark.parametrize("key", ["a", "with space+plus%&é", "a/b/c"])
def test_requests_pass_as_they_are(s3: Any, key: str) -> None:
    body = b"some bytes" * MiB
    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
    assert s3.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == len(body)
    assert s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
    assert s3.get_object(Bucket=BUCKET, Key=key, Range="bytes=5-9")["Body"].read() == b"bytes"
    assert copied(s3, key)["CopyPartResult"]["ETag"]
    assert key in [found["Key"] for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert refused(lambda: s3.head_object(Bucket=BUCKET, Key="absent")) == (404, "404")
    s3.delete_object(Bucket=BUCKET, Key=key)


@pytest.mark.parametrize(
    ("trouble", "answers"),
    [
        (Trouble.DENIED, ("403", "AccessDenied", "AccessDenied")),
        (Trouble.KMS_READ, ("", "AccessDenied", "AccessDenied")),
        (Trouble.CUSTOMER_KEY, ("400", "InvalidRequest", "InvalidRequest")),
        (Trouble.GLACIER, ("", "InvalidObjectState", "ObjectNotInActiveTierError")),
        (Trouble.ARCHIVE_ACCESS, ("", "InvalidObjectState", "ObjectNotInActiveTierError")),
        (Trouble.RESTORED, ("", "", "")),
    ],
)
def test_an_object_is_answered_for_as_it_was_told(
    s3: Any, proxy: StoreProxy, trouble: Trouble, answers: tuple[str, str, str]
) -> None:
    """Codes of what HEAD, GET and copy are answered; empty: the object."""
    place = {"Bucket": BUCKET, "Key": "é a"}
    s3.put_object(**place, Body=b"1")
    proxy.objects["é a"] = trouble
    calls = (lambda: s3.head_object(**place), lambda: s3.get_object(**place), lambda: copied(s3, "é a"))
    for call, code in zip(calls, answers, strict=True):
        assert (refused(call)[1] if code else call()) == code or not code
    listed = s3.list_objects_v2(Bucket=BUCKET, OptionalObjectAttributes=["RestoreStatus"])["Contents"]
    found = next(each for each in listed if each["Key"] == "é a")
    assert found["StorageClass"] == (trouble.value.storage_class or "STANDARD")
    assert ("RestoreStatus" in found) == bool(trouble.value.restore)


def test_restores_are_listed_only_if_they_are_asked_for(s3: Any, proxy: StoreProxy) -> None:
    s3.put_object(Bucket=BUCKET, Key="restored", Body=b"1")
    proxy.objects["restored"] = Trouble.RESTORED
    assert "RestoreStatus" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="restored")["Contents"][0]


def test_a_share_of_one_kind_of_call_is_throttled(s3: Any, proxy: StoreProxy) -> None:
    s3.put_object(Bucket=BUCKET, Key="a", Body=b"1")
    proxy.slow_down["HEAD"] = 1.0
    assert refused(lambda: s3.head_object(Bucket=BUCKET, Key="a")) == (503, "503")
    assert s3.get_object(Bucket=BUCKET, Key="a")["Body"].read() == b"1"
    proxy.slow_down["GET"] = 1.0
    assert refused(lambda: s3.get_object(Bucket=BUCKET, Key="a")) == (503, "SlowDown")
    assert proxy.refused == {"HEAD SlowDown": 1, "GET SlowDown": 1}


def test_the_bucket_may_be_refused_as_a_whole(s3: Any, proxy: StoreProxy) -> None:
    proxy.everything = Trouble.DENIED
    assert refused(lambda: s3.head_bucket(Bucket=BUCKET)) == (403, "403")
    assert refused(lambda: s3.list_objects_v2(Bucket=BUCKET)) == (403, "AccessDenied")
    proxy.reset()
    assert s3.head_bucket(Bucket=BUCKET)
