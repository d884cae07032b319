"""Jobs of several kinds on an embedded stack whose functions reach AWS through a counting relay."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cost import Counted
from benchmarks.counting import Relay, key_of, size
from benchmarks.job_100k import call
from tests.integration.stack import QUEUES, RunningStack, running_stack

MIB = 2**20
FIRST = 70_000
QUIET_SECONDS = 4.0  # after the job's end: clean-up messages, events of the stream


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of job: so many files of so many bytes each."""

    name: str
    files: int
    length: int
    archived: bool


JOBS = (
    Kind("1 file", 1, 64 * 1024, archived=False),
    Kind("1,000 files", 1_000, 64 * 1024, archived=False),
    Kind("1,000 files of 64 KiB, ZIP", 1_000, 64 * 1024, archived=True),
    Kind("100 files of 8 MiB", 100, 8 * MIB, archived=False),
    Kind("100 files of 8 MiB, ZIP", 100, 8 * MIB, archived=True),
)
CONSUMERS = {"dispatch": "dispatch", "check": "check", "assembly": "assemble"}  # queue -> function


def count_jobs() -> list[Counted]:
    with tempfile.TemporaryDirectory(prefix="lorry-cost-") as folder, Relay() as relay:
        environment = {"AWS_ENDPOINT_URL": relay.url}
        with running_stack(Path(folder), environment=environment) as stack:
            relay.target = ("127.0.0.1", int(stack.outputs["Endpoint"].rpartition(":")[2]))
            stack.put_file(FIRST, b"x")
            _run(stack, 1, archived=True)  # containers start, secrets and credentials are fetched
            return [_counted(stack, relay, kind) for kind in JOBS]


def _counted(stack: RunningStack, relay: Relay, kind: Kind) -> Counted:
    stack.put_files(range(FIRST, FIRST + kind.files), bytes(kind.length))
    relay.tally.clear()
    job_id = _run(stack, kind.files, archived=kind.archived)
    sizes = {key_of(item): size(item) for item in stack.items(job_id)}
    tally = relay.tally
    messages = {queue: tally.counts[f"messages:{_name(stack, queue)}"] for queue in CONSUMERS}
    return Counted(
        name=kind.name,
        files=kind.files,
        bytes=kind.files * kind.length,
        archived=kind.archived,
        invocations=_invocations(messages, tally.job_changes()),
        messages=sum(messages.values()),
        sqs_calls=sum(count for what, count in tally.counts.items() if what.startswith("sqs:")),
        write_units=tally.write_units(sizes),
        read_units=tally.read_units,
        s3_put=tally.counts["s3:put"],
        s3_get=tally.counts["s3:get"],
        secret_calls=tally.counts["secretsmanager:GetSecretValue"],
    )


def _invocations(messages: Mapping[str, int], changes: int) -> dict[str, int]:
    """One for each message, two calls of the API, and at worst one for each change in the table's stream."""
    workers = {CONSUMERS[queue]: count for queue, count in messages.items()}
    return {"api": 2, **workers, "notify": changes}


def _name(stack: RunningStack, queue: str) -> str:
    return str(stack.outputs[QUEUES[queue]]).rsplit("/", 1)[-1]


def _run(stack: RunningStack, files: int, *, archived: bool) -> str:
    """One job to its end, as the table tells it: reads of a status would be counted."""
    request = {"file_ids": list(range(FIRST, FIRST + files)), "archive": archived}
    job_id = str(call(stack, "POST", "/v1/download/initiate", request)["jobId"])
    key = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}
    deadline = time.monotonic() + 600
    while (status := _status(stack, key)) in ("queued", "processing"):
        if time.monotonic() > deadline:
            raise AssertionError(f"the job is still {status}")
        time.sleep(0.1)
    assert status == "ready", status
    time.sleep(QUIET_SECONDS)
    call(stack, "GET", f"/v1/download/status/{job_id}")
    return job_id


def _status(stack: RunningStack, key: dict[str, dict[str, str]]) -> str:
    found = stack.clients("dynamodb").get_item(TableName=stack.outputs["Table"], Key=key, ConsistentRead=True)
    return str(found["Item"]["status"]["S"])
