"""Jobs as a crash leaves them: what the table says is durable, and no message is on its way."""

from __future__ import annotations

import time
from collections.abc import Iterable

from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.callers import ANONYMOUS
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Actor, ArchiveRequest, FileResult, Job, RequestedFile
from chalicelib.jobs.service import JobService, NewJob
from chalicelib.messages import AnyMessage, CheckBatch
from tests.integration.deployment import Deployment, key
from tests.support.builders import new_id
from tests.support.tables import job_table

JOB_TTL = 86_400
SWEEP_AFTER = 0  # at once, as far as the job is concerned; the sweeper still waits for silence


class NoQueue:
    """Loses every message."""

    def send(self, messages: Iterable[AnyMessage], *, delay: int = 0) -> None:
        list(messages)


def job_without_a_message(
    deployment: Deployment, file_ids: Iterable[int], archive: ArchiveRequest | None = None
) -> Job:
    """The API died after its table write, before it sent anything."""
    files = [RequestedFile(key(file_id), file_id) for file_id in file_ids]
    service = JobService(_table(deployment), NoQueue(), _now, new_id, JOB_TTL, SWEEP_AFTER)
    return service.start(NewJob(files, 0, 3_600, archive), Actor(by=ANONYMOUS))[0]


def job_without_a_plan(deployment: Deployment, found: dict[int, FileResult]) -> Job:
    """The worker that recorded the last batch died before it sent the message that plans the archive."""
    job = job_without_a_message(deployment, found, ArchiveRequest(prefix="downloads/"))
    table = _table(deployment)
    lifecycle = JobLifecycle(table, NoQueue(), _now, JOB_TTL)
    begun = lifecycle.begin(CheckBatch(job.job_id, 0))
    assert begun is not None
    table.record_batch(begun, 0, results=list(found.values()), advance=None, now=_now())
    checked = table.get(job.job_id)
    assert checked is not None
    assembling = lifecycle.finish(checked)
    assert assembling is not None
    return assembling


def job_whose_request_cannot_be_read(deployment: Deployment, file_ids: Iterable[int]) -> Job:
    """Its row is there, the files it asks for are not: no code of ours expects that."""
    job = job_without_a_message(deployment, file_ids)
    for row in deployment.stack.items(job.job_id):
        if row["sk"]["S"].startswith("FILES#"):
            place = {"pk": row["pk"], "sk": row["sk"]}
            deployment.stack.clients("dynamodb").delete_item(TableName=deployment.stack.outputs["Table"], Key=place)
    return job


def _table(deployment: Deployment) -> DynamoJobTable:
    return job_table(deployment.stack.clients("dynamodb"), deployment.stack.outputs["Table"])


def _now() -> int:
    return time.time_ns() // 1_000_000
