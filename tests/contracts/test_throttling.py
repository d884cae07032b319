"""A store that is too busy for some requests: each is repeated by itself, whatever it asks for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.archive.parts import Body
from chalicelib.assembly.model import PartReceipt
from chalicelib.aws.clients import BUSY_ATTEMPTS
from chalicelib.container import Services
from chalicelib.errors import StorageThrottled
from chalicelib.settings import Settings
from tests.support.seaweed import ACCESS_KEY_ID, HOST, SECRET_ACCESS_KEY, SeaweedFS
from tests.support.services import ENVIRONMENT
from tests.support.store_proxy import StoreProxy

KINDS = ("HEAD", "GET", "LIST", "COPY", "PUT", "POST", "DELETE")
BODY = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def proxy(seaweedfs: SeaweedFS) -> Iterator[StoreProxy]:
    client = seaweedfs.client()
    for bucket in ("busy-files", "busy-archives"):
        client.create_bucket(Bucket=bucket)
    for number in range(30):
        client.put_object(Bucket="busy-files", Key=f"downloads/{number}", Body=BODY)
    with StoreProxy((HOST, seaweedfs.port)) as proxy:
        yield proxy


@pytest.fixture
def services(proxy: StoreProxy) -> Services:
    proxy.reset()
    return Services(
        Settings.from_environment(
            {
                **ENVIRONMENT,
                "SOURCE_BUCKET": "busy-files",
                "ARCHIVE_BUCKET": "busy-archives",
                "S3_ENDPOINT": proxy.url,
                "S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
                "S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY,
                "S3_FORCE_PATH_STYLE": "true",
            }
        )
    )


def test_every_request_outlasts_a_store_that_refuses_many(services: Services, proxy: StoreProxy) -> None:
    proxy.slow_down = dict.fromkeys(KINDS, 0.2)
    store: Any = services.archive_store
    found = {key: one.etag for page in services.source.pages_below("downloads/") for key, one in page.objects}
    for key, etag in found.items():
        checked = services.source.head(key)
        assert checked is not None and checked.etag == etag
        upload = store.create_upload(f"archives/{key}", checksummed=False)
        copied, crc32 = store.copy_part(upload, 1, body=Body(0, key, etag, 0, len(BODY)))
        store.complete(upload, [PartReceipt(0, 1, copied, len(BODY), crc32)], size=len(BODY), crc32=None)
        assert store.crc_of(Body(0, key, etag, 0, len(BODY))).crc32 == zlib.crc32(BODY)
    store.delete_below("archives/")
    assert len(found) == 30
    assert all(proxy.calls[kind] > len(found) for kind in ("HEAD", "GET", "COPY", "POST"))


@pytest.mark.parametrize("kind", ["HEAD", "LIST"])
def test_a_store_that_refuses_all_is_not_asked_for_ever(services: Services, proxy: StoreProxy, kind: str) -> None:
    proxy.slow_down[kind] = 1.0
    asks = {"HEAD": lambda: services.source.head("0"), "LIST": lambda: list(services.source.pages_below("downloads/"))}
    with pytest.raises(StorageThrottled):
        asks[kind]()
    assert proxy.calls[kind] == BUSY_ATTEMPTS
