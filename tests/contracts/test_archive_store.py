"""ArchiveStore on the fake and on SeaweedFS, and archives built through the real adapters, their table on moto."""

from __future__ import annotations

import io
import random
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from chalicelib.archive.parts import Body
from chalicelib.assembly.model import MultipartUpload, PartReceipt
from chalicelib.assembly.ports import ArchiveStore
from chalicelib.aws.assembly_table import DynamoAssemblyTable
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.errors import ChecksumsMissing, ObjectRefused, SourceChanged, StorageForbidden, UploadGone
from chalicelib.jobs.model import ArchiveRequest, JobStatus
from chalicelib.jobs.service import NewJob
from chalicelib.limits import S3, MiB
from chalicelib.messages import PlanArchive
from tests.support.assembly_world import AssemblyWorld
from tests.support.aws import emulated_aws
from tests.support.builders import ALICE, files
from tests.support.fake_assembly import FakeStore
from tests.support.seaweed import HOST, SeaweedFS
from tests.support.store_proxy import StoreProxy, Trouble
from tests.support.tables import assembly_table, create_table, job_table

SIZES = [10, 6 * MiB, 0, 17 * MiB, 100_000, 5 * MiB - 1, 5 * MiB, 12 * MiB]


FILE = random.Random(1).randbytes(3_000)
KEY = "downloads/70000.zip"


@pytest.fixture(params=["fake", "seaweedfs"])
def store(request: pytest.FixtureRequest) -> ArchiveStore:
    """A store whose source bucket holds one file, and which verifies checksums."""
    if request.param == "fake":
        fake = FakeStore(S3, copies_tell=True)
        fake.put_source(KEY, FILE)
        return fake
    seaweedfs: SeaweedFS = request.getfixturevalue("seaweedfs")
    client = seaweedfs.client(request_checksum_calculation="when_required")
    source, target = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("source", "target"))
    for name in (source, target):
        client.create_bucket(Bucket=name)
    client.put_object(Bucket=source, Key=KEY, Body=FILE)
    return S3ArchiveStore(client, source, target, 8, ThreadPoolExecutor)


@pytest.fixture
def etag(store: ArchiveStore) -> str:
    source = S3SourceStore(store.client, store.source_bucket) if isinstance(store, S3ArchiveStore) else store
    assert isinstance(source, S3SourceStore | FakeStore)
    found = source.head(KEY)
    assert found is not None
    return found.etag


def body(etag: str, start: int = 0, size: int = len(FILE)) -> Body:
    return Body(7, KEY, etag, start, size)


def built(store: ArchiveStore, key: str, content: bytes, *, checksummed: bool = False) -> PartReceipt:
    """An object of one part, and that part's receipt."""
    upload = store.create_upload(key, checksummed=checksummed)
    crc = zlib.crc32(content)
    part = store.upload_part(upload, 1, body=content, crc32=crc if checksummed else None)
    receipt = PartReceipt(0, 1, part, len(content), crc)
    store.complete(upload, [receipt], size=len(content), crc32=crc if checksummed else None)
    return receipt


@pytest.mark.parametrize("checksummed", [True, False])
def test_what_is_uploaded_is_there_once_it_is_completed(store: ArchiveStore, checksummed: bool) -> None:
    assert store.size_of("archives/a.zip") is None
    built(store, "archives/a.zip", b"content", checksummed=checksummed)
    assert store.size_of("archives/a.zip") == 7
    assert store.get("archives/a.zip") == b"content"
    assert store.open_uploads("archives/") == []


def test_an_object_that_is_there_is_not_completed_over(store: ArchiveStore) -> None:
    built(store, "archives/a.zip", b"first")
    with pytest.raises(UploadGone):
        built(store, "archives/a.zip", b"other")
    assert store.get("archives/a.zip") == b"first"
    for upload in store.open_uploads("archives/"):
        store.abort(upload)


def test_an_upload_that_was_aborted_is_gone(store: ArchiveStore) -> None:
    upload = store.create_upload("archives/a.zip", checksummed=False)
    assert store.open_uploads("archives/") == [upload]
    assert store.open_uploads("staging/") == []
    store.abort(upload)
    store.abort(upload)
    assert store.open_uploads("archives/") == []
    with pytest.raises(UploadGone):
        store.upload_part(upload, 1, body=b"content", crc32=None)
    with pytest.raises(UploadGone):
        store.complete(upload, [PartReceipt(0, 1, "e" * 32, 7, 0)], size=7, crc32=None)


