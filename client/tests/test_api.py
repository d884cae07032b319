"""The Python API against a real HTTP server: what is sent, what comes back, what is raised."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import pytest
from stand_in import JOB_ID, Fault, StandIn

from lorry import (
    ArchiveOptions,
    FieldError,
    JobError,
    JobFailed,
    Lorry,
    LorryProblem,
    LorryUnreachable,
    RetryPolicy,
    ServiceAddressUnknown,
    UnexpectedAnswer,
    WaitTimedOut,
)
from lorry.initiate import initiate_body

INITIATE = "/lorry/v1/download/initiate"
STATUS = "/lorry/v1/download/status"


def test_starting_a_job_gives_its_id_and_counts_duplicates(lorry: Lorry, service: StandIn) -> None:
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


def test_a_prefix_starts_a_job_whose_total_is_not_known_yet(lorry: Lorry, service: StandIn) -> None:
    assert lorry.start(prefix="downloads/a/").total is None
    assert service.requests("initiate", "POST")[0].body == {"prefix": "downloads/a/"}


def test_files_are_named_in_exactly_one_way(lorry: Lorry, service: StandIn) -> None:
    with pytest.raises(ValueError, match="not none"):
        lorry.start()
    with pytest.raises(ValueError, match="not file_ids, prefix"):
        lorry.start(file_ids=[70000], prefix="downloads/")
    assert service.seen == []


def test_a_failed_job_is_retried_once_even_if_the_answer_is_lost(lorry: Lorry, service: StandIn) -> None:
    service.make_job([], status="failed")
    service.faults = [Fault(f"/lorry/v1/download/{JOB_ID}/retry", 502)]
    with pytest.raises(LorryProblem):
        lorry.retry(JOB_ID)
    assert lorry.retry(JOB_ID).status == "processing"
    with pytest.raises(LorryProblem, match="409 nothing_to_retry"):
        lorry.retry(JOB_ID)
    assert len(service.requests("retry", "POST")) == 3


def test_a_job_has_its_figures_and_times_in_utc(lorry: Lorry, service: StandIn) -> None:
    service.put("downloads/70000.zip", b"12345")
    service.make_job(["downloads/70000.zip", "downloads/70001.zip"], createdAt="2025-01-01T02:00:00+02:00", later=1)
    job = lorry.status(JOB_ID)
    assert (job.ready, job.ended, job.progress, job.total, job.counts.missing) == (True, True, 100, 2, 1)
    assert job.created_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert job.bytes.total == 5
    assert job.answer["later"] == 1
    assert "resultUrls" not in job.answer


def test_waiting_polls_one_file_at_a_time_and_hears_of_every_answer(lorry: Lorry, service: StandIn) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "queued", "progress": 0}, {"status": "processing", "progress": 50}]
    heard: list[int] = []
    job = lorry.wait(JOB_ID, on_change=lambda job: heard.append(job.progress))
    assert job.ready
    assert heard == [0, 50, 100]
    assert {seen.query["limit"] for seen in service.requests("status")} == {"1"}


def test_polls_keep_the_distance_that_the_service_asks_for(lorry: Lorry, service: StandIn) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "processing"}]
    service.retry_after = "1"
    lorry.wait(JOB_ID)
    first, second = service.requests("status")
    assert second.at - first.at >= 1.0


def test_a_failed_job_raises_with_its_reason(lorry: Lorry, service: StandIn) -> None:
    service.make_job([], status="failed", error={"code": "no_files_available", "message": "every file is missing"})
    with pytest.raises(JobFailed, match=r"every file is missing \(no_files_available\)") as raised:
        lorry.wait(JOB_ID)
    assert raised.value.job.error == JobError("no_files_available", "every file is missing")


def test_a_cancelled_job_raises(lorry: Lorry, service: StandIn) -> None:
    service.make_job([], status="cancelled")
    with pytest.raises(JobFailed, match="was cancelled"):
        lorry.wait(JOB_ID)


def test_waiting_ends_when_its_time_is_over(lorry: Lorry, service: StandIn) -> None:
    service.make_job(["downloads/70000.zip"], status="processing", progress=10)
    with pytest.raises(WaitTimedOut, match="still processing") as raised:
        lorry.wait(JOB_ID, timeout=0.25)
    assert isinstance(raised.value, TimeoutError)


def test_pages_follow_the_cursor_and_line_up_links_with_files(lorry: Lorry, service: StandIn) -> None:
    service.put("downloads/70001.zip", b"x")
    service.page_limit = 2
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 70005)])
    pages = list(lorry.pages(JOB_ID))
    files = [file for page in pages for file in page.files]
    assert [page.cursor for page in pages] == [None, "2", "4"]
    assert [file.id for file in files] == [70000, 70001, 70002, 70003, 70004]
    assert [file.url is not None for file in files] == [False, True, False, False, False]


def test_cancelling_gives_the_job(lorry: Lorry, service: StandIn) -> None:
    service.make_job([], status="processing")
    assert lorry.cancel(JOB_ID).status == "cancelled"


def test_jobs_are_listed_over_pages_up_to_the_limit(lorry: Lorry, service: StandIn) -> None:
    service.page_limit = 2
    service.listed = [{"jobId": f"job-{n}", "status": "ready" if n % 2 else "queued"} for n in range(10)]
    assert [job.id for job in lorry.jobs(limit=3)] == ["job-0", "job-1", "job-2"]
    assert [job.id for job in lorry.jobs(status="ready")] == ["job-1", "job-3", "job-5", "job-7", "job-9"]


def test_checking_tells_whether_a_file_is_there(lorry: Lorry, service: StandIn) -> None:
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


@pytest.mark.parametrize("status", [429, 503])
def test_starting_is_tried_again_when_the_service_says_that_it_did_nothing(
    lorry: Lorry, service: StandIn, status: int
) -> None:
    service.faults = [Fault(INITIATE, status, {"Retry-After": "0"}, times=2)]
    assert lorry.start(file_ids=[70000]).id == JOB_ID
    assert len(service.requests("initiate", "POST")) == 3


@pytest.mark.parametrize("status", [500, 502, 504])
def test_starting_is_not_repeated_when_a_job_may_have_been_made(lorry: Lorry, service: StandIn, status: int) -> None:
    service.faults = [Fault(INITIATE, status)]
    with pytest.raises(LorryProblem, match=str(status)):
        lorry.start(file_ids=[70000])
    assert len(service.requests("initiate", "POST")) == 1


def test_starting_is_not_repeated_when_the_answer_was_cut_off(lorry: Lorry, service: StandIn) -> None:
    service.faults = [Fault(INITIATE, 0)]
    with pytest.raises(LorryUnreachable):
        lorry.start(file_ids=[70000])
    assert len(service.requests("initiate", "POST")) == 1


def test_reading_is_tried_again_after_a_broken_connection(lorry: Lorry, service: StandIn) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 0, times=2)]
    assert lorry.status(JOB_ID).ready


def test_a_throttled_request_waits_as_long_as_it_is_told(lorry: Lorry, service: StandIn) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 429, {"Retry-After": "1"})]
    lorry.status(JOB_ID)
    first, second = service.requests("status")
    assert second.at - first.at >= 1.0


def test_a_retry_after_beyond_patience_is_raised_at_once(lorry: Lorry, service: StandIn) -> None:
    service.faults = [Fault(STATUS, 503, {"Retry-After": "3600"}, b"<html>busy</html>")]
    with pytest.raises(LorryProblem, match="503 http_503") as raised:
        lorry.status(JOB_ID)
    assert raised.value.retry_after == 3600


def test_tries_are_bounded(lorry: Lorry, service: StandIn) -> None:
    service.faults = [Fault(INITIATE, 503, times=99)]
    with pytest.raises(LorryProblem):
        lorry.start(file_ids=[70000])
    assert len(service.requests("initiate", "POST")) == 4


def test_a_service_that_is_not_there_is_unreachable() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with Lorry(url, retries=RetryPolicy(tries=2, first=0.01)) as lorry, pytest.raises(LorryUnreachable) as raised:
        lorry.start(file_ids=[70000])
    assert raised.value.attempts == 2


def test_a_loopback_service_is_reached_without_the_configured_proxy(
    service: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with Lorry(service.url, retries=RetryPolicy(tries=1)) as lorry:
        assert lorry.start(file_ids=[70000]).id == JOB_ID


@pytest.mark.parametrize("body", [b"<html>welcome</html>", b"[]", b"{}"])
def test_an_answer_of_something_else_is_named_as_such(lorry: Lorry, service: StandIn, body: bytes) -> None:
    service.faults = [Fault(STATUS, 200, body=body)]
    with pytest.raises(UnexpectedAnswer, match="is this the ApiUrl"):
        lorry.status(JOB_ID)


def test_a_refusal_without_any_json_still_has_a_code(lorry: Lorry, service: StandIn) -> None:
    service.faults = [Fault(STATUS, 403, body=b"<html>")]
    with pytest.raises(LorryProblem, match="403 http_403: Forbidden"):
        lorry.status(JOB_ID)


def test_an_unknown_job_is_a_problem_of_404(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem, match="404 job_not_found"):
        lorry.status("../../other")


def test_a_url_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(ServiceAddressUnknown, match="not an http"):
        Lorry("ftp://example.org")


def test_waits_grow_from_try_to_try_and_never_undercut_the_server() -> None:
    policy = RetryPolicy(tries=5, first=1.0, longest=4.0, patience=60.0)
    waits = [policy.wait_before(attempt) for attempt in (1, 2, 3, 4)]
    for wait, limit in zip(waits, (1.0, 2.0, 4.0, 4.0), strict=True):
        assert wait is not None
        assert limit * 0.75 <= wait <= limit
    assert policy.wait_before(1, retry_after=30.0) == 30.0
    assert policy.wait_before(1, retry_after=61.0) is None
    assert policy.wait_before(5) is None
