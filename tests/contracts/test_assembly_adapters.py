"""Archives built through the real adapters: S3 on SeaweedFS, the table on moto."""

from __future__ import annotations

import io
import random
import zipfile
from collections.abc import Iterator

import boto3
import pytest

from chalicelib.archive.rules import S3
from chalicelib.assembly.model import Archive, CrcSource, Phase, Receipt, Upload
from chalicelib.assembly.ports import AssemblyTable, ChunkOutcome
from chalicelib.aws.assembly_table import DynamoAssemblyTable
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.jobs.model import ArchiveRequest, Counts, FileResult, FileState, Job, JobStatus
from chalicelib.jobs.ports import Change, JobTable
from chalicelib.jobs.service import NewJob
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import MiB
from tests.assembly_world import AssemblyWorld
from tests.aws import emulated_aws
from tests.builders import ALICE, event, files, job
from tests.fake_assembly import FakeAssemblyTable
from tests.fakes import FakeJobTable
from tests.seaweed import SeaweedFS
from tests.support.tables import assembly_table, create_table, job_table

SIZES = [10, 6 * MiB, 0, 17 * MiB, 100_000, 5 * MiB - 1, 5 * MiB, 12 * MiB]


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
        S3ArchiveStore(client, source, target, 8),
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


# --- versions ---------------------------------------------------------------------------

ARCHIVE = Archive(
    job_id=job().job_id,
    generation=1,
    number=1,
    filename="a.zip",
    size=100,
    entries=1,
    parts=1,
    crc_source=CrcSource.COPY,
    verified=True,
    staging="staging/",
    fingerprint="f",
    cost={},
    uploads=(Upload("archives/a.zip", "upload"),),
    chunks={Phase.BODY: 2},
    phase=Phase.BODY,
)
NOW = 1_700_000_001_000
GONE = FileResult(FileState.MISSING, reason="not_found")


@pytest.fixture(params=["fake", "dynamodb"])
def both(request: pytest.FixtureRequest) -> tuple[JobTable, AssemblyTable]:
    """A job's table and its assembly's, with a job whose only file is checked."""
    if request.param == "fake":
        fake = FakeJobTable()
        jobs: JobTable = fake
        assembly: AssemblyTable = FakeAssemblyTable(fake)
    else:
        jobs, assembly = request.getfixturevalue("tables")
    jobs.create(job(archive=ArchiveRequest()), [files(70000)], event())
    begun = jobs.apply(Change(job_id=ARCHIVE.job_id, trigger=Trigger.START, event=event("started")))
    assert begun is not None
    jobs.record_batch(begun, 0, [FileResult(FileState.AVAILABLE, size=7)], advance=None, now=NOW)
    jobs.apply(Change(job_id=ARCHIVE.job_id, trigger=Trigger.ASSEMBLE, event=event("checked"), all_checked=True))
    return jobs, assembly


def read(jobs: JobTable) -> Job:
    found = jobs.get(ARCHIVE.job_id)
    assert found is not None
    return found


def test_the_version_grows_with_each_step_of_an_assembly_that_a_client_sees(
    both: tuple[JobTable, AssemblyTable],
) -> None:
    jobs, assembly = both
    versions = [read(jobs).version]
    for make in (
        lambda: assembly.open_archives(read(jobs), Trigger.BUILD, [ARCHIVE], event("planned")),
        lambda: assembly.record_chunk(ARCHIVE, 0, Receipt(), size=50, now=NOW) is ChunkOutcome.RECORDED,
        lambda: assembly.next_generation(read(jobs), ["downloads/70000.zip"], event("replanned")),
        lambda: assembly.replace_results(read(jobs), {0: GONE}, Counts(-1, 1, 0), size=-7),
    ):
        assert make()
        versions.append(read(jobs).version)
    assert versions == list(range(versions[0], versions[0] + 5))


def test_the_version_stays_where_a_step_changes_nothing_that_a_client_sees(
    both: tuple[JobTable, AssemblyTable],
) -> None:
    jobs, assembly = both
    assembly.open_archives(read(jobs), Trigger.BUILD, [ARCHIVE], event("planned"))
    assembly.record_chunk(ARCHIVE, 0, Receipt(), size=50, now=NOW)
    seen = read(jobs)
    assert not assembly.open_archives(seen, Trigger.BUILD, [ARCHIVE], event("planned"))
    assert assembly.record_chunk(ARCHIVE, 0, Receipt(), size=50, now=NOW) is ChunkOutcome.DUPLICATE
    assembly.enter_phase(ARCHIVE, Phase.FINISH)
    assembly.cleaned_up(seen, sweep_at=NOW + 9)
    assert read(jobs).version == seen.version
