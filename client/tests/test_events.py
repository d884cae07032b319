"""Event streams as HTML defines them (section 9.2.6), and what is not one of Lorry's."""

from __future__ import annotations

import json

import httpx
import pytest
from support.fake_server import JOB_ID, FakeServer, Fault, stream_event

from lorry import Lorry, UnexpectedAnswer
from lorry.events import read_events

KIND = {"Content-Type": "text/event-stream; charset=utf-8"}
STREAM = "/lorry/v1/download/stream"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_event_streams_are_read_as_the_format_defines(end: str) -> None:
    job = json.dumps({"jobId": "\u2028", "status": "processing"}, ensure_ascii=False)
    first, comma, rest = job.partition(",")
    lines = [
        ": a comment", "retry: 1500", "retry: soon",
        "event:progress", f"data: {first}{comma}", f"data:{rest}", "id: 7", "colour: red", "",
        "event: paused", "data: {", "id: 8", "", "event: progress", "id: a\0b", f"data: {job}", "",
        "event: progress", f"data: {job}",
    ]  # fmt: skip
    stream = read_events(httpx.Response(200, headers=KIND, content=("\ufeff" + end.join(lines)).encode()))
    assert stream.retry == 1.5
    assert [(change.name, change.id, change.job.id) for change in stream.changes] == [
        ("progress", "7", "\u2028"),
        ("progress", "8", "\u2028"),
    ]


@pytest.mark.parametrize("body", [b"event: ready\ndata: [1]\n\n", b"event: ready\ndata: {\n\n", "id: ü\n".encode()])
def test_a_stream_of_another_server_is_named_as_such(lorry: Lorry, service: FakeServer, body: bytes) -> None:
    service.changes = [body + stream_event("ready", 1).replace(b"id: 1\n", b"")]
    with pytest.raises(UnexpectedAnswer):
        list(lorry.follow(JOB_ID))
    service.faults = [Fault(STREAM, 200, {"Content-Type": "text/html"}, b"<html>")]
    with pytest.raises(UnexpectedAnswer, match="not an event stream"):
        list(lorry.follow(JOB_ID))
