"""Keys of the table."""

from __future__ import annotations

import uuid
from collections import Counter

from chalicelib.aws import keys

ID = "6f6b0f9e-0000-4000-8000-000000000001"


def test_rows_that_grow_with_a_job_are_spread_evenly_over_its_shards() -> None:
    partitions = Counter(keys.result(ID, batch, listing="")["pk"]["S"] for batch in range(3_200))
    assert len(partitions) == keys.SHARDS
    assert set(partitions.values()) == {200}


def test_files_and_results_of_a_batch_share_a_shard_and_differ_by_listing() -> None:
    rows = [key(ID, 17, listing=listing) for key in (keys.files, keys.result) for listing in ("a", "b")]
    assert {row["pk"]["S"] for row in rows} == {f"JOB#{ID}#01"}
    assert len({row["sk"]["S"] for row in rows}) == 4


def test_each_row_of_a_job_names_its_job() -> None:
    rows = [
        keys.job(ID),
        keys.event(ID, 1_700_000_000_000, token="00000000"),
        keys.error(ID, None),
        keys.error(ID, 3),
        keys.files(ID, 3, listing="a"),
        keys.result(ID, 3, listing="a"),
        keys.archive(ID, 1, number=1),
        keys.plan(ID, 1),
        keys.changed(ID, 1, token="00000000"),
        keys.receipt(ID, 1, number=1, phase="body", chunk=31),
        keys.subscription(ID, "connection"),
    ]
    assert {keys.job_id_of(row) for row in rows} == {ID}
    assert len({(row["pk"]["S"], row["sk"]["S"]) for row in rows}) == len(rows)


def test_open_jobs_are_spread_over_the_shards_of_their_index() -> None:
    shards = Counter(keys.open_shard(str(uuid.UUID(int=n * 2**64 + n))) for n in range(8_000))
    assert set(shards) == set(keys.OPEN_SHARDS)
    assert max(shards.values()) < 1_500
    assert keys.open_shard(ID) == keys.open_shard(ID)
