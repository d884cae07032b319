"""Objects that the store does not let us read cost those files only; a store that refuses everything costs none."""

from __future__ import annotations

import pytest

from tests.integration.deployment import PATIENCE, Deployment, counts, key, noise, unzipped
from tests.integration.stack import wait_for
from tests.support.store_proxy import StoreProxy, Trouble

MiB = 1024 * 1024
SMALL, LARGE, DENIED, SEALED, FROZEN = range(78_000, 78_005)
REFUSED = {DENIED: Trouble.DENIED, SEALED: Trouble.CUSTOMER_KEY, FROZEN: Trouble.GLACIER}


def test_objects_that_are_refused_cost_those_files_only(separate: Deployment, proxy: StoreProxy) -> None:
    bodies = {SMALL: noise(1_000, SMALL), LARGE: noise(6 * MiB, LARGE)}
    separate.put_all(bodies | dict.fromkeys(REFUSED, b"nobody reads this"))
    proxy.objects = {key(file_id): trouble for file_id, trouble in REFUSED.items()}
    job = separate.run([SMALL, LARGE, *REFUSED], archive=True)
    assert (job["status"], counts(job)) == ("ready", (2, 0, 3))
    reasons = {file["id"]: file["reason"] or "" for file in job["files"]}
    assert reasons[DENIED] == "forbidden (AccessDenied: Access Denied)"
    assert reasons[SEALED].startswith("customer_key (InvalidRequest: The object was stored")
    assert reasons[FROZEN] == "archived"
    entries = unzipped(separate.fetch(job["archives"][0]["url"]))
    assert {name: entries[name] for name in entries if name != "MANIFEST.json"} == {
        f"{file_id}.zip": body for file_id, body in bodies.items()
    }
    checked = separate.call("POST", "/v1/download/check", json={"file_id": SEALED}).json()
    assert (checked["available"], checked["reason"]) == (False, reasons[SEALED])


def test_a_store_that_refuses_everything_costs_no_file(separate: Deployment, proxy: StoreProxy) -> None:
    separate.put_all({SMALL: b"small"})
    proxy.everything = Trouble.DENIED
    job_id = separate.initiate([SMALL])
    wait_for("a refused batch", lambda: "batch_retried" in kinds(separate, job_id), seconds=PATIENCE)
    assert separate.brief(job_id)["status"] == "processing"
    proxy.everything = None
    job = separate.ended(job_id)
    assert (job["status"], counts(job)) == ("ready", (1, 0, 0))


def kinds(separate: Deployment, job_id: str) -> list[str]:
    """What the audit trail has."""
    events = separate.call("GET", f"/v1/download/{job_id}/events").json()["events"]
    return [event["kind"] for event in events]


def retried(deployment: Deployment, job_id: str) -> int:
    return deployment.call("POST", f"/v1/download/{job_id}/retry").status_code


@pytest.mark.parametrize("archive", [False, True])
def test_a_retry_of_a_ready_job_finds_what_was_restored_since(
    separate: Deployment, proxy: StoreProxy, archive: bool
) -> None:
    bodies = {SMALL: noise(1_000, SMALL), DENIED: noise(10, DENIED), FROZEN: noise(6 * MiB, FROZEN)}
    separate.put_all(bodies)
    proxy.objects = {key(FROZEN): Trouble.GLACIER, key(DENIED): Trouble.DENIED}
    job = separate.run(bodies, archive=archive)
    assert (job["status"], counts(job)) == ("ready", (1, 0, 2))
    proxy.objects = {key(DENIED): Trouble.DENIED}
    assert retried(separate, job["jobId"]) == 202
    job = separate.ended(job["jobId"])
    assert (job["status"], counts(job)) == ("ready", (2, 0, 1))
    proxy.objects = {}
    assert retried(separate, job["jobId"]) == 202
    job = separate.ended(job["jobId"])
    assert (job["status"], counts(job)) == ("ready", (3, 0, 0))
    assert [separate.fetch(url) for url in job["resultUrls"]] == list(bodies.values())
    for made in job["archives"]:
        entries = unzipped(separate.fetch(made["url"]))
        assert {name: entries[name] for name in entries if name != "MANIFEST.json"} == {
            f"{file_id}.zip": body for file_id, body in bodies.items()
        }
    assert len(job["archives"]) == archive
    assert retried(separate, job["jobId"]) == 409


def test_a_job_of_archived_files_only_says_what_to_do_and_can_be_retried(
    separate: Deployment, proxy: StoreProxy
) -> None:
    separate.put(FROZEN, b"frozen")
    proxy.objects = {key(FROZEN): Trouble.GLACIER}
    job = separate.run([FROZEN], archive=True)
    assert (job["status"], job["error"]["code"]) == ("failed", "no_files_available")
    assert job["error"]["message"].endswith("1 archived: restore it first")
    proxy.objects = {}
    assert retried(separate, job["jobId"]) == 202
    assert separate.ended(job["jobId"])["status"] == "ready"


def test_a_store_that_refuses_many_requests_costs_no_batch(separate: Deployment, proxy: StoreProxy) -> None:
    bodies = {number: noise(2_000, number) for number in range(78_100, 78_400)}
    bodies |= {number: noise(6 * MiB, number) for number in range(78_400, 78_404)}
    separate.put_all(bodies)
    proxy.slow_down = dict.fromkeys(("HEAD", "GET", "LIST", "COPY", "PUT", "POST", "DELETE"), 0.08)
    job = separate.run(bodies, archive=True)
    assert (job["status"], counts(job)) == ("ready", (len(bodies), 0, 0))
    assert not {"batch_retried", "assembly_retried"} & set(kinds(separate, job["jobId"]))
    proxy.reset()
    entries = unzipped(separate.fetch(job["archives"][0]["url"]))
    assert all(entries[f"{number}.zip"] == body for number, body in bodies.items())
