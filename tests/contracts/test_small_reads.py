"""Quick reads return the same bytes as the SDK, from the same place, and leave errors to it."""

from __future__ import annotations

import uuid
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import boto3
import pytest
from botocore.config import Config

from chalicelib.archive.parts import Body
from chalicelib.aws.clients import Clients, Pace
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_links import internal_presigner
from chalicelib.aws.s3_reads import QuickReads, quick_reads
from chalicelib.delivery.presign import Credentials
from chalicelib.errors import SourceChanged, StorageForbidden, StorageUnavailable
from chalicelib.limits import S3_PREFIX_READS
from chalicelib.settings import Settings
from chalicelib.system import MACHINE
from tests.contracts.test_presigner import LONG_LIVED, client, signed_at
from tests.contracts.test_source_store import KEYS
from tests.support.receivers import HOST, Certificates, replying
from tests.support.seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, SeaweedFS
from tests.support.servers import refusing, silent
from tests.support.services import ENVIRONMENT

BODY = bytes(range(256)) * 40


@pytest.fixture(scope="module")
def bucket(seaweedfs: SeaweedFS) -> str:
    name = f"reads-{uuid.uuid4().hex[:12]}"
    seaweedfs.client().create_bucket(Bucket=name)
    return name


def put(seaweedfs: SeaweedFS, bucket: str, key: str, body: bytes = BODY) -> str:
    etag: str = seaweedfs.client().put_object(Bucket=bucket, Key=key, Body=body)["ETag"]
    return etag.strip('"')


def at(endpoint: str, bucket: str, secret: str = SECRET_ACCESS_KEY) -> S3ArchiveStore:
    """The store at an address; its client gives up soon."""
    client = impatient(endpoint, secret)
    return S3ArchiveStore(client, bucket, bucket, 2, ThreadPoolExecutor, reads(client, bucket, secret))


def reads(client: Any, bucket: str, secret: str = SECRET_ACCESS_KEY, ca_bundle: str | None = None) -> QuickReads:
    credentials = Credentials(ACCESS_KEY_ID, secret)
    pace = Pace(S3_PREFIX_READS, MACHINE)
    return quick_reads(client, bucket, credentials=lambda: credentials, ca_bundle=ca_bundle, pace=pace)


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
def test_a_quick_read_returns_the_bytes(seaweedfs: SeaweedFS, bucket: str, key: str, start: int, size: int) -> None:
    etag = put(seaweedfs, bucket, key)
    quick = reads(seaweedfs.client(), bucket)
    assert quick.read(key, etag, start=start, size=size) == BODY[start : start + size]


def test_another_version_is_a_change(seaweedfs: SeaweedFS, bucket: str) -> None:
    before = put(seaweedfs, bucket, "changing")
    put(seaweedfs, bucket, "changing", BODY[::-1])
    assert reads(seaweedfs.client(), bucket).read("changing", before, start=0, size=9) is None
    with pytest.raises(SourceChanged):
        at(seaweedfs.endpoint, bucket).read(Body(3, "changing", before, 0, 9))


def test_an_object_that_is_gone_is_a_change(seaweedfs: SeaweedFS, bucket: str) -> None:
    with pytest.raises(SourceChanged) as caught:
        at(seaweedfs.endpoint, bucket).read(Body(3, "gone", "etag", 0, 9))
    assert (caught.value.key, caught.value.entry) == ("gone", 3)


def test_an_object_that_is_shorter_is_no_success(seaweedfs: SeaweedFS, bucket: str) -> None:
    etag = put(seaweedfs, bucket, "short")
    with pytest.raises(StorageUnavailable):
        at(seaweedfs.endpoint, bucket).read(Body(0, "short", etag, 0, len(BODY) + 1))


def test_a_wrong_secret_is_forbidden(seaweedfs: SeaweedFS, bucket: str) -> None:
    etag = put(seaweedfs, bucket, "secret")
    with pytest.raises(StorageForbidden):
        at(seaweedfs.endpoint, bucket, secret="another").read(Body(0, "secret", etag, 0, 9))


@pytest.mark.parametrize("server", [refusing, silent])
def test_a_store_that_does_not_answer_is_unavailable(server: Any) -> None:
    with server() as endpoint, pytest.raises(StorageUnavailable):
        at(endpoint, "bucket").read(Body(0, "a", "etag", 0, 9))


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
    ours = internal_presigner(sdk, bucket_name, credentials=LONG_LIVED).link("a b", expires=60, at=signed_at(theirs))
    assert ours == theirs


# --- the connections of the SDK's client ------------------------------------------------

PART = b"HTTP/1.1 206 Partial Content\r\nContent-Length: 9\r\nContent-Encoding: gzip\r\n\r\nnot so..."


def test_encoded_content_is_returned_as_it_is_stored() -> None:
    with replying(PART) as store:
        assert reads(impatient(store.url(HOST, ""), ""), "b").read("k", "e", start=0, size=9) == b"not so..."


@pytest.mark.parametrize("key", ["downloads/./dot", "downloads/x/../up", "downloads//double", "downloads/%2e/"])
def test_a_key_is_requested_as_it_is(key: str) -> None:
    with replying(PART) as store:
        reads(impatient(store.url(HOST, ""), ""), "b").read(key, "e", start=0, size=9)
    assert store.requests[0].startswith(f"GET /b/{quote(key)}?X-Amz-Algorithm=".encode())


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n123456789",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 8\r\n\r\n12345678",
        b"HTTP/1.1 206 Partial Content\r\nContent-Length: 9\r\n\r\n12345678",
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /elsewhere\r\nContent-Length: 9\r\n\r\n123456789",
        b"HTTP/1.1 503 Slow Down\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
        b"nonsense",
    ],
)
def test_any_other_answer_is_none_and_is_not_repeated(answer: bytes) -> None:
    with replying(answer) as store:
        assert reads(impatient(store.url(HOST, ""), ""), "b").read("k", "e", start=0, size=9) is None
    assert store.connections == 1


@pytest.mark.parametrize("trusted", [True, False])
def test_the_certificates_of_the_sdk_are_trusted_and_no_others(
    trusted: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificates = Certificates(tmp_path)
    if trusted:
        monkeypatch.setenv("AWS_CA_BUNDLE", str(certificates.authority))
    bundle = Clients(Settings.from_environment(ENVIRONMENT)).session.get_config_variable("ca_bundle")
    with replying(PART, certificates.server(HOST)) as store:
        body = reads(impatient(store.url(HOST, ""), ""), "b", ca_bundle=bundle).read("k", "e", start=0, size=9)
    assert (body, len(store.requests)) == ((b"not so...", 1) if trusted else (None, 0))


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with replying(PART) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url(f"user:p%40ss@{HOST}", ""))
        body = reads(impatient("http://store.test:9000", ""), "b").read("k", "e", start=0, size=9)
    lines = proxy.requests[0].split(b"\r\n")
    assert body == b"not so..."
    assert lines[0].startswith(b"GET http://store.test:9000/b/k?X-Amz-Algorithm=")
    assert b"Host: store.test:9000" in lines
    assert b"proxy-authorization: Basic " + b64encode(b"user:p@ss") in lines


def test_a_store_that_the_environment_excepts_is_reached_without_its_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with replying(b"HTTP/1.1 502 X\r\n\r\n") as proxy, replying(PART) as store:
        monkeypatch.setenv("http_proxy", proxy.url(HOST, ""))
        monkeypatch.setenv("no_proxy", HOST)
        assert reads(impatient(store.url(HOST, ""), ""), "b").read("k", "e", start=0, size=9) == b"not so..."
    assert proxy.connections == 0
