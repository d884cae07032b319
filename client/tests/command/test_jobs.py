"""The commands about jobs other than `get`: what they print, and how they end."""

from __future__ import annotations

import json
import re

import pytest
from support.fake_server import JOB_ID, FakeServer
from support.running import DATA, Command, store
from support.zips import zip_of

SECRET = "s3cr3t-t0k3n"


def change(name: str, number: int, **members: object) -> bytes:
    job = {"jobId": JOB_ID, "status": name, "updatedAt": "2025-01-01T00:00:00.000Z", "total": 4} | members
    data = json.dumps(job | {"ticket": SECRET})
    return f"retry: 0\n\nevent: {name.replace('processing', 'progress')}\nid: {number}\ndata: {data}\n\n".encode()


@pytest.fixture
def trail(service: FakeServer) -> list[dict[str, object]]:
    service.trail = [
        {
            "kind": kind, "at": "2025-01-01T00:00:00.000Z", "by": "user:ann", "requestId": "req-1", "traceId": "",
            "details": details,
        }
        for kind, details in (("created", {}), ("links_issued", {"count": 2}), ("ready", {}))
    ]  # fmt: skip
    return service.trail


def test_a_retry_may_have_a_key(command: Command, service: FakeServer) -> None:
    service.make_job([], status="failed")
    for _ in range(2):
        assert command("retry", JOB_ID, "--idempotency-key", "again-1").returncode == 0
    assert service.made == 1


def test_watch_prints_each_change_until_the_job_is_ready(command: Command, service: FakeServer) -> None:
    service.changes = [
        change("queued", 1).replace(b"event: queued", b"event: progress"),
        change("processing", 2, stage="checking", progress=12, processed=2),
        change("ready", 3, progress=100, processed=4),
    ]
    ended = command("watch", JOB_ID)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "2025-01-01 00:00:00  queued          0%  0 of 4 files",
        "2025-01-01 00:00:00  checking       12%  2 of 4 files",
        "2025-01-01 00:00:00  ready         100%  4 of 4 files",
    ]


def test_watch_of_a_job_that_fails_ends_with_3(command: Command, service: FakeServer) -> None:
    error = {"code": "gave_up", "message": "the workers crashed"}
    service.changes = [change("failed", 3, error=error)]
    ended = command("watch", JOB_ID, "--json")
    assert ended.returncode == 3
    assert ended.stderr == f"lorry: job {JOB_ID} failed: the workers crashed (gave_up)\n"
    assert json.loads(ended.stdout)["error"] == error
    assert SECRET not in ended.stdout


def test_watch_of_a_job_without_further_changes_reads_how_it_ended(command: Command, service: FakeServer) -> None:
    service.make_job([], status="cancelled")
    ended = command("watch", JOB_ID)
    assert (ended.returncode, ended.stdout) == (3, "")
    assert "was cancelled" in ended.stderr


def test_events_are_printed_oldest_first(command: Command, service: FakeServer, trail: list[dict[str, object]]) -> None:
    service.page_limit = 2
    assert command("events", JOB_ID).stdout.splitlines() == [
        "2025-01-01 00:00:00  created               user:ann  req-1",
        '2025-01-01 00:00:00  links_issued          user:ann  {"count": 2}  req-1',
        "2025-01-01 00:00:00  ready                 user:ann  req-1",
    ]
    assert [json.loads(line) for line in command("events", JOB_ID, "--json").stdout.splitlines()] == trail
    assert len(command("events", JOB_ID, "--limit", "1").stdout.splitlines()) == 1


