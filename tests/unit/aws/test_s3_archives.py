"""What the archive store makes of answers that AWS gives seldom, on a simulated S3."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError
from msgspec.structs import replace

from chalicelib.archive.parts import Body
from chalicelib.assembly.model import MultipartUpload, PartReceipt
from chalicelib.aws.s3_archives import ABORT_ATTEMPTS, PROBE_BYTES, S3ArchiveStore
from chalicelib.errors import SourceChanged, StorageThrottled, StorageUnavailable, UploadGone
from chalicelib.limits import MiB
from tests.simulation.client import SimulatedClient
from tests.simulation.environment import Alone
from tests.simulation.faults import Fault, Faults
from tests.simulation.s3.service import SimulatedS3
from tests.support.executors import serial_executors


def store(**faults: float) -> S3ArchiveStore:
    service = SimulatedS3(Alone(faults=Faults(0, {Fault[name]: chance for name, chance in faults.items()})))
    client: Any = SimulatedClient(service)
    for bucket in ("files", "archives"):
        service.create_bucket(Bucket=bucket)
    return S3ArchiveStore(client, "files", "archives", 1, serial_executors)


def uploaded(archives: S3ArchiveStore) -> tuple[MultipartUpload, list[PartReceipt]]:
    upload = archives.create_upload("archives/a.zip", checksummed=False)
    return upload, [PartReceipt(0, 1, archives.upload_part(upload, 1, body=b"body", crc32=None), 4, None)]


def test_a_completion_that_meets_another_request_needs_a_new_upload() -> None:
    archives = store(STORE_CONFLICT=1.0)
    upload, parts = uploaded(archives)
    with pytest.raises(UploadGone, match="another request"):
        archives.complete(upload, parts, size=4, crc32=None)


class LingeringUpload:
    """An upload that is still there after so many aborts: a part was being written meanwhile."""

    def __init__(self, aborts: int) -> None:
        self.left = aborts
        self.aborted = 0

    def abort_multipart_upload(self, **_: Any) -> dict[str, Any]:
        self.aborted += 1
        self.left -= 1
        return {}

    def list_parts(self, **_: Any) -> dict[str, Any]:
        if self.left > 0:
            return {}
        answer: Any = {"Error": {"Code": "NoSuchUpload"}, "ResponseMetadata": {"HTTPStatusCode": 404}}
        raise ClientError(answer, "ListParts")


@pytest.mark.parametrize("aborts", [1, 2, ABORT_ATTEMPTS])
def test_an_upload_is_aborted_until_it_is_gone(aborts: int) -> None:
    client = LingeringUpload(aborts)
    S3ArchiveStore(client, "files", "archives", 1, serial_executors).abort(MultipartUpload("archives/a.zip", "id"))
    assert client.aborted == aborts


def test_an_upload_that_stays_is_an_outage() -> None:
    lingering = S3ArchiveStore(LingeringUpload(ABORT_ATTEMPTS + 1), "files", "archives", 1, serial_executors)
    with pytest.raises(StorageUnavailable, match="still there after it was aborted"):
        lingering.abort(MultipartUpload("archives/a.zip", "id"))


@pytest.mark.parametrize(("fault", "outage"), [("STORE_ERROR", True), ("UNREACHABLE", True)])
def test_an_answer_that_says_nothing_of_the_request_is_an_outage(fault: str, outage: bool) -> None:
    with pytest.raises(StorageUnavailable) as caught:
        store(**{fault: 1.0}).get("staging/a")
    assert caught.value.outage is outage


def test_an_object_that_is_not_there_is_no_outage() -> None:
    archives = store()
    with pytest.raises(StorageUnavailable) as caught:
        archives.get("staging/a")
    assert not caught.value.outage
    assert archives.find("staging/a") is None
    archives.put("staging/a", b"body")
    assert archives.find("staging/a") == b"body"


def test_the_probe_copies_a_range_of_an_object_that_is_large_enough_for_aws() -> None:
    """AWS refuses ranges of objects of up to 5 MiB."""
    asked: list[str] = []
    archives = store()
    original = archives.client.upload_part_copy

    class Watched:
        def __getattr__(self, name: str) -> Any:
            return self._copy if name == "upload_part_copy" else getattr(archives.client, name)

        def _copy(self, **arguments: Any) -> Any:
            asked.append(arguments["CopySourceRange"])
            return original(**arguments)

    watched = S3ArchiveStore(Watched(), "files", "archives", 1, serial_executors)
    assert watched.probe_copy_checksums()
    assert 5 * MiB < PROBE_BYTES
    assert asked == [f"bytes={MiB}-{PROBE_BYTES - 1}"]
    assert archives.open_uploads("staging/") == []


def test_a_source_is_called_changed_only_where_the_store_says_so() -> None:
    archives = store()
    archives.client.put_object(Bucket="files", Key="a", Body=b"x" * 10)
    etag = archives.client.head_object(Bucket="files", Key="a")["ETag"].strip('"')
    body = Body(0, "a", etag, 0, 10)
    assert archives.read(body) == b"x" * 10
    for changed in (replace(body, key="b"), replace(body, etag="another")):
        with pytest.raises(SourceChanged):
            archives.read(changed)
    with pytest.raises(StorageThrottled):
        store(SLOW_DOWN=1.0).read(body)
    with pytest.raises(StorageUnavailable) as caught:
        store(STORE_ERROR=1.0).read(body)
    assert not isinstance(caught.value, SourceChanged)
