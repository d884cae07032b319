"""The Python API against a real HTTP server: what it sends, returns and raises."""

from __future__ import annotations

import pytest
from support.fake_server import JOB_ID, FakeServer

from lorry import JobError, JobFailed, Lorry


def test_starting_a_job_returns_its_id_and_counts_duplicates(lorry: Lorry, service: FakeServer) -> None:
    job = lorry.start(file_ids=[70000, 70001, 70000], callback_url="https://example.org/hook")
    assert (job.id, job.status, job.total, job.duplicates) == (JOB_ID, "queued", 2, 1)
    assert service.requests("initiate", "POST")[0].body == {
        "file_ids": [70000, 70001, 70000],
        "callbackUrl": "https://example.org/hook",
    }


def test_a_failed_job_raises_with_its_reason(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="failed", error={"code": "no_files_available", "message": "every file is missing"})
    with pytest.raises(JobFailed, match=r"every file is missing \(no_files_available\)") as raised:
        lorry.wait(JOB_ID)
    assert raised.value.job.error == JobError("no_files_available", "every file is missing")


def test_a_cancelled_job_raises(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="cancelled")
    with pytest.raises(JobFailed, match="was cancelled"):
        lorry.wait(JOB_ID)


def test_cancelling_returns_the_job(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="processing")
    assert lorry.cancel(JOB_ID).status == "cancelled"


def test_checking_says_whether_a_file_is_there(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"123")
    there, absent = lorry.check(70000), lorry.check(70001)
    assert (there.available, there.key, there.size) == (True, "downloads/70000.zip", 3)
    assert (absent.available, absent.key, absent.size) == (False, None, None)
