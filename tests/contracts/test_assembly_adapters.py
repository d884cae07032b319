"""Archives built through the real adapters: S3 on SeaweedFS, the table on moto."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator

import boto3
import pytest
from moto import mock_aws

from chalicelib.adapters.dynamodb_assembly import DynamoAssemblyTable
from chalicelib.adapters.dynamodb_jobs import DynamoJobTable
from chalicelib.adapters.s3_archives import S3ArchiveStore
from chalicelib.adapters.s3_source import S3SourceStore
from chalicelib.archive.rules import S3
from chalicelib.jobs.model import ArchiveRequest, JobStatus
from chalicelib.jobs.service import NewJob
from chalicelib.limits import MiB
from tests.assembly_world import AssemblyWorld
from tests.builders import ALICE, files
from tests.seaweed import SeaweedFS
from tests.tables import create_table

SIZES = [10, 6 * MiB, 0, 17 * MiB, 100_000, 5 * MiB - 1, 5 * MiB, 12 * MiB]


@pytest.fixture
def tables() -> Iterator[tuple[DynamoJobTable, DynamoAssemblyTable]]:
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield DynamoJobTable(client, "jobs", 3600), DynamoAssemblyTable(client, "jobs", 3600)


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
        S3ArchiveStore(client, source, target, 8),
        source=S3SourceStore(client, source),
        crcs=crcs,
        limits=S3,
        tables=tables,
    )
    job = here.service.start(NewJob(files(*range(70000, 70000 + len(SIZES))), 0, 3600, ArchiveRequest()), ALICE)
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
