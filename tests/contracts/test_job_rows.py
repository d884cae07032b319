"""How large the rows of jobs can get, measured in DynamoDB's own way: names and values."""

from __future__ import annotations

import secrets
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.callers import bearer
from chalicelib.jobs.model import ArchiveRequest, Failure, FileResult, FileState, Job, RequestedFile
from chalicelib.jobs.ports import Advance
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import (
    MAX_BATCH_KEY_BYTES,
    MAX_CALLBACK_URL_CHARACTERS,
    MAX_ERROR_BYTES,
    MAX_FILES_PER_BATCH,
    MAX_FILES_PER_JOB,
    MAX_LABEL_CHARACTERS,
    MAX_TABLE_ITEM_BYTES,
    S3_MAX_KEY_BYTES,
    KiB,
)
from tests.contracts.test_job_table import NOW, change, record
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.tables import create_table, job_table

LONG_KEYS = MAX_BATCH_KEY_BYTES // S3_MAX_KEY_BYTES  # in one batch
LARGEST = {
    "100,000 ids": files(*range(99_999_000, 99_999_000 + MAX_FILES_PER_BATCH)),
    "1,024-byte keys": [RequestedFile(secrets.token_hex(S3_MAX_KEY_BYTES // 2)) for _ in range(LONG_KEYS)],
}


@pytest.mark.parametrize("batch", LARGEST.values(), ids=LARGEST.keys())
def test_no_row_of_the_largest_job_passes_the_bound(batch: list[RequestedFile]) -> None:
    """One batch is written in full, the others only counted."""
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        table = job_table(client)
        table.create(largest_job(batch), [batch], event=event())
        table.apply(change(Trigger.START))
        results = [
            FileResult(FileState.AVAILABLE, 5 * 2**40 - n, secrets.token_hex(16) + "-10000", NOW * 1000, 2**32 - n)
            for n in range(len(batch))
        ]
        record(table, 0, results, Advance(MAX_FILES_PER_JOB - 1, (MAX_FILES_PER_JOB - 2,)))
        table.apply(change(Trigger.FAIL, error=Failure("storage_forbidden", "x" * MAX_ERROR_BYTES)))
        rows = {row["sk"]["S"].partition("#")[0]: _row_bytes(row) for row in client.scan(TableName="jobs")["Items"]}
    assert rows.keys() == {"JOB", "FILES", "RESULT", "EVENT"}
    assert max(rows.values()) <= MAX_TABLE_ITEM_BYTES
    assert rows["RESULT"] < 10 * KiB
    assert rows["JOB"] < 4 * KiB + MAX_CALLBACK_URL_CHARACTERS + 4 * MAX_LABEL_CHARACTERS


def largest_job(batch: list[RequestedFile]) -> Job:
    """Everything that a caller may choose, as long as it may be."""
    prefix = "p" * S3_MAX_KEY_BYTES
    url = "https://example.com/" + "u" * (MAX_CALLBACK_URL_CHARACTERS - 20)
    made = job(
        owner=bearer("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_" + "i" * 50, "o" * 255),
        total=MAX_FILES_PER_JOB,
        batch_size=len(batch),
        prefix=prefix,
    )
    return replace(
        made,
        archive=ArchiveRequest("f" * 255, "tree", "fail"),
        callback_url=url,
        fingerprint="f" * 32,
        label="\U0001f4e6" * MAX_LABEL_CHARACTERS,
    )


def _row_bytes(row: dict[str, dict[str, Any]]) -> int:
    return sum(len(name) + sum(_value_bytes(value) for value in stored.values()) for name, stored in row.items())


def _value_bytes(value: Any) -> int:
    """Of numbers a little too much: DynamoDB takes about a byte for two digits."""
    if isinstance(value, dict):
        return 3 + _row_bytes(value)
    return len(value) if isinstance(value, bytes) else len(str(value).encode())
