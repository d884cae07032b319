"""What each call of the service sends and makes of the answers; waiting for a job, and following it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import SupportsIndex

import httpx
import pytest
from support.fake_server import JOB_ID, FakeServer, Fault, stream_event
from support.flows import Script, answer

from lorry import ArchiveOptions, JobEvent, Lorry, LorryProblem, RetryPolicy, WaitTimedOut
from lorry.flows import Caller
from lorry.operations import Operations, initiate_body

STATUS = "/lorry/v1/download/status"
STREAM = "/lorry/v1/download/stream"
OPERATIONS = Operations(Caller("http://lorry", RetryPolicy()))


def sent(service: FakeServer, header: str, path: str = "stream") -> list[str | None]:
    return [seen.headers.get(header) for seen in service.requests(path)]


def test_waiting_reads_one_file_at_a_time_and_reports_changes(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "queued", "progress": 0}, {"status": "processing", "progress": 50}]
    reported: list[int] = []
    job = lorry.wait(JOB_ID, on_change=lambda job: reported.append(job.progress))
    assert job.ready
    assert reported == [0, 50, 100]
    assert {seen.query["limit"] for seen in service.requests("status")} == {"1"}


def test_a_job_that_has_not_changed_is_not_sent_again(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "processing", "progress": progress} for progress in (10, 10, 10, 50)]
    reported: list[int] = []
    lorry.wait(JOB_ID, on_change=lambda job: reported.append(job.progress))
    assert reported == [10, 50, 100]
    first, second, third, fourth, last = sent(service, "If-None-Match", "status")
    assert first is None
    assert second == third == fourth
    assert (second is not None, last is not None, last != second) == (True, True, True)


def test_a_304_to_an_unconditional_request_is_refused(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 304)]
    with pytest.raises(LorryProblem, match="304"):
        lorry.status(JOB_ID)


def test_only_changes_are_reported_while_waiting() -> None:
    running = {"jobId": JOB_ID, "status": "queued", "updatedAt": "2025-01-01T00:00:00Z"}
    later = running | {"updatedAt": "2025-01-01T00:00:09Z"}
    reported: list[str] = []
    script = Script([answer(200, running), answer(200, later), answer(200, running | {"status": "ready"})])
    script.run(OPERATIONS.wait(JOB_ID, timeout=None, on_change=lambda job: reported.append(job.status)))
    assert reported == ["queued", "ready"]


def test_ids_may_be_integers_of_any_kind() -> None:
    class Index:
        """An integer as numpy has it."""

        def __index__(self) -> int:
            return 70000

    ids: list[SupportsIndex] = [Index(), 70001]
    body = initiate_body(file_ids=iter(ids), keys=None, prefix=None, archive=False, link_ttl=600)
    assert body == {"file_ids": [70000, 70001], "linkTtlSeconds": 600}
    assert [type(number) for number in body["file_ids"]] == [int, int]
    with pytest.raises(TypeError):
        initiate_body(file_ids=["70000"], keys=None, prefix=None, archive=False)  # type: ignore[list-item]


def test_waiting_polls_as_often_as_the_service_asks() -> None:
    running = {"jobId": JOB_ID, "status": "processing"}
    responses = [
        answer(200, running, Retry_After="7"),
        answer(200, running, Retry_After="0"),
        answer(200, running, Retry_After="9999"),
        answer(200, running),
        answer(200, running | {"status": "ready"}),
    ]
    script = Script(responses)
    assert script.run(OPERATIONS.wait(JOB_ID, timeout=None, on_change=None)).ready
    assert script.pauses == [7.0, 0.1, 300.0, 1.0]


def test_following_reconnects_as_often_as_the_service_asks() -> None:
    kind = {"Content-Type": "text/event-stream"}
    first = httpx.Response(200, headers=kind, content=b"retry: 500\n\n: nothing new\n\n")
    last = httpx.Response(200, headers=kind, content=stream_event("cancelled", 1))
    follow = OPERATIONS.follow(JOB_ID)
    script = Script([first, last])
    batches = [script.run(follow()), script.run(follow()), script.run(follow())]
    assert [None if batch is None else [change.name for change in batch] for batch in batches] == [
        [],
        ["cancelled"],
        None,
    ]
    assert script.pauses == [0.5]


def test_waiting_continues_after_being_deferred(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 429, {"Retry-After": "0"}, times=20)]
    assert lorry.wait(JOB_ID, timeout=30).ready


def test_waiting_ends_after_its_timeout(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"], status="processing", progress=10)
    with pytest.raises(WaitTimedOut, match="still processing") as raised:
        lorry.wait(JOB_ID, timeout=0.25)
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.retryable


def test_being_deferred_past_the_timeout_ends_the_wait(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"], status="processing", progress=10)
    deferred = Fault(STATUS, 429, {"Retry-After": "30"}, times=99)

    with pytest.raises(WaitTimedOut, match="still processing"):
        lorry.wait(JOB_ID, timeout=5, on_change=lambda _: service.faults.append(deferred))
    with pytest.raises(LorryProblem, match="429"):
        lorry.wait(JOB_ID, timeout=5)


def test_following_reconnects_with_the_id_of_the_last_event_until_the_job_has_ended(
    lorry: Lorry, service: FakeServer
) -> None:
    service.changes = [
        b"retry: 10\n\n" + stream_event("progress", 3, progress=10),
        b"retry: 10\n\n: nothing new\n\n",
        b"retry: 10\n\n" + stream_event("progress", 4, progress=50) + stream_event("ready", 7, progress=100),
    ]
    changes = list(lorry.follow(JOB_ID))
    assert [(change.name, change.id, change.job.progress) for change in changes] == [
        ("progress", "3", 10),
        ("progress", "4", 50),
        ("ready", "7", 100),
    ]
    assert [change.last for change in changes] == [False, False, True]
    assert sent(service, "Last-Event-ID") == [None, "3", "3"]
    assert sent(service, "Accept") == ["text/event-stream"] * 3


def test_following_ends_when_the_service_has_nothing_more(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [b"retry: 0\n\n" + stream_event("progress", 1)]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["progress"]
    assert len(service.requests("stream")) == 2


def test_following_survives_outages_and_being_deferred(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [b"this one is lost", b"retry: 0\n\n" + stream_event("progress", 1), stream_event("failed", 2)]
    service.faults = [
        Fault(STREAM, 503),
        Fault(STREAM, 0),
        Fault(STREAM, 429, {"Retry-After": "0"}, times=20),
        Fault(STREAM, 0, served=True),
    ]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["progress", "failed"]


def test_following_skips_unknown_events(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [stream_event("paused", 1) + b"data: hello\n\n" + stream_event("ready", 2)]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["ready"]


def test_following_an_unknown_job_is_refused(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem, match="404 job_not_found"):
        next(lorry.follow("unknown"))


@pytest.mark.parametrize(
    ("archive", "sent"),
    [
        (False, {}),
        (True, {"archive": True}),
        (ArchiveOptions(), {"archive": {"layout": "flat", "onMissing": "skip"}}),
        (ArchiveOptions(manifest=False), {"archive": {"layout": "flat", "onMissing": "skip", "manifest": False}}),
        (
            ArchiveOptions("a.zip", layout="tree", on_missing="fail"),
            {"archive": {"filename": "a.zip", "layout": "tree", "onMissing": "fail"}},
        ),
    ],
)
def test_archive_options_are_sent_by_the_service_s_names(
    archive: bool | ArchiveOptions, sent: dict[str, object]
) -> None:
    body = initiate_body(file_ids=None, keys=("downloads/a",), prefix=None, archive=archive)
    assert body == {"keys": ["downloads/a"]} | sent


def test_files_are_named_in_exactly_one_way(lorry: Lorry, service: FakeServer) -> None:
    with pytest.raises(ValueError, match="not none"):
        lorry.start()
    with pytest.raises(ValueError, match="not file_ids, prefix"):
        lorry.start(file_ids=[70000], prefix="downloads/")
    assert service.seen == []


def test_a_prefix_starts_a_job_whose_total_is_not_known_yet(lorry: Lorry, service: FakeServer) -> None:
    assert lorry.start(prefix="downloads/a/").total is None
    assert service.requests("initiate", "POST")[0].body == {"prefix": "downloads/a/"}


def test_pages_follow_the_cursor_and_match_links_with_files(lorry: Lorry, service: FakeServer) -> None:
    service.put("downloads/70001.zip", b"x")
    service.page_limit = 2
    service.make_job([f"downloads/{number}.zip" for number in range(70000, 70005)])
    pages = list(lorry.pages(JOB_ID))
    files = [file for page in pages for file in page.files]
    assert [page.cursor for page in pages] == [None, "2", "4"]
    assert [file.id for file in files] == [70000, 70001, 70002, 70003, 70004]
    assert [file.url is not None for file in files] == [False, True, False, False, False]


def test_jobs_are_listed_over_pages_up_to_the_limit(lorry: Lorry, service: FakeServer) -> None:
    service.page_limit = 2
    service.listed = [{"jobId": f"job-{n}", "status": "ready" if n % 2 else "queued"} for n in range(10)]
    assert [job.id for job in lorry.jobs(limit=3)] == ["job-0", "job-1", "job-2"]
    assert [job.id for job in lorry.jobs(status="ready")] == ["job-1", "job-3", "job-5", "job-7", "job-9"]


def test_events_are_read_over_pages_up_to_the_limit(lorry: Lorry, service: FakeServer) -> None:
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