def test_a_copied_range_tells_its_crc(store: ArchiveStore, etag: str) -> None:
    upload = store.create_upload("archives/a.zip", checksummed=True)
    part, crc = store.copy_part(upload, 1, body=body(etag, 100, 900))
    assert crc == zlib.crc32(FILE[100:1_000])
    store.complete(upload, [PartReceipt(0, 1, part, 900, crc)], size=900, crc32=crc)
    assert store.get("archives/a.zip") == FILE[100:1_000]


def test_an_object_of_the_archive_bucket_is_copied_too(store: ArchiveStore) -> None:
    store.put("staging/part", FILE)
    upload = store.create_upload("archives/a.zip", checksummed=True)
    part, crc = store.copy_object(upload, 1, key="staging/part", start=5, size=50)
    assert crc == zlib.crc32(FILE[5:55])
    store.complete(upload, [PartReceipt(0, 1, part, 50, crc)], size=50, crc32=crc)
    assert store.get("archives/a.zip") == FILE[5:55]


@pytest.mark.parametrize("change", ["version", "key"])
def test_another_version_is_neither_copied_nor_read(store: ArchiveStore, etag: str, change: str) -> None:
    other = Body(7, KEY, "0" * 32, 0, 10) if change == "version" else Body(7, "downloads/1.zip", etag, 0, 10)
    upload = store.create_upload("archives/a.zip", checksummed=False)
    for use in (
        lambda: store.copy_part(upload, 1, body=other),
        lambda: list(store.read_many([body(etag), other])),
        lambda: store.crc_of(other),
    ):
        with pytest.raises(SourceChanged) as error:
            use()
        assert (error.value.key, error.value.entry) == (other.key, 7)
    store.abort(upload)


def test_ranges_are_read_in_their_order(store: ArchiveStore, etag: str) -> None:
    ranges = [body(etag, start, 10) for start in range(0, 300, 7)]
    assert list(store.read_many(ranges)) == [FILE[start : start + 10] for start in range(0, 300, 7)]
    assert list(store.read_many([])) == []
    assert store.crc_of(body(etag, 3, 2_000)).crc32 == zlib.crc32(FILE[3:2_003])


def test_an_upload_that_is_verified_needs_the_crc_of_each_part(store: ArchiveStore) -> None:
    upload = store.create_upload("archives/a.zip", checksummed=True)
    part = store.upload_part(upload, 1, body=b"content", crc32=zlib.crc32(b"content"))
    with pytest.raises(ChecksumsMissing):
        store.complete(upload, [PartReceipt(0, 1, part, 7, None)], size=7, crc32=zlib.crc32(b"content"))
    store.abort(upload)


def test_staging_objects_are_written_read_in_ranges_and_deleted(store: ArchiveStore) -> None:
    for key in ("staging/job/1/a", "staging/job/1/b", "staging/job/10/c"):
        store.put(key, key.encode())
    assert store.get("staging/job/1/a") == b"staging/job/1/a"
    assert store.get_range("staging/job/1/a", start=8, size=3) == b"job"
    store.delete_below("staging/job/1/")
    assert [store.size_of(key) for key in ("staging/job/1/a", "staging/job/1/b")] == [None, None]
    assert store.size_of("staging/job/10/c") is not None


def test_the_probe_leaves_nothing_behind(store: ArchiveStore) -> None:
    assert store.probe_copy_checksums()
    assert store.open_uploads("staging/") == []


# --- whole archives -----------------------------------------------------------------------


@pytest.fixture
def tables() -> Iterator[tuple[DynamoJobTable, DynamoAssemblyTable]]:
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield job_table(client), assembly_table(client)


