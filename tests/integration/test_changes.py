"""Archives that are disturbed while they are being built: by their owner, by the files' owner, by an operator."""

from __future__ import annotations

from functools import partial

from chalicelib.aws.dynamodb import Table
from chalicelib.aws.keys import SHARDS
from chalicelib.aws.updates import equals
from tests.integration.deployment import PATIENCE, Deployment, Document, counts, noise, unzipped
from tests.integration.stack import wait_for

MiB = 1024 * 1024
FILES = range(77_000, 77_006)
SIZE = 9 * MiB
CHANGED, RESIZED, GONE = FILES[1], FILES[2], FILES[4]


def contents(seed: int = 0) -> dict[int, bytes]:
    return {file_id: noise(SIZE, file_id + seed) for file_id in FILES}


def entries(deployment: Deployment, job: Document) -> dict[str, bytes]:
    assert (job["status"], job["error"]) == ("ready", None)
    found = unzipped(deployment.fetch(job["archives"][0]["url"]))
    del found["MANIFEST.json"]
    return found


def is_gone(deployment: Deployment, job_id: str) -> bool:
    """Whether neither archive nor files of a job are left."""
    shards = [f"JOB#{job_id}#{number:02x}" for number in range(SHARDS)]
    table = Table(deployment.stack.clients("dynamodb"), deployment.stack.outputs["Table"])
    rows = [row for shard in shards for row in table.rows(equals("pk", shard))]
    return not rows and not deployment.archive_keys(job_id)


def test_a_file_that_is_replaced_after_it_was_checked_is_in_the_archive_as_it_is_now(deployment: Deployment) -> None:
    deployment.put_all(contents())
    deployment.run(FILES[:1], archive=True)  # so that there is a worker to freeze
    with deployment.frozen("assemble"):
        job_id = deployment.initiate(FILES, archive=True)
        wait_for("assembly", lambda: deployment.brief(job_id)["stage"] == "assembling", seconds=PATIENCE)
        now = contents() | {CHANGED: noise(SIZE, 1), RESIZED: noise(5_000, 1)}
        deployment.put_all({file_id: now[file_id] for file_id in (CHANGED, RESIZED)})
    job = deployment.ended(job_id)
    assert entries(deployment, job) == {f"{file_id}.zip": data for file_id, data in now.items()}
    assert job["bytes"]["done"] == job["bytes"]["total"] == job["archives"][0]["size"]
    deployment.tidied(job_id)
    assert len(deployment.archive_keys(job_id)) == 1


def test_a_file_that_is_replaced_while_it_is_copied_is_in_the_archive_whole(deployment: Deployment) -> None:
    before, after = contents(), contents(seed=1)
    deployment.put_all(before)
    job_id = deployment.stopped_half_way(FILES)
    try:
        deployment.put_all(after)
    finally:
        deployment.go_on()
    found = entries(deployment, deployment.ended(job_id))
    for file_id in FILES:  # each in one of its two versions, none a mixture
        assert found[f"{file_id}.zip"] in (before[file_id], after[file_id])


def test_a_file_that_is_deleted_while_the_archive_is_built_is_left_out_as_missing(deployment: Deployment) -> None:
    deployment.put_all(contents())
    deployment.run(FILES[:1], archive=True)
    with deployment.frozen("assemble"):
        job_id = deployment.initiate(FILES, archive=True)
        wait_for("assembly", lambda: deployment.brief(job_id)["stage"] == "assembling", seconds=PATIENCE)
        deployment.s3.delete_object(Bucket=deployment.source, Key=f"downloads/{GONE}.zip")
    job = deployment.ended(job_id)
    assert counts(job) == (len(FILES) - 1, 1, 0)
    assert job["resultUrls"][FILES.index(GONE)] is None
    expected = {f"{file_id}.zip": data for file_id, data in contents().items() if file_id != GONE}
    assert entries(deployment, job) == expected


def test_a_job_that_is_cancelled_while_it_assembles_leaves_nothing_behind(deployment: Deployment) -> None:
    deployment.put_all(contents())
    job_id = deployment.stopped_half_way(FILES)
    try:
        assert deployment.left_behind(job_id) != []
        answer = deployment.call("DELETE", f"/v1/download/{job_id}")
        assert (answer.status_code, answer.json()["status"]) == (202, "cancelled")
    finally:
        deployment.go_on()
    deployment.tidied(job_id)
    deployment.drained("assembly")
    assert deployment.left_behind(job_id) == [] == deployment.archive_keys(job_id)
    assert deployment.brief(job_id)["status"] == "cancelled"
    assert deployment.call("GET", f"/v1/download/{job_id}").status_code == 409


def test_purging_a_job_while_it_assembles_and_when_it_is_ready_leaves_nothing_behind(deployment: Deployment) -> None:
    deployment.put_all(contents())
    running = deployment.stopped_half_way(FILES)
    try:
        assert deployment.call("DELETE", f"/v1/download/{running}?purge=true").status_code == 204
    finally:
        deployment.go_on()
    ready = deployment.initiate(FILES, archive=True)
    deployment.ended(ready)
    assert deployment.archive_keys(ready) != []
    for _ in range(2):
        assert deployment.call("DELETE", f"/v1/download/{ready}?purge=true").status_code == 204
    for job_id in (running, ready):
        assert deployment.call("GET", f"/v1/download/status/{job_id}").status_code == 410
        events = deployment.call("GET", f"/v1/download/{job_id}/events").json()["events"]
        assert "purged" in [event["kind"] for event in events]
        deployment.tidied(job_id)
        wait_for("end of the archive", partial(is_gone, deployment, job_id), seconds=PATIENCE, pause=0.2)


def test_an_upload_aborted_from_outside_is_begun_again(deployment: Deployment) -> None:
    deployment.put_all(contents())
    job_id = deployment.stopped_half_way(FILES)
    try:
        for upload in deployment.s3.list_multipart_uploads(Bucket=deployment.archives).get("Uploads", []):
            place = {"Bucket": deployment.archives, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            deployment.s3.abort_multipart_upload(**place)
    finally:
        deployment.go_on()
    found = entries(deployment, deployment.ended(job_id))
    assert found == {f"{file_id}.zip": data for file_id, data in contents().items()}
    deployment.tidied(job_id)
