"""The Python API against a real HTTP server: what is sent, what comes back, what is raised."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fake_server import JOB_ID, FakeServer, Fault

from lorry import (
    ArchiveOptions,
    Download,
    DownloadFailed,
    FieldError,
    Job,
    JobError,
    JobEvent,
    JobFailed,
    JobNotReady,
    Lorry,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    RetryPolicy,
    ServiceAddressUnknown,
    UnexpectedAnswer,
    WaitTimedOut,
)
from lorry.initiate import initiate_body

STATUS = "/lorry/v1/download/status"


def test_starting_a_job_gives_its_id_and_counts_duplicates(lorry: Lorry, service: FakeServer) -> None:
    job = lorry.start(file_ids=[70000, 70001, 70000])
    assert (job.id, job.status, job.total, job.duplicates) == (JOB_ID, "queued", 2, 1)
    assert service.requests("initiate", "POST")[0].body == {"file_ids": [70000, 70001, 70000]}


@pytest.mark.parametrize(
    ("archive", "sent"),
    [
        (False, {}),
        (True, {"archive": True}),
        (ArchiveOptions(), {"archive": {"layout": "flat", "onMissing": "skip"}}),
        (
            ArchiveOptions("a.zip", layout="tree", on_missing="fail"),
            {"archive": {"filename": "a.zip", "layout": "tree", "onMissing": "fail"}},
        ),
    ],
)
def test_a_job_asks_for_an_archive_in_the_words_of_the_service(
    archive: bool | ArchiveOptions, sent: dict[str, object]
) -> None:
    body = initiate_body(file_ids=None, keys=("downloads/a",), prefix=None, archive=archive)
    assert body == {"keys": ["downloads/a"]} | sent


def test_a_prefix_starts_a_job_whose_total_is_not_known_yet(lorry: Lorry, service: FakeServer) -> None:
    assert lorry.start(prefix="downloads/a/").total is None
    assert service.requests("initiate", "POST")[0].body == {"prefix": "downloads/a/"}


def test_files_are_named_in_exactly_one_way(lorry: Lorry, service: FakeServer) -> None:
    with pytest.raises(ValueError, match="not none"):
        lorry.start()
    with pytest.raises(ValueError, match="not file_ids, prefix"):
        lorry.start(file_ids=[70000], prefix="downloads/")
    assert service.seen == []


def test_a_job_has_its_figures_and_times_in_utc(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"12345")
    service.make_job(["downloads/70000.zip", "downloads/70001.zip"], createdAt="2025-01-01T02:00:00+02:00", later=1)
    job = lorry.status(JOB_ID)
    assert (job.ready, job.ended, job.progress, job.total, job.counts.missing) == (True, True, 100, 2, 1)
    assert job.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert job.bytes.total == 5
    assert job.answer["later"] == 1
    assert "resultUrls" not in job.answer


def test_a_failed_job_raises_with_its_reason(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="failed", error={"code": "no_files_available", "message": "every file is missing"})
    with pytest.raises(JobFailed, match=r"every file is missing \(no_files_available\)") as raised:
        lorry.wait(JOB_ID)
    assert raised.value.job.error == JobError("no_files_available", "every file is missing")


def test_a_cancelled_job_raises(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="cancelled")
    with pytest.raises(JobFailed, match="was cancelled"):
        lorry.wait(JOB_ID)


def test_pages_follow_the_cursor_and_line_up_links_with_files(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70001.zip", b"x")
    service.page_limit = 2
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 70005)])
    pages = list(lorry.pages(JOB_ID))
    files = [file for page in pages for file in page.files]
    assert [page.cursor for page in pages] == [None, "2", "4"]
    assert [file.id for file in files] == [70000, 70001, 70002, 70003, 70004]
    assert [file.url is not None for file in files] == [False, True, False, False, False]


def test_cancelling_gives_the_job(lorry: Lorry, service: FakeServer) -> None:
    service.make_job([], status="processing")
    assert lorry.cancel(JOB_ID).status == "cancelled"


def test_jobs_are_listed_over_pages_up_to_the_limit(lorry: Lorry, service: FakeServer) -> None:
    service.page_limit = 2
    service.listed = [{"jobId": f"job-{n}", "status": "ready" if n % 2 else "queued"} for n in range(10)]
    assert [job.id for job in lorry.jobs(limit=3)] == ["job-0", "job-1", "job-2"]
    assert [job.id for job in lorry.jobs(status="ready")] == ["job-1", "job-3", "job-5", "job-7", "job-9"]


def test_checking_tells_whether_a_file_is_there(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70000.zip", b"123")
    there, absent = lorry.check(70000), lorry.check(70001)
    assert (there.available, there.key, there.size) == (True, "downloads/70000.zip", 3)
    assert (absent.available, absent.key, absent.size) == (False, None, None)


def test_a_refusal_carries_status_code_places_and_request_id(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem) as raised:
        lorry.start(file_ids=[1])
    error = raised.value
    assert (error.status, error.code, error.request_id) == (400, "invalid_request", "req-1")
    assert error.errors == (FieldError("/file_ids/0", "must be 10000 or more"),)
    assert "/file_ids/0: must be 10000 or more" in str(error)


def test_a_service_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with Lorry(url, retries=RetryPolicy(tries=2, first=0.01)) as lorry, pytest.raises(LorryUnreachable) as raised:
        lorry.start(file_ids=[70000])
    assert raised.value.attempts == 2


def test_a_loopback_service_is_reached_without_the_configured_proxy(
    service: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Lorry(service.url, retries=RetryPolicy(tries=1)) as lorry:
        assert lorry.start(file_ids=[70000]).id == JOB_ID


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[]", b"{}"])
def test_an_answer_of_something_else_is_named_as_such(lorry: Lorry, service: FakeServer, body: bytes) -> None:
    service.faults = [Fault(STATUS, 200, body=body)]
    with pytest.raises(UnexpectedAnswer, match="is this the ApiUrl"):
        lorry.status(JOB_ID)


def test_a_refusal_without_any_json_still_has_a_code(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 403, body=b"<html>")]
    with pytest.raises(LorryProblem, match="403 http_403: Forbidden"):
        lorry.status(JOB_ID)


def test_an_unknown_job_is_a_problem_of_404(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem, match="404 job_not_found"):
        lorry.status("../../other")


def test_a_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ServiceAddressUnknown, match="not an http"):
        Lorry("ftp://example.org")


def test_events_are_read_over_pages_as_far_as_they_are_wanted(lorry: Lorry, service: FakeServer) -> None:
    service.page_limit = 2
    service.trail = [
        {
            "kind": "created",
            "at": "2025-01-01T00:00:00.000Z",
            "by": "user:ann",
            "requestId": "req-1",
            "details": {"n": n},
        }
        for n in range(5)
    ]
    events = list(lorry.events(JOB_ID))
    assert [event.details["n"] for event in events] == [0, 1, 2, 3, 4]
    assert events[0] == JobEvent("created", datetime(2025, 1, 1, tzinfo=UTC), "user:ann", "req-1", "", {"n": 0})
    assert len(service.requests("events")) == 3
    assert len(list(lorry.events(JOB_ID, limit=2))) == 2
    assert len(service.requests("events")) == 4


def test_limits_are_figures_that_may_be_missing(lorry: Lorry, service: FakeServer) -> None:
    service.limits = {"files": {"perJob": 100_000, "idMin": 10_000}, "rate": {"windowSeconds": 60}, "later": {"new": 1}}
    limits = lorry.limits()
    assert (limits.job_files, limits.file_id_min, limits.rate_seconds, limits.archive_bytes) == (
        100_000,
        10_000,
        60,
        None,
    )
    assert limits.answer == service.limits
    service.limits = {"files": 7}
    with pytest.raises(UnexpectedAnswer):
        lorry.limits()


def test_a_ticket_is_had_but_not_shown(lorry: Lorry, service: FakeServer) -> None:
    started = lorry.start(file_ids=[70000], callback_url="https://example.org/hook")
    service.job["status"] = "processing"
    job = lorry.status(started.id)
    assert started.ticket == job.ticket == "a-ticket"
    assert "a-ticket" not in repr((started, job, job.answer))
    assert service.requests("initiate", "POST")[0].body["callbackUrl"] == "https://example.org/hook"


@pytest.mark.parametrize(
    ("error", "code", "status", "retryable"),
    [
        (LorryProblem(status=503, code="table_unavailable", detail=""), "table_unavailable", 503, True),
        (LorryProblem(status=409, code="request_in_progress", detail=""), "request_in_progress", 409, True),
        (LorryProblem(status=409, code="job_already_ended", detail=""), "job_already_ended", 409, False),
        (LorryUnreachable(url="", reason="", attempts=1), "unreachable", None, True),
        (UnexpectedAnswer(url="", reason=""), "unexpected_answer", None, False),
        (JobNotReady(Job("a", "queued")), "job_not_ready", None, True),
        (JobFailed(Job("a", "cancelled")), "job_cancelled", None, False),
        (JobFailed(Job("a", "failed", error=JobError("gave_up", ""))), "gave_up", None, False),
        (WaitTimedOut(Job("a", "queued"), 1.0), "wait_timed_out", None, True),
        (ServiceAddressUnknown(), "service_address_unknown", None, False),
        (DownloadFailed(Download(Path(), 0, 0, 0, (), ())), "download_failed", None, False),
    ],
)
def test_every_error_says_what_it_is_and_whether_to_try_again(
    error: LorryError, code: str, status: int | None, retryable: bool
) -> None:
    assert (error.code, error.status, error.request_id, error.retryable) == (code, status, None, retryable)