@pytest.mark.parametrize("crcs", ["copy", "head", "read", "auto"])
def test_an_archive_is_built_on_seaweedfs(
    seaweedfs: SeaweedFS, tables: tuple[DynamoJobTable, DynamoAssemblyTable], crcs: str
) -> None:
    client = seaweedfs.client(request_checksum_calculation="when_required")
    source, target = f"source-{crcs}", f"target-{crcs}"
    for bucket in (source, target):
        client.create_bucket(Bucket=bucket)
    chance = random.Random(2)
    bodies = {f"downloads/{70000 + n}.zip": chance.randbytes(size) for n, size in enumerate(SIZES)}
    for key, body in bodies.items():
        client.put_object(Bucket=source, Key=key, Body=body)
    here = AssemblyWorld(
        S3ArchiveStore(client, source, target, 8, ThreadPoolExecutor),
        source=S3SourceStore(client, source),
        crcs=crcs,
        limits=S3,
        tables=tables,
    )
    job, _ = here.service.start(NewJob(files(*range(70000, 70000 + len(SIZES))), 0, 3600, ArchiveRequest()), ALICE)
    here.work_off()
    after = here.job(job.job_id)
    assert (after.status, after.error) == (JobStatus.READY, None)
    found = client.list_objects_v2(Bucket=target)["Contents"]
    assert [item["Key"] for item in found] == [f"archives/{job.job_id}/1-1.zip"]
    body = client.get_object(Bucket=target, Key=found[0]["Key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        assert archive.testzip() is None
        assert [archive.read(name) for name in archive.namelist()[:-1]] == list(bodies.values())
    assert "Uploads" not in client.list_multipart_uploads(Bucket=target)


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (Trouble.KMS_READ, "forbidden (AccessDenied: The ciphertext refers to a customer master key"),
        (Trouble.RESTORING, "archived"),
        (Trouble.ARCHIVE_ACCESS, "archived"),
    ],
)
def test_an_archive_is_built_of_the_objects_that_can_still_be_read(
    seaweedfs: SeaweedFS, tables: tuple[DynamoJobTable, DynamoAssemblyTable], trouble: Trouble, reason: str
) -> None:
    """They become unreadable once all are checked: the small one is read, the large one is copied."""
    source, target = (f"{kind}-{uuid.uuid4().hex[:8]}" for kind in ("source", "target"))
    bodies = {f"downloads/{70000 + n}.zip": bytes([n]) * size for n, size in enumerate((10, 12 * MiB, 20, 12 * MiB))}
    with StoreProxy((HOST, seaweedfs.port)) as proxy:
        client = SeaweedFS(proxy.server_port, seaweedfs.pid).client(request_checksum_calculation="when_required")
        for bucket in (source, target):
            client.create_bucket(Bucket=bucket)
        for key, content in bodies.items():
            client.put_object(Bucket=source, Key=key, Body=content)
        here = AssemblyWorld(
            S3ArchiveStore(client, source, target, 8, ThreadPoolExecutor),
            source=S3SourceStore(client, source),
            crcs="copy",
            limits=S3,
            tables=tables,
        )
        job, _ = here.service.start(NewJob(files(*range(70000, 70004)), 0, 3600, ArchiveRequest()), ALICE)
        here.until(PlanArchive)
        proxy.objects |= dict.fromkeys(("downloads/70000.zip", "downloads/70001.zip"), trouble)
        here.work_off()
        after = here.job(job.job_id)
        assert (after.status, after.counts.available, after.counts.failed) == (JobStatus.READY, 2, 2)
        page = here.service.files(after, first=0, limit=4).files
        assert all((page[n][1].reason or "").startswith(reason) for n in (0, 1))
        found = client.list_objects_v2(Bucket=target)["Contents"]
        data = client.get_object(Bucket=target, Key=found[0]["Key"])["Body"].read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist()[:-1] == ["70002.zip", "70003.zip"]


class Refusing:
    """A client that may read every object and write none."""

    def upload_part_copy(self, **_: Any) -> Any:
        raise ClientError({"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}, "Copy")

    def get_object(self, **_: Any) -> Any:
        return {"Body": io.BytesIO(b"x")}


def test_a_copy_that_the_archive_bucket_refuses_is_no_fault_of_the_object() -> None:
    archives = S3ArchiveStore(Refusing(), "source", "target", 8, ThreadPoolExecutor)
    with pytest.raises(StorageForbidden) as caught:
        archives.copy_part(MultipartUpload("target.zip", "1"), 1, body=body("etag"))
    assert not isinstance(caught.value, ObjectRefused)
    assert "s3:GetObject" in str(caught.value)
