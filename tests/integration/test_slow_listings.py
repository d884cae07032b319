"""A listing that takes longer than a message may: pages of a slow store are saved as they come."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.integration.deployment import PATIENCE, Deployment, counts
from tests.integration.stack import wait_for
from tests.support.store_proxy import StoreProxy

PREFIX = "downloads/slow/"
FILES = 3_300  # four pages
PAGE_SECONDS = 12.0  # two pages outlast what one message lists


@pytest.mark.slow
def test_a_slow_listing_tells_what_it_has_found_and_continues_there(separate: Deployment, proxy: StoreProxy) -> None:
    def put(number: int) -> None:
        separate.s3.put_object(Bucket=separate.source, Key=f"{PREFIX}{number:05}", Body=b"x")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(FILES)))
    proxy.reset()
    proxy.seconds["LIST"] = PAGE_SECONDS
    job_id = separate.call("POST", "/v1/download/initiate", json={"prefix": PREFIX}).json()["jobId"]
    wait_for("a part of the listing", lambda: separate.brief(job_id)["processed"] > 0, seconds=PATIENCE)
    listing = separate.brief(job_id)
    assert (listing["status"], listing["total"], listing["progress"]) == ("processing", None, 0)
    assert listing["processed"] in (2_000, 3_000)
    job = separate.ended(job_id)
    assert (job["status"], job["total"], counts(job)) == ("ready", FILES, (FILES, 0, 0))
    assert proxy.calls["LIST"] == 4  # none was asked for twice
