"""Two jobs of 100,000 files below one prefix, of which the store takes half as many requests as their workers send."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from tests.simulation.deployment import SOURCE, Deployment
from tests.simulation.faults import Faults
from tests.simulation.limits import AWS
from tests.simulation.running import listening
from tests.simulation.s3.content import Content
from tests.simulation.s3.objects import StoredObject
from tests.simulation.scheduler import START_MS

FILES = 100_000
FIRST_ID = 100_000
READS = 2_750  # a second; 50 workers start with 5,500, S3's limit, and others use the prefix as much
WARM_SECONDS = 10  # until there are as many workers as there will be


@pytest.mark.slow
def test_two_large_jobs_use_what_a_busy_prefix_gives() -> None:
    with listening() as surprises:
        deployment = Deployment(1, Faults(1, {}), {}, limits=replace(AWS, prefix_reads=READS), files_per_batch=200)
        try:
            jobs = _run_both(deployment)
            answered = _answered(deployment)
        finally:
            deployment.close()
    assert surprises.found == []
    assert [(job["status"], job["counts"]["available"]) for job in jobs] == [("ready", FILES)] * 2
    assert deployment.messages["CheckBatch"] == 2 * FILES / 200  # none was repeated
    last = max(answered) - WARM_SECONDS  # the last batches are fewer than workers
    steady = [answered[second] for second in range(WARM_SECONDS, last)]
    assert min(steady) > 0.95 * READS


def _answered(deployment: Deployment) -> Counter[int]:
    """How many reads the store has answered in each second."""
    lines = ((ms, str(what)) for _, ms, _, what in deployment.scheduler.trace)
    return Counter(ms // 1000 for ms, what in lines if what.startswith("s3.head_object") and what.endswith(": ok"))


def _run_both(deployment: Deployment) -> list[dict[str, Any]]:
    """The last status of each job."""
    content = Content.of(b"x")
    bucket = deployment.s3.buckets[SOURCE]
    for number in range(FIRST_ID, FIRST_ID + 2 * FILES):
        bucket.put(StoredObject(f"downloads/{number}.zip", content, content.md5().hex(), START_MS))
    ended: list[dict[str, Any]] = []

    def follow(first: int) -> None:
        body = {"file_ids": list(range(first, first + FILES))}
        status, answer = deployment.call("POST", "/v1/download/initiate", body)
        assert status == 202
        while answer["status"] not in ("ready", "failed"):
            deployment.scheduler.sleep(2)
            status, answer = deployment.call("GET", f"/v1/download/status/{answer['jobId']}?limit=1")
            assert status == 200
        ended.append(answer)

    followers = [deployment.scheduler.spawn(f"client of {n}", follow, FIRST_ID + n * FILES) for n in range(2)]
    deployment.scheduler.run(until=lambda: all(follower.done for follower in followers))
    return ended
