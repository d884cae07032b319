"""The table of jobs within AWS's limits of one partition."""

from __future__ import annotations

import random
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.jobs.dispatching import batch_size
from chalicelib.jobs.model import RequestedFile
from chalicelib.limits import MAX_BODY_BYTES, MAX_FILES_PER_JOB
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Alone
from tests.simulation.limits import AWS, Limits
from tests.support.builders import event, job
from tests.support.tables import create_table, token

LONGEST = MAX_BODY_BYTES // MAX_FILES_PER_JOB - len('"",')  # of a key, if a request has as many as it may


def limited(limits: Limits) -> tuple[DynamoJobTable, Alone]:
    environment = Alone(limits=limits)
    client: Any = SimulatedClient(SimulatedDynamoDB(environment))
    create_table(client, "jobs")
    return DynamoJobTable(Table(client, "jobs", environment.sleep, lambda low, high: high), 3600, token), environment


def seconds_to_create(limits: Limits, *, key_bytes: int) -> float:
    """Seconds that the table makes a request with as many files as possible wait. Their keys are hard to compress."""
    chance = random.Random(1)
    files = [RequestedFile(f"downloads/{chance.randbytes(key_bytes).hex()}"[:key_bytes]) for _ in range(100_000)]
    size = batch_size([file.key for file in files])
    table, environment = limited(limits)
    before = environment.now_ms()
    batches = [files[start : start + size] for start in range(0, len(files), size)]
    assert table.create(replace(job(), total=len(files), batch_size=size), batches, event=event())
    assert table.read_batch(replace(job(), total=len(files), batch_size=size), 77).files == tuple(batches[77])
    return (environment.now_ms() - before) / 1000


@pytest.mark.parametrize("key_bytes", [LONGEST, 1_000])
def test_a_job_of_the_most_and_longest_keys_waits_under_three_seconds_for_its_partitions(key_bytes: int) -> None:
    assert seconds_to_create(AWS, key_bytes=key_bytes) < 3


def test_the_limit_of_a_partition_is_felt() -> None:
    """Or the test above would prove nothing."""
    assert seconds_to_create(Limits(partition_write_units=10), key_bytes=LONGEST) > 3
