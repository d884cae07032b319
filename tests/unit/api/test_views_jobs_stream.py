"""Server-sent events: what a browser gets that follows a job, connection by connection."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app import app
from tests.support.api import INITIATE, UNKNOWN_JOB, assert_problem, initiated
from tests.support.builders import JOB_TTL, World
from tests.support.services import Gateway, WorldServices, in_use

NOBODY = Gateway(app)


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world) as services:
        yield services


@dataclass(frozen=True)
class Event:
    """One event as a browser reads it (HTML, section 9.2.6), and when it comes again."""

    name: str
    id: str
    data: Any
    retry: int


def events(answer: HTTPResponse) -> list[Event]:
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.body.decode()
    assert text.endswith("\n\n") and "\r" not in text
    found, retry = [], 0
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        retry = int(fields.pop("retry", retry))
        if fields:
            found.append(Event(fields["event"], fields["id"], json.loads(fields["data"]), retry))
    assert retry > 0
    return found


def of_two_batches() -> str:
    job_id: str = NOBODY.post(INITIATE, {"file_ids": [70000, 70001, 70002]}).json_body["jobId"]
    return job_id


def handle_one(world: World) -> None:
    if world.queue.messages:
        world.handle(world.queue.messages.pop(0))


def follow(job_id: str, last: str | None = None) -> HTTPResponse:
    path = f"/v1/download/stream/{job_id}"
    return NOBODY.get(path) if last is None else NOBODY.get(path, Last_Event_ID=last)


def test_the_first_connection_gets_a_snapshot_at_once(services: WorldServices, world: World) -> None:
    job_id = initiated(NOBODY)["jobId"]
    before = world.clock.now
    (event,) = events(follow(job_id))
    assert (event.name, event.id) == ("progress", "1")
    listed = NOBODY.get("/v1/download/jobs").json_body["jobs"]
    assert [event.data] == listed
    assert world.clock.now == before


def test_a_reconnect_waits_for_the_next_change_and_gets_it(services: WorldServices, world: World) -> None:
    job_id = of_two_batches()
    (first,) = events(follow(job_id))
    before = world.clock.now
    services.meanwhile.append(lambda: handle_one(world) if world.clock.now - before >= 3_000 else None)
    (second,) = events(follow(job_id, first.id))
    assert (second.name, second.data["status"]) == ("progress", "processing")
    assert int(second.id) > int(first.id)
    assert 3_000 <= world.clock.now - before <= 3_500


def test_a_reconnect_that_missed_changes_gets_the_latest_at_once(services: WorldServices, world: World) -> None:
    job_id = of_two_batches()
    (first,) = events(follow(job_id))
    world.handle(world.queue.messages.pop(0))
    before = world.clock.now
    (second,) = events(follow(job_id, first.id))
    assert second.data["status"] == "processing"
    assert world.clock.now == before


def test_without_a_change_the_answer_ends_after_ten_seconds_with_a_comment(
    services: WorldServices, world: World
) -> None:
    job_id = initiated(NOBODY)["jobId"]
    before = world.clock.now
    answer = follow(job_id, "1")
    assert events(answer) == []
    assert answer.body.decode().splitlines()[-2].startswith(":")
    assert 10_000 <= world.clock.now - before <= 10_500


def test_a_job_is_followed_to_its_end_which_stops_the_browser(services: WorldServices, world: World) -> None:
    world.store.put("downloads/70000.zip")
    job_id = initiated(NOBODY)["jobId"]
    services.meanwhile.append(lambda: handle_one(world))
    seen: list[Event] = []
    answer = follow(job_id)
    while answer.status_code == 200:
        seen += events(answer)
        answer = follow(job_id, seen[-1].id)
    assert (answer.status_code, answer.body) == (204, b"")
    assert [event.name for event in seen].count("ready") == 1
    assert (seen[-1].name, seen[-1].data["progress"]) == ("ready", 100)
    numbers = [int(event.id) for event in seen]
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("how", ["ready", "failed", "cancelled"])
def test_each_end_has_its_own_event_and_is_told_once(services: WorldServices, world: World, how: str) -> None:
    if how == "ready":
        world.store.put("downloads/70000.zip")
    job_id = initiated(NOBODY)["jobId"]
    if how == "cancelled":
        NOBODY("DELETE", f"/v1/download/{job_id}")
    world.work_off()
    (event,) = events(follow(job_id))
    assert (event.name, event.data["status"]) == (how, how)
    assert follow(job_id, event.id).status_code == 204


def test_reading_the_links_of_an_ended_job_does_not_wake_its_readers(services: WorldServices, world: World) -> None:
    world.store.put("downloads/70000.zip")
    job_id = initiated(NOBODY)["jobId"]
    world.work_off()
    (event,) = events(follow(job_id))
    NOBODY.get(f"/v1/download/{job_id}")
    assert follow(job_id, event.id).status_code == 204


@pytest.mark.parametrize("last", ["", "x", "-1", "1.0", "0x1", "²", "9" * 5_000, "0", "999", " ", "null"])
def test_a_last_event_id_that_is_not_of_this_version_gets_a_snapshot(
    services: WorldServices, world: World, last: str
) -> None:
    job_id = initiated(NOBODY)["jobId"]
    before = world.clock.now
    assert [event.id for event in events(follow(job_id, last))] == ["1"]
    assert world.clock.now == before


def test_a_reader_that_finds_no_place_does_not_wait_and_comes_later(world: World) -> None:
    with in_use(world, STREAM_MAX_WAITING="1"):
        world.clock.now -= world.clock.now % 10_000
        job_id = initiated(NOBODY)["jobId"]
        world.counter.add(f"waiting#{world.clock.now // 10_000}", until=0)
        before = world.clock.now
        answer = follow(job_id, "1")
    assert events(answer) == []
    assert answer.body.startswith(b"retry: 5000\n")
    assert world.clock.now == before


def test_a_job_that_expires_while_it_is_watched_is_gone(services: WorldServices, world: World) -> None:
    job_id = initiated(NOBODY)["jobId"]
    world.clock.advance(2 * JOB_TTL - 1)
    path = f"/v1/download/stream/{job_id}"
    assert_problem(follow(job_id, "1"), 410, "job_expired", path=path)


def test_a_store_that_fails_while_a_job_is_watched_is_an_outage(services: WorldServices, world: World) -> None:
    job_id = initiated(NOBODY)["jobId"]
    services.meanwhile.append(lambda: setattr(world.table, "down", True))
    path = f"/v1/download/stream/{job_id}"
    assert_problem(follow(job_id, "1"), 503, "table_unavailable", path=path)


def test_an_unknown_job_has_no_stream(services: WorldServices) -> None:
    assert_problem(follow(UNKNOWN_JOB), 404, "job_not_found", path=f"/v1/download/stream/{UNKNOWN_JOB}")