def test_status_lists_the_files_in_a_state(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job([f"downloads/{number}.zip" for number in (70000, 70001, 70002)])
    service.files[2] |= {"state": "failed", "reason": "forbidden"}
    lines = command("status", JOB_ID, "--state", "missing", "--state", "failed").stdout.splitlines()
    assert lines[-2:] == ["missing    70001  downloads/70001.zip", "failed     70002  downloads/70002.zip: forbidden"]
    assert "available  70000" not in "\n".join(lines)
    job, file = map(json.loads, command("status", JOB_ID, "--state", "failed", "--json").stdout.splitlines())
    assert (job["jobId"], file["id"]) == (JOB_ID, 70002)


def test_cancel_and_retry_print_the_job_as_json(command: Command, service: FakeServer) -> None:
    service.make_job([], status="failed")
    assert json.loads(command("retry", JOB_ID, "--json").stdout)["status"] == "processing"
    assert json.loads(command("cancel", JOB_ID, "--json").stdout)["status"] == "cancelled"


def test_status_as_json_does_not_print_the_ticket(command: Command, service: FakeServer) -> None:
    service.make_job([], status="processing")
    assert "ticket" not in command("status", JOB_ID, "--json").stdout


def test_status_shows_a_job(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip", "downloads/70001.zip"])
    ended = command("status", JOB_ID, "--files")
    assert ended.returncode == 0
    assert ended.stdout.splitlines() == [
        f"job       {JOB_ID}",
        "status    ready",
        "progress  100%, 2 of 2 files",
        "files     1 available, 1 missing, 0 failed",
        "size      102.4 kB",
        "created   2025-01-01 00:00:00",
        "finished  2025-01-01 00:00:00",
        "available  70000  downloads/70000.zip  102.4 kB",
        "missing    70001  downloads/70001.zip",
    ]


def test_status_as_json_is_the_service_s_own_object_without_links(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip"])
    job, file = map(json.loads, command("status", JOB_ID, "--json", "--files").stdout.splitlines())
    assert (job["jobId"], job["counts"]["available"], "resultUrls" in job) == (JOB_ID, 1, False)
    assert (file["id"], file["state"], "url" in file) == (70000, "available", False)


def test_cancel_says_what_the_job_is_now(command: Command, service: FakeServer) -> None:
    service.make_job([], status="processing")
    ended = command("cancel", JOB_ID)
    assert (ended.returncode, ended.stdout) == (0, f"job {JOB_ID} is cancelled\n")


def test_purge_removes_a_job(command: Command, service: FakeServer) -> None:
    service.make_job([])
    ended = command("purge", JOB_ID)
    assert (ended.returncode, ended.stdout, service.purged) == (0, f"job {JOB_ID} is removed\n", True)
    assert json.loads(command("purge", JOB_ID, "--json").stdout) == {"jobId": JOB_ID, "purged": True}


def test_manifest_prints_every_page_of_the_list(command: Command, service: FakeServer) -> None:
    service.make_job([])
    assert command("manifest", JOB_ID).stdout == "head\ncurl direct 0\nhead\ncurl direct 1\n"
    table = command("manifest", JOB_ID, "--format", "csv", "--stable")
    assert table.stdout == "head\ncsv stable 0\ncsv stable 1\n"


def test_cancelling_an_ended_job_is_refused_with_2(command: Command, service: FakeServer) -> None:
    service.make_job([])
    ended = command("cancel", JOB_ID)
    assert (ended.returncode, ended.stderr) == (
        2,
        "lorry: 409 job_already_ended: the job has already ended [request req-1]\n",
    )


def test_jobs_lists_the_newest_up_to_the_limit(command: Command, service: FakeServer) -> None:
    service.listed = [
        {"jobId": f"job-{n}", "status": "ready", "progress": 100, "processed": 5, "total": 5,
         "createdAt": "2025-01-01T00:00:00.000Z"} for n in range(5)
    ]  # fmt: skip
    ended = command("jobs", "--limit", "2")
    assert ended.returncode == 0
    lines = ended.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["job-0", "job-1"]
    assert re.search(r"ready +100% +5 of 5 +2025-01-01 00:00:00$", lines[0])
    assert command("jobs", "--status", "failed").stdout == ""


def test_status_shows_archives_without_their_links(command: Command, service: FakeServer) -> None:
    store(service, 70000)
    service.make_job(["downloads/70000.zip"])
    service.make_archives(zip_of({"a": DATA}))
    assert "archive   out.zip, 102.6 kB, 2 entries, 7 parts, checksums by head\n" in command("status", JOB_ID).stdout
    as_json = command("status", JOB_ID, "--json").stdout
    assert '"crcSource": "head"' in as_json
    assert "signature" not in as_json
