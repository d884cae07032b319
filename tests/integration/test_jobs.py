"""Jobs from the request to the files, through gateway, queues, workers and store."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from chalicelib.messages import CheckBatch, DispatchJob, encode
from tests.integration.deployment import Deployment, counts, noise
from tests.integration.relay import Relay
from tests.integration.stack import wait_for

SIXTY = range(62_000, 62_060)
THE_MISSING_ONE = 62_033
MANY = range(58_000, 59_200)  # no other module puts files here
PRESENT_OF_MANY = range(58_000, 59_000)
NOWHERE = range(9_000_000, 9_002_000)


@pytest.fixture(scope="module")
def many(local: Deployment) -> None:
    local.put_all(dict.fromkeys(PRESENT_OF_MANY, b"many"))


@pytest.fixture
def slow_store(relay: Relay) -> Iterator[Relay]:
    """Every request to the store of `separate` takes a quarter of a second, so a job can be watched on its way."""
    relay.delay = 0.25
    yield relay
    relay.delay = 0.0


def test_sixty_files_of_which_one_is_missing(deployment: Deployment) -> None:
    contents = {file_id: noise(300, file_id) for file_id in SIXTY if file_id != THE_MISSING_ONE}
    deployment.put_all(contents)
    job = deployment.run(SIXTY)
    assert (job["status"], counts(job), job["error"]) == ("ready", (59, 1, 0), None)
    assert [file["id"] for file in job["files"]] == list(SIXTY)
    for file_id, url, file in zip(SIXTY, job["resultUrls"], job["files"], strict=True):
        if file_id == THE_MISSING_ONE:
            assert (url, file["state"], file["reason"]) == (None, "missing", "not_found")
        else:
            assert deployment.fetch(url) == contents[file_id]
            assert (file["state"], file["size"]) == ("available", 300)


def test_a_link_can_be_resumed_where_it_was_cut_off(deployment: Deployment) -> None:
    deployment.put(62_100, noise(1_000))
    (url,) = deployment.run([62_100])["resultUrls"]
    assert deployment.fetch(url, Range="bytes=400-") == noise(1_000)[400:]


def test_a_job_of_one_file_is_downloaded_by_its_own_address(deployment: Deployment) -> None:
    deployment.put(62_101, b"alone")
    job = deployment.run([62_101])
    for path in ("", "/files/0"):
        answer = deployment.call("GET", f"/v1/download/{job['jobId']}{path}")
        assert answer.status_code == 302
        assert deployment.fetch(answer.headers["location"]) == b"alone"


def test_everything_below_a_prefix(deployment: Deployment) -> None:
    names = [f"downloads/album/{name}" for name in ("a.jpg", "b/c.jpg", "zoë.jpg")]
    for name in [*names, "downloads/albums.txt"]:
        deployment.s3.put_object(Bucket=deployment.source, Key=name, Body=name.encode())
    answer = deployment.call("POST", "/v1/download/initiate", json={"prefix": "downloads/album/"})
    assert (answer.status_code, answer.json()["totalFileIds"]) == (202, None)
    job = deployment.ended(answer.json()["jobId"])
    assert (job["status"], job["total"], counts(job)) == ("ready", 3, (3, 0, 0))
    assert [file["key"] for file in job["files"]] == names
    assert [deployment.fetch(url) for url in job["resultUrls"]] == [name.encode() for name in names]


@pytest.mark.usefixtures("many")
def test_more_than_a_thousand_files_come_in_pages(local: Deployment) -> None:
    job = local.run(MANY)
    assert (job["status"], counts(job)) == ("ready", (1_000, 200, 0))
    assert len(job["files"]) == len(job["resultUrls"]) == 1_000
    last = local.status(job["jobId"], cursor=job["nextCursor"])
    assert [file["id"] for file in job["files"] + last["files"]] == list(MANY)
    assert last["resultUrls"] == [None] * 200
    assert last["nextCursor"] is None
    middle = local.status(job["jobId"], cursor=555, limit=7)
    assert [file["id"] for file in middle["files"]] == list(MANY[555:562])
    assert local.fetch(middle["resultUrls"][3]) == b"many"


@pytest.mark.usefixtures("many")
def test_progress_never_goes_back_and_counts_add_up_on_the_way(local: Deployment) -> None:
    job_id = local.initiate(MANY)
    seen = []

    def ended() -> bool:
        seen.append(local.brief(job_id))
        return bool(seen[-1]["status"] == "ready")

    wait_for("end of the job", ended, seconds=120)
    for name in ("progress", "processed"):
        values = [job[name] for job in seen]
        assert values == sorted(values)
    assert all(sum(counts(job)) == job["processed"] <= job["total"] == 1_200 for job in seen)
    assert all((job["progress"] == 100) == (job["status"] == "ready") for job in seen)


@pytest.mark.usefixtures("many")
def test_messages_that_come_twice_change_no_count(local: Deployment) -> None:
    job_id = local.initiate(MANY)
    repeat_all_messages(local, job_id)
    job = local.ended(job_id)
    assert (job["status"], counts(job)) == ("ready", (1_000, 200, 0))
    repeat_all_messages(local, job_id)
    local.drained("check", "dispatch")
    again = local.status(job_id)
    assert [again[name] for name in ("counts", "updatedAt", "finishedAt", "files")] == [
        job[name] for name in ("counts", "updatedAt", "finishedAt", "files")
    ]


def repeat_all_messages(local: Deployment, job_id: str) -> None:
    local.stack.send("dispatch", encode(DispatchJob(job_id)))
    for batch in range(6):
        local.stack.send("check", encode(CheckBatch(job_id, batch)))


def test_a_job_that_is_cancelled_half_way_stops_and_never_turns_ready(separate: Deployment, slow_store: Relay) -> None:
    job_id = separate.initiate(NOWHERE)
    wait_for("first results", lambda: separate.brief(job_id)["processed"], seconds=120)
    answer = separate.call("DELETE", f"/v1/download/{job_id}")
    assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    at_cancel = answer.json()["processed"]
    assert at_cancel < len(NOWHERE)
    separate.drained("check")
    job = separate.status(job_id)
    assert (job["status"], job["processed"], job["resultUrls"]) == ("cancelled", at_cancel, None)
    heads = sum(count for request, count in slow_store.requests.items() if "/9000" in request or "/9001" in request)
    assert heads < len(NOWHERE)  # what had not begun never did
    again = separate.call("DELETE", f"/v1/download/{job_id}")
    assert (again.status_code, again.json()["status"]) == (202, "cancelled")


def test_a_job_that_has_ended_cannot_be_cancelled(local: Deployment) -> None:
    job = local.run(SIXTY)
    answer = local.call("DELETE", f"/v1/download/{job['jobId']}")
    assert (answer.status_code, answer.json()["error"]) == (409, "job_already_ended")
    assert local.brief(job["jobId"])["status"] == job["status"]
