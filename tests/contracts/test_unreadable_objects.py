"""One object that cannot be read, on SeaweedFS behind a proxy that plays what it cannot."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import ObjectRefused
from tests.support.seaweed import HOST, SeaweedFS
from tests.support.store_proxy import StoreProxy, Trouble


@pytest.fixture
def proxy(seaweedfs: SeaweedFS) -> Iterator[StoreProxy]:
    with StoreProxy((HOST, seaweedfs.port)) as proxy:
        yield proxy


@pytest.fixture
def store(seaweedfs: SeaweedFS, proxy: StoreProxy) -> S3SourceStore:
    """A bucket of two objects: `a`, and one that is empty."""
    bucket = f"bucket-{uuid.uuid4().hex[:12]}"
    client = SeaweedFS(proxy.server_port, seaweedfs.pid).client()
    client.create_bucket(Bucket=bucket)
    client.put_object(Bucket=bucket, Key="a", Body=b"x")
    client.put_object(Bucket=bucket, Key="empty", Body=b"")
    proxy.reset()
    return S3SourceStore(client, bucket)


@pytest.mark.parametrize(
    ("trouble", "reason", "cause"),
    [
        (Trouble.DENIED, "forbidden", "AccessDenied: Access Denied"),
        (Trouble.DISABLED, "forbidden", "AllAccessDisabled: All access to this object has been disabled"),
        (Trouble.KMS, "forbidden", "AccessDenied: The ciphertext refers to a customer master key"),
        (Trouble.KMS_DISABLED, "forbidden", "KMS.DisabledException: arn:aws:kms"),
        (Trouble.CUSTOMER_KEY, "customer_key", "InvalidRequest: The object was stored using a form of Server Side"),
    ],
)
def test_an_object_that_is_refused_is_told_by_the_stores_own_words(
    store: S3SourceStore, proxy: StoreProxy, trouble: Trouble, reason: str, cause: str
) -> None:
    proxy.objects["a"] = trouble
    with pytest.raises(ObjectRefused) as caught:
        store.head("a")
    store.confirm_bucket()
    assert proxy.calls["GET"] == 1
    assert (caught.value.reason, caught.value.cause.startswith(cause)) == (reason, True)


def test_an_object_that_is_described_to_anybody_is_refused_when_it_is_read(
    store: S3SourceStore, proxy: StoreProxy
) -> None:
    proxy.objects["a"] = Trouble.KMS_READ
    assert store.head("a") is not None
    with pytest.raises(ObjectRefused):
        store.confirm_readable("a")
    store.confirm_readable("empty")


@pytest.mark.parametrize(
    ("trouble", "listed", "described"),
    [
        (Trouble.GLACIER, True, True),
        (Trouble.RESTORING, True, True),
        (Trouble.RESTORED, False, False),
        (Trouble.INSTANT, False, False),
        (Trouble.ARCHIVE_ACCESS, False, True),  # a listing does not say
    ],
)
def test_listing_and_head_agree_on_what_is_archived(
    store: S3SourceStore, proxy: StoreProxy, trouble: Trouble, listed: bool, described: bool
) -> None:
    proxy.objects["a"] = trouble
    found = store.head("a")
    assert found is not None
    assert ([stored.archived for page in store.pages_below("a") for _, stored in page.objects], found.archived) == (
        [listed],
        described,
    )
