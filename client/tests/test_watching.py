"""Waiting for a job and following it, against a real HTTP server."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fake_server import JOB_ID, FakeServer, Fault

from lorry import Lorry, LorryProblem, UnexpectedAnswer, WaitTimedOut
from lorry.event_stream import StreamedEvent, read_events

STATUS = "/lorry/v1/download/status"
STREAM = "/lorry/v1/download/stream"


def event(name: str, number: int, **members: Any) -> bytes:
    status = "processing" if name == "progress" else name
    data = json.dumps({"jobId": JOB_ID, "status": status} | members)
    return f"event: {name}\nid: {number}\ndata: {data}\n\n".encode()


def sent(service: FakeServer, header: str, path: str = "stream") -> list[str | None]:
    return [seen.headers.get(header) for seen in service.requests(path)]


def test_waiting_polls_one_file_at_a_time_and_hears_of_every_answer(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "queued", "progress": 0}, {"status": "processing", "progress": 50}]
    heard: list[int] = []
    job = lorry.wait(JOB_ID, on_change=lambda job: heard.append(job.progress))
    assert job.ready
    assert heard == [0, 50, 100]
    assert {seen.query["limit"] for seen in service.requests("status")} == {"1"}


def test_a_job_that_has_not_changed_is_not_sent_again(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "processing", "progress": progress} for progress in (10, 10, 10, 50)]
    heard: list[int] = []
    lorry.wait(JOB_ID, on_change=lambda job: heard.append(job.progress))
    assert heard == [10, 10, 10, 50, 100]
    first, second, third, fourth, last = sent(service, "If-None-Match", "status")
    assert first is None
    assert second == third == fourth
    assert (second is not None, last is not None, last != second) == (True, True, True)


def test_an_unchanged_answer_that_was_not_asked_for_is_no_answer(lorry: Lorry, service: FakeServer) -> None:
    service.faults = [Fault(STATUS, 304)]
    with pytest.raises(LorryProblem, match="304"):
        lorry.status(JOB_ID)


def test_polls_keep_the_distance_that_the_service_asks_for(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.polls = [{"status": "processing"}]
    service.retry_after = "1"
    lorry.wait(JOB_ID)
    first, second = service.requests("status")
    assert second.at - first.at >= 1.0


def test_waiting_goes_on_after_being_put_off(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"])
    service.faults = [Fault(STATUS, 429, {"Retry-After": "0"}, times=20)]
    assert lorry.wait(JOB_ID, timeout=30).ready


def test_waiting_ends_when_its_time_is_over(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"], status="processing", progress=10)
    with pytest.raises(WaitTimedOut, match="still processing") as raised:
        lorry.wait(JOB_ID, timeout=0.25)
    assert isinstance(raised.value, TimeoutError)
    assert raised.value.retryable


def test_being_put_off_past_the_end_of_the_wait_ends_it(lorry: Lorry, service: FakeServer) -> None:
    service.make_job(["downloads/70000.zip"], status="processing", progress=10)
    put_off = Fault(STATUS, 429, {"Retry-After": "30"}, times=99)

    with pytest.raises(WaitTimedOut, match="still processing"):
        lorry.wait(JOB_ID, timeout=5, on_change=lambda _: service.faults.append(put_off))
    with pytest.raises(LorryProblem, match="429"):
        lorry.wait(JOB_ID, timeout=5)


def test_following_comes_back_with_the_id_of_the_last_event_until_the_job_has_ended(
    lorry: Lorry, service: FakeServer
) -> None:
    service.changes = [
        b"retry: 10\n\n" + event("progress", 3, progress=10),
        b"retry: 10\n\n: nothing new\n\n",
        b"retry: 10\n\n" + event("progress", 4, progress=50) + event("ready", 7, progress=100),
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


def test_following_keeps_the_pause_that_it_is_told(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [b"retry: 500\n\n: nothing new\n\n", event("cancelled", 1)]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["cancelled"]
    first, second = service.requests("stream")
    assert second.at - first.at >= 0.5


def test_following_ends_when_the_service_says_that_there_is_nothing_more(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [b"retry: 0\n\n" + event("progress", 1)]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["progress"]
    assert len(service.requests("stream")) == 2


def test_following_outlives_outages_and_being_put_off(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [b"this one is lost", b"retry: 0\n\n" + event("progress", 1), event("failed", 2)]
    service.faults = [
        Fault(STREAM, 503),
        Fault(STREAM, 0),
        Fault(STREAM, 429, {"Retry-After": "0"}, times=20),
        Fault(STREAM, 0, served=True),
    ]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["progress", "failed"]


def test_following_skips_events_that_it_does_not_know(lorry: Lorry, service: FakeServer) -> None:
    service.changes = [event("paused", 1) + b"data: hello\n\n" + event("ready", 2)]
    assert [change.name for change in lorry.follow(JOB_ID)] == ["ready"]


def test_following_an_unknown_job_is_refused(lorry: Lorry) -> None:
    with pytest.raises(LorryProblem, match="404 job_not_found"):
        next(lorry.follow("unknown"))


@pytest.mark.parametrize("body", [b"event: ready\ndata: [1]\n\n", b"event: ready\ndata: {\n\n", "id: ü\n".encode()])
def test_a_stream_of_something_else_is_named_as_such(lorry: Lorry, service: FakeServer, body: bytes) -> None:
    service.changes = [body + event("ready", 1).replace(b"id: 1\n", b"")]
    with pytest.raises(UnexpectedAnswer):
        list(lorry.follow(JOB_ID))
    service.faults = [Fault(STREAM, 200, {"Content-Type": "text/html"}, b"<html>")]
    with pytest.raises(UnexpectedAnswer, match="not an event stream"):
        list(lorry.follow(JOB_ID))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_format_of_event_streams_is_read_as_it_is_defined(end: str) -> None:
    lines = [
        ": a comment", "retry: 1500", "retry: soon",
        "event:add", "data: one", "data:  two", "data", "id: 7", "colour: red", "",
        "data:\u2028", "", "event: dropped", "", "id: a\0b", "data: three", "", "id", "data: 4", "", "data: cut off",
    ]  # fmt: skip
    stream = read_events(("\ufeff" + end.join(lines)).encode())
    assert stream.retry == 1.5
    assert stream.events == (
        StreamedEvent("add", "7", "one\n two\n"),
        StreamedEvent("message", "7", "\u2028"),
        StreamedEvent("message", "7", "three"),
        StreamedEvent("message", "", "4"),
    )
