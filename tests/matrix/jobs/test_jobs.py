"""Jobs from beginning to end, successful and not, and what tells of their ends."""

from __future__ import annotations

from chalicelib.messages import CheckBatch, encode
from tests.integration.deployment import PATIENCE, Deployment, counts
from tests.integration.stack import wait_for
from tests.integration.test_jobs import (  # noqa: F401  # they run here, too
    test_a_job_of_one_file_is_downloaded_by_its_own_address,
    test_a_link_can_be_resumed_where_it_was_cut_off,
    test_everything_below_a_prefix,
    test_sixty_files_of_which_one_is_missing,
)
from tests.integration.test_webhooks import receiving, verified

PRESENT, ABSENT = 61_000, 61_999
NO_JOB = "00000000-0000-4000-8000-00000000dead"


def test_everything_answers(deployment: Deployment) -> None:
    health = deployment.call("GET", "/health")
    assert (health.status_code, health.json()["status"]) == (200, "healthy")


def test_the_end_of_a_job_is_told_by_a_webhook(deployment: Deployment) -> None:
    deployment.put(PRESENT, b"present")
    with receiving(500) as receiver:
        job = deployment.run([PRESENT, ABSENT], callbackUrl=receiver.url)
        assert (job["status"], counts(job)) == ("ready", (1, 1, 0))
        wait_for("second attempt", lambda: len(receiver.got) == 2, seconds=PATIENCE)
        payloads = [verified(deployment, headers, body) for headers, body in receiver.got]
    assert [payload["data"]["jobId"] for payload in payloads] == [job["jobId"]] * 2


def test_a_cancelled_job_stays_cancelled(deployment: Deployment) -> None:
    deployment.put(PRESENT, b"present")
    job_id = deployment.initiate([PRESENT, *range(61_100, 61_900)])
    assert deployment.call("DELETE", f"/v1/download/{job_id}").status_code in (200, 202, 204)
    deployment.drained("dispatch", "check")
    assert deployment.brief(job_id)["status"] == "cancelled"


def test_a_message_that_nobody_can_read_is_parked_and_disturbs_nothing(deployment: Deployment) -> None:
    deployment.stack.send("check", "not a message")
    wait_for("parked message", lambda: deployment.stack.depth("unreadable")[0] >= 1, seconds=PATIENCE)
    deployment.put(PRESENT, b"present")
    assert deployment.run([PRESENT])["status"] == "ready"


def test_a_batch_of_no_job_is_done_with_at_once(deployment: Deployment) -> None:
    deployment.stack.send("check", encode(CheckBatch(NO_JOB, 0)))
    deployment.drained("check")
    assert deployment.stack.depth("check_dead") == (0, 0)
