"""The store does not answer for a while: that is an error that passes, and never a missing file."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from chalicelib.aws.health import FRESH_SECONDS
from tests.integration.deployment import PATIENCE, Deployment, Document, counts, noise, unzipped
from tests.integration.relay import Relay
from tests.integration.stack import wait_for

MiB = 1024 * 1024
OUTAGE_SECONDS = 10.0
CHECKED = range(75_000, 75_900)
PRESENT = range(75_000, 75_600)
ARCHIVED = range(76_000, 76_006)


@pytest.fixture(autouse=True)
def whole_again(relay: Relay) -> Iterator[None]:
    """Whatever a test does to the store's address, the next one finds it as it was."""
    yield
    relay.delay = 0.0
    relay.cut()  # nobody waits any more
    relay.restore()


def test_ten_seconds_without_the_store_cost_no_file(separate: Deployment, relay: Relay) -> None:
    separate.put_all(dict.fromkeys(PRESENT, b"present"))
    separate.put_all({file_id: noise(9 * MiB, file_id) for file_id in ARCHIVED})
    archiving = separate.initiate(ARCHIVED, archive=True)
    separate.assembling(archiving)
    relay.delay = 0.1
    checking = separate.initiate(CHECKED)
    wait_for("first results", lambda: separate.brief(checking)["processed"], seconds=PATIENCE)
    relay.cut()
    relay.delay = 0.0
    for job in watched(separate, checking, until=time.monotonic() + OUTAGE_SECONDS):
        assert job["status"] == "processing"
        assert job["counts"]["missing"] <= len(CHECKED) - len(PRESENT)
    health = separate.call("GET", "/health")
    assert health.status_code == 503
    assert health.json() == {"status": "unhealthy", "checks": {"storage": "error", "table": "ok", "queue": "ok"}}
    relay.restore()
    job = separate.ended(checking)
    assert (job["status"], counts(job)) == ("ready", (len(PRESENT), len(CHECKED) - len(PRESENT), 0))
    assert all((file["state"] == "available") == (file["id"] in PRESENT) for file in job["files"])
    archived = separate.ended(archiving)
    assert (archived["status"], counts(archived)) == ("ready", (len(ARCHIVED), 0, 0))
    entries = unzipped(separate.fetch(archived["archives"][0]["url"]))
    assert [entries[f"{file_id}.zip"] == noise(9 * MiB, file_id) for file_id in ARCHIVED] == [True] * len(ARCHIVED)
    separate.tidied(archiving)


def watched(separate: Deployment, job_id: str, *, until: float) -> Iterator[Document]:
    while time.monotonic() < until:
        yield separate.brief(job_id)
        time.sleep(0.2)


def test_check_answers_503_while_the_store_is_away_and_does_not_call_the_file_missing(
    separate: Deployment, relay: Relay
) -> None:
    relay.cut()
    answer = separate.call("POST", "/v1/download/check", json={"file_id": 70_000})
    assert (answer.status_code, answer.json()["error"]) == (503, "storage_unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert str(relay.port) not in answer.text and "127.0.0.1" not in answer.text  # nothing internal leaks


def test_health_does_not_wait_for_a_store_that_hangs(separate: Deployment, relay: Relay) -> None:
    assert separate.call("GET", "/health").status_code == 200
    relay.delay = 20.0
    time.sleep(FRESH_SECONDS)  # until then the verdict of before is good enough
    started = time.monotonic()
    answer = separate.call("GET", "/health")
    assert (answer.status_code, answer.json()["checks"]["storage"]) == (503, "error")
    assert time.monotonic() - started < 15  # 3 s is the promise; the machine may be busy
