"""Workers that are killed, messages that are lost: the job goes on, and nothing is done twice that need not be."""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial

import pytest

from chalicelib.jobs.model import FileResult, FileState
from tests.integration.crash_scenes import job_without_a_message, job_without_a_plan
from tests.integration.deployment import ENDED, PATIENCE, Deployment, Document, counts, key, noise, unzipped
from tests.integration.relay import Relay
from tests.integration.stack import wait_for

MiB = 1024 * 1024
CHECKED = range(71_000, 73_000)
PRESENT = range(72_700, 73_000)
BATCH = 200
ARCHIVED = range(73_000, 73_024)
ATTEMPTS = 25  # a quiet machine builds an archive in a second


@dataclass(frozen=True)
class Accident:
    """A job, a worker of which was killed. Times are monotonic seconds."""

    deployment: Deployment
    job_id: str
    killed_at: float
    before: Document  # the status when the worker was killed


@dataclass(frozen=True)
class Accidents:
    checking: Accident
    assembling: dict[str, Accident]  # by what CRCs come from: one per store


@pytest.fixture(scope="module")
def accidents(local: Deployment, separate: Deployment, relay: Relay) -> Accidents:
    """All at the same time, because a message of a killed worker comes back only after 25 seconds."""
    separate.put_all(dict.fromkeys(PRESENT, b"present"))
    for deployment in (local, separate):
        deployment.put_all({file_id: noise(9 * MiB, file_id) for file_id in ARCHIVED})
    assembling = {deployment.crc_source: kill_an_assembler(deployment, relay) for deployment in (local, separate)}
    return Accidents(kill_a_checker(separate, relay), assembling)


def kill_a_checker(separate: Deployment, relay: Relay) -> Accident:
    """One worker, in the middle of a batch: the store takes its time."""
    relay.delay = 0.25
    try:
        job_id = separate.initiate(CHECKED)
        wait_for("first results", lambda: separate.brief(job_id)["processed"], seconds=PATIENCE, pause=0.02)
        before = wait_for("death", lambda: struck(separate, "check", job_id), seconds=PATIENCE, pause=0.002)
        return Accident(separate, job_id, time.monotonic(), before)
    finally:
        relay.delay = 0.0


def kill_an_assembler(deployment: Deployment, relay: Relay) -> Accident:
    """One worker, while the multipart upload is open. Now and then the archive is ready before it can be hit."""
    relay.delay = 0.1  # where the store is behind it, it takes its time
    try:
        for _ in range(ATTEMPTS):
            job_id = deployment.initiate(ARCHIVED, archive=True)
            end = partial(struck, deployment, "assemble", job_id)
            before = wait_for("death, or end", end, seconds=PATIENCE, pause=0.002)
            if before["status"] == "processing":
                return Accident(deployment, job_id, time.monotonic(), before)
        raise AssertionError("no worker was ever hit")
    finally:
        relay.delay = 0.0


def struck(deployment: Deployment, function: str, job_id: str) -> Document | None:
    """Kill a worker that is busy with the job; the status in that moment, or at the job's end."""
    busy = deployment.at_work(function)
    with deployment.frozen(function) if busy else nullcontext():
        job = deployment.brief(job_id)
        if job["status"] in ENDED:
            return job
        if not busy or not (job["archives"] or function == "check"):
            return None
        deployment.stack.kill_worker(busy[0])
        return job


def looks(relay: Relay) -> dict[int, int]:
    """How often each file of the job was looked at."""
    requests = dict(relay.requests)
    names = {file_id: f"HEAD /separate-source/{key(file_id)}" for file_id in CHECKED}
    return {file_id: requests[name] for file_id, name in names.items() if name in requests}


def test_the_work_of_a_killed_checker_is_taken_up_when_its_message_comes_back(
    accidents: Accidents, relay: Relay
) -> None:
    accident = accidents.checking
    left = 90 - (time.monotonic() - accident.killed_at)  # messages come back after 25 s
    wait_for("second look at a file", lambda: max(looks(relay).values()) > 1, seconds=left)
    job = accident.deployment.ended(accident.job_id)
    assert accident.before["status"] == "processing"
    assert (job["status"], counts(job)) == ("ready", (len(PRESENT), len(CHECKED) - len(PRESENT), 0))


def test_no_more_than_one_message_is_done_again(accidents: Accidents, relay: Relay) -> None:
    accidents.checking.deployment.ended(accidents.checking.job_id)
    seen = looks(relay)
    assert seen.keys() == set(CHECKED)
    again = {file_id for file_id, times in seen.items() if times > 1}
    assert len({(file_id - CHECKED.start) // BATCH for file_id in again}) == 1


@pytest.mark.parametrize("crc_source", ["head", "copy"])
def test_an_archive_whose_workers_were_killed_is_byte_by_byte_what_was_planned(
    accidents: Accidents, crc_source: str
) -> None:
    accident = accidents.assembling[crc_source]
    assert accident.before["status"] == "processing"
    job = accident.deployment.ended(accident.job_id)
    assert (job["status"], counts(job)) == ("ready", (len(ARCHIVED), 0, 0))
    (planned,), (archive,) = accident.before["archives"], job["archives"]
    assert (archive["size"], archive["parts"], archive["crcSource"]) == (planned["size"], planned["parts"], crc_source)
    data = accident.deployment.fetch(archive["url"])
    assert len(data) == planned["size"]
    entries = unzipped(data)
    del entries["MANIFEST.json"]
    assert entries == {f"{file_id}.zip": noise(9 * MiB, file_id) for file_id in ARCHIVED}
    accident.deployment.tidied(accident.job_id)
    assert len(accident.deployment.archive_keys(accident.job_id)) == 1


@pytest.mark.parametrize("files", [1, 401], ids=["one batch", "three batches"])
def test_a_job_whose_message_was_lost_is_driven_by_the_sweeper(local: Deployment, files: int) -> None:
    job_id = job_without_a_message(local, range(74_000, 74_000 + files)).job_id
    local.put(74_000, b"there")
    assert local.brief(job_id)["status"] == "queued"
    swept(local, job_id)
    job = local.ended(job_id)
    assert (job["status"], counts(job)) == ("ready", (1, files - 1, 0))


def test_an_archive_whose_plan_is_lost_is_planned_by_the_sweeper(local: Deployment) -> None:
    local.put(74_500, b"there")
    head = local.s3.head_object(Bucket=local.source, Key=key(74_500))
    modified = int(head["LastModified"].timestamp() * 1000)
    found = FileResult(FileState.AVAILABLE, size=5, etag=head["ETag"].strip('"'), modified=modified)
    job_id = job_without_a_plan(local, {74_500: found}).job_id
    assert local.brief(job_id)["stage"] == "assembling"
    swept(local, job_id)
    job = local.ended(job_id)
    assert job["status"] == "ready"
    assert unzipped(local.fetch(job["archives"][0]["url"]))["74500.zip"] == b"there"


def swept(local: Deployment, job_id: str) -> None:
    """Run the sweeper until it has set the job going: it lets jobs alone that something happened to lately."""

    def moved() -> bool:
        assert b"errorMessage" not in local.stack.sweep()
        return any(row.get("kind") == {"S": "swept"} for row in local.stack.items(job_id))

    wait_for("sweep", moved, seconds=PATIENCE, pause=0.5)
