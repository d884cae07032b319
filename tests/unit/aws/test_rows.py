"""Plain values as attributes of DynamoDB; values of jobs as rows."""

from __future__ import annotations

import random
from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.aws import keys, rows
from chalicelib.aws.rows import attribute, attributes, plain
from chalicelib.jobs.model import Actor, ArchiveRequest, Failure, FileResult, FileState, Job, JobEvent, JobStatus, Step
from chalicelib.limits import KiB
from tests.support.builders import files, job

VALUES: list[Any] = [
    "text",
    "",
    "ü\x00\n",
    0,
    -7,
    2**63,
    True,
    False,
    None,
    [1, "two", [None]],
    {"a": 1, "b": {"c": [True]}},
    {"one", "two"},
    {1, 2},
]


@pytest.mark.parametrize("value", VALUES)
def test_a_value_lies_in_a_row_as_the_sdk_would_put_it_and_comes_back(value: Any) -> None:
    stored = attribute(value)
    sets = {kind: sorted(members) for kind, members in stored.items() if kind in ("SS", "NS")}
    theirs = TypeSerializer().serialize(value)
    assert (sets or stored) == ({kind: sorted(members) for kind, members in theirs.items()} if sets else theirs)
    assert plain({"value": stored}) == {"value": value}
    assert TypeDeserializer().deserialize(stored) == value


def test_bytes_come_back() -> None:
    assert plain(attributes({"body": b"\x00\xff"})) == {"body": b"\x00\xff"}


def test_an_enumeration_is_stored_by_its_value() -> None:
    assert attribute(JobStatus.READY) == {"S": "ready"}


def test_what_is_none_is_left_out_of_a_row() -> None:
    assert attributes({"a": None, "b": 0, "c": ""}) == {"b": {"N": "0"}, "c": {"S": ""}}


@pytest.mark.parametrize("value", [1.5, object(), set()])
def test_a_value_that_no_row_holds_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no attribute"):
        attribute(value)


TTL = 4_000_000_000

JOBS = {
    "queued": job(),
    "processing": job(
        status=JobStatus.PROCESSING, step=Step.CHECKSUMMING, archive=ArchiveRequest("a.zip", "tree", "fail", "b/")
    ),
    "failed": job(status=JobStatus.FAILED, error=Failure("gave_up", "because"), finished_at=1_700_000_000_001),
    "of a prefix": job(prefix="downloads/ü", total=0, callback_url="https://example.com/?a=1", fingerprint="f" * 32),
}


@pytest.mark.parametrize("value", JOBS.values(), ids=JOBS.keys())
def test_a_job_comes_back_as_it_was_stored(value: Job) -> None:
    row = rows.job_row(value, ttl=TTL)
    assert rows.job_from(row) == value
    assert {name: row[name] for name in ("pk", "sk")} == keys.job(value.job_id)
    assert row["open_shard"]["S"] in keys.OPEN_SHARDS
    assert (row["ttl"], row["batches"]) == ({"N": str(TTL)}, {"N": str(value.batches)})


def results(count: int) -> list[FileResult]:
    chance = random.Random(1)
    made = [
        FileResult(
            FileState.AVAILABLE,
            size=chance.randrange(5_000_000),
            etag=chance.randbytes(16).hex(),
            modified=1_700_000_000_000 + 1_000 * chance.randrange(10**7),
            crc32=chance.randrange(2**32),
        )
        for _ in range(count - 1)
    ]
    return [*made, FileResult(FileState.MISSING, reason="not_found")]


def test_files_and_results_come_back_as_they_were_stored() -> None:
    requested = files(70_000, 70_001)
    row = rows.files_row(job(), 3, files=requested, ttl=TTL)
    assert rows.files_from(row) == tuple(requested)
    assert keys.batch_of(row) == 3
    found = results(200)
    stored = rows.result_row(job(), 3, results=found, ttl=TTL, following=17)
    assert (rows.results_from(stored), rows.following_from(stored)) == (tuple(found), 17)
    assert rows.following_from(rows.result_row(job(), 3, results=found, ttl=TTL)) is None


def test_the_rows_of_a_full_batch_are_small() -> None:
    """Write units count kilobytes; each result has an ETag and a CRC-32 that cannot be compressed."""
    assert body(rows.result_row(job(), 0, results=results(200), ttl=TTL), "results") < 9 * KiB
    assert body(rows.files_row(job(), 0, files=files(*range(70_000, 70_200)), ttl=TTL), "files") < 1 * KiB


def body(row: dict[str, Any], name: str) -> int:
    return len(row[name]["B"])


def test_errors_and_events_come_back_as_they_were_stored() -> None:
    failure = Failure("storage_throttled", "slow down")
    assert rows.error_from(rows.error_row("one", None, error=failure, ttl=TTL)) == failure
    event = JobEvent("links_issued", 1_700_000_000_000, Actor("user:bob", "request", "trace"), {"count": 7})
    row = rows.event_row("one", event, token="0123abcd", ttl=TTL)
    assert rows.event_from(row) == event
    assert row["sk"] == {"S": "EVENT#1700000000000#0123abcd"}
