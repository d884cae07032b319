"""Reading a job: unchanged answers, the audit trail, lists, and what leads to results."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from chalicelib.delivery.tickets import TicketSigner
from chalicelib.errors import SecretUnavailable
from tests.support.api import ALICE, BOB, INITIATE, JOBS, JWT, UNKNOWN_JOB, assert_problem, initiated, pointers
from tests.support.builders import World
from tests.support.services import Gateway, WorldServices, in_use

NOBODY = Gateway(app)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = Gateway(app, {"X-Request-ID": "request-7", "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"})


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world) as services:
        yield services


def started(*numbers: int, caller: Gateway = NOBODY, **more: Any) -> str:
    job_id: str = caller.post(INITIATE, {"file_ids": list(numbers), **more}).json_body["jobId"]
    return job_id


def ready(world: World, *numbers: int, caller: Gateway = NOBODY, **more: Any) -> str:
    for number in numbers:
        world.store.put(f"downloads/{number}.zip")
    job_id = started(*numbers, caller=caller, **more)
    world.work_off()
    return job_id


def status_of(job_id: str) -> str:
    return f"/v1/download/status/{job_id}"


# --- what has not changed ---------------------------------------------------------------


def known(job_id: str, tags: str, query: str = "") -> int:
    return NOBODY.get(status_of(job_id) + query, If_None_Match=tags).status_code


def test_who_has_the_answer_is_not_sent_it_again(services: WorldServices) -> None:
    job_id = started(70000)
    first = NOBODY.get(status_of(job_id))
    second = NOBODY.get(status_of(job_id), If_None_Match=first.headers["ETag"])
    assert (second.status_code, second.body) == (304, b"")
    assert second.headers["ETag"] == first.headers["ETag"]
    assert "Retry-After" in second.headers and "X-Request-ID" in second.headers


def test_tags_are_compared_weakly_and_among_others(services: WorldServices) -> None:
    job_id = started(70000)
    tag = NOBODY.get(status_of(job_id)).headers["ETag"]
    strong = tag.removeprefix("W/")
    assert tag.startswith('W/"') and strong.endswith('"')
    for tags in (tag, strong, f'"a", {tag}', f'W/"a",{strong} , "b"', "*", " * ", f" {tag} "):
        assert known(job_id, tags) == 304, tags
    for tags in ("", '"a"', strong.strip('"'), tag.lower(), f"{tag}x", '"*"', "W/", ","):
        assert known(job_id, tags) == 200, tags


def test_a_reader_of_a_job_that_lies_still_gets_a_fresh_ticket_before_the_old_one_ends(
    services: WorldServices, world: World
) -> None:
    job_id = started(70000)
    first = NOBODY.get(status_of(job_id))
    assert known(job_id, first.headers["ETag"]) == 304
    world.clock.advance(services.settings.ticket_ttl_seconds // 2)
    assert known(job_id, first.headers["ETag"]) == 200
    assert NOBODY.get(status_of(job_id)).json_body["ticket"] != first.json_body["ticket"]


def test_each_step_of_a_job_and_each_page_has_another_tag(services: WorldServices, world: World) -> None:
    job_id = started(70000, 70001, 70002, 70003)
    tags = [NOBODY.get(status_of(job_id) + query).headers["ETag"] for query in ("", "?limit=1", "?limit=1&cursor=1")]
    for _ in range(2):
        world.clock.advance(1)
        world.handle(world.queue.messages.pop(0))
        assert known(job_id, ", ".join(tags)) == 200
        tags.append(NOBODY.get(status_of(job_id)).headers["ETag"])
    assert len(set(tags)) == 5


@pytest.mark.parametrize("how", ["ready", "failed", "cancelled"])
def test_a_job_that_has_ended_is_always_told_in_full(services: WorldServices, world: World, how: str) -> None:
    job_id = ready(world, 70000) if how == "ready" else started(70001)
    if how == "cancelled":
        NOBODY("DELETE", f"/v1/download/{job_id}")
    world.work_off()
    answer = NOBODY.get(status_of(job_id), If_None_Match="*")
    assert (answer.status_code, answer.json_body["status"]) == (200, how)
    assert "ETag" not in answer.headers


def test_somebody_else_s_job_is_not_told_to_be_unchanged(world: World) -> None:
    with in_use(world, **JWT):
        job_id = initiated(ALICE)["jobId"]
        tag = ALICE.get(status_of(job_id)).headers["ETag"]
        assert BOB.get(status_of(job_id), If_None_Match=tag).status_code == 404


def test_an_answer_goes_out_without_a_ticket_where_none_can_be_signed(services: WorldServices, world: World) -> None:
    def fail() -> tuple[bytes, ...]:
        raise SecretUnavailable("it is down")

    services.__dict__["tickets"] = TicketSigner(fail, world.clock, 900)
    document = initiated(NOBODY)
    assert document["ticket"] is None
    assert NOBODY.get(status_of(document["jobId"])).json_body["ticket"] is None


# --- the audit trail --------------------------------------------------------------------


def trail(job_id: str, caller: Gateway = NOBODY, limit: int = 1_000) -> list[dict[str, Any]]:
    """Every event of the job, page by page."""
    found: list[dict[str, Any]] = []
    query = f"?limit={limit}"
    while True:
        answer = caller.get(f"/v1/download/{job_id}/events{query}")
        assert answer.status_code == 200
        found.extend(answer.json_body["events"])
        cursor = answer.json_body["nextCursor"]
        if cursor is None:
            return found
        query = f"?limit={limit}&cursor={cursor}"


def test_an_event_tells_what_when_by_whom_and_by_which_request(world: World) -> None:
    alice = Gateway(app, {**ALICE.headers, **TRACED.headers})
    with in_use(world, **JWT):
        (created,) = trail(started(70000, caller=alice), alice)
    assert created == {
        "kind": "created",
        "at": "2023-11-14T22:13:20.000Z",
        "by": "user:alice",
        "requestId": "request-7",
        "traceId": TRACE,
        "details": {"total": 1},
    }


@pytest.mark.parametrize("limit", [1, 2, 1_000])
def test_every_step_of_a_job_s_life_is_told_in_order(services: WorldServices, world: World, limit: int) -> None:
    job_id = started(70000)
    for message in world.queue.messages:
        world.clock.advance(1)
        world.handle(message)
    world.clock.advance(1)
    kinds = [line["kind"] for line in trail(job_id, limit=limit)]
    assert kinds[:2] == ["created", "started"] and kinds[-1] == "failed"


def test_each_read_that_issued_links_is_one_line_with_their_number(services: WorldServices, world: World) -> None:
    job_id = ready(world, 70000, 70001, 70002)
    world.store.put("downloads/70009.zip")
    reads = {
        status_of(job_id): 3,
        f"{status_of(job_id)}?limit=2": 2,
        f"{status_of(job_id)}?cursor=2": 1,
        f"{status_of(job_id)}?cursor=3": None,
        f"/v1/download/{job_id}": 3,
        f"/v1/download/{job_id}/files/1": 1,
        f"/v1/download/{job_id}/files/9": None,
    }
    for path, count in reads.items():
        world.clock.advance(300)  # each read in a window of its own
        before = len(trail(job_id))
        TRACED.get(path)
        new = trail(job_id)[before:]
        assert [(line["kind"], line["details"], line["requestId"], line["traceId"]) for line in new] == (
            [("links_issued", {"count": count, "reads": 1}, "request-7", TRACE)] if count else []
        ), path


def test_reads_of_five_minutes_are_one_line(services: WorldServices, world: World) -> None:
    job_id = ready(world, 70000, 70001)
    before = len(trail(job_id))
    for _ in range(30):
        TRACED.get(status_of(job_id))
    lines = trail(job_id)[before:]
    assert sum(line["details"]["reads"] for line in lines) == 30
    assert sum(line["details"]["count"] for line in lines) == 60
    assert len(lines) <= 2  # a window may end meanwhile


def test_only_links_to_files_that_are_there_are_counted(services: WorldServices, world: World) -> None:
    world.store.put("downloads/70000.zip")
    job_id = started(70000, 70001)
    world.work_off()
    NOBODY.get(status_of(job_id))
    assert trail(job_id)[-1]["details"] == {"count": 1, "reads": 1}


def test_a_read_that_issues_no_links_leaves_no_line(services: WorldServices, world: World) -> None:
    job_id = started(70000)
    NOBODY.get(status_of(job_id))
    world.work_off()
    before = trail(job_id)
    for path in (status_of(job_id), f"/v1/download/{job_id}", f"/v1/download/stream/{job_id}", JOBS):
        NOBODY.get(path)
    assert trail(job_id) == before


def test_no_links_are_given_out_that_cannot_be_noted(services: WorldServices, world: World) -> None:
    job_id = ready(world, 70000)
    world.table.crash_in = None
    world.table.down = True
    assert "X-Amz-Signature" not in NOBODY.get(status_of(job_id)).body.decode()


def test_a_cursor_of_events_that_is_not_ours_is_refused(services: WorldServices) -> None:
    job_id = started(70000)
    path = f"/v1/download/{job_id}/events"
    problem = assert_problem(NOBODY.get(f"{path}?cursor=nonsense"), 400, "invalid_request", path=path)
    assert pointers(problem) == ["/cursor"]


def test_events_of_an_unknown_job_are_not_told(services: WorldServices) -> None:
    path = f"/v1/download/{UNKNOWN_JOB}/events"
    assert_problem(NOBODY.get(path), 404, "job_not_found", path=path)


# --- lists ------------------------------------------------------------------------------


def test_a_cursor_of_jobs_that_is_not_ours_is_refused(services: WorldServices) -> None:
    problem = assert_problem(NOBODY.get(f"{JOBS}?cursor=nonsense"), 400, "invalid_request", path=JOBS)
    assert pointers(problem) == ["/cursor"]


def test_a_list_goes_on_where_it_stopped_although_jobs_were_added(services: WorldServices, world: World) -> None:
    ids = []
    for number in range(3):
        world.clock.advance(1)
        ids.append(started(70000 + number))
    first = NOBODY.get(f"{JOBS}?limit=1").json_body
    world.clock.advance(1)
    started(70009)
    rest = NOBODY.get(f"{JOBS}?limit=9&cursor={first['nextCursor']}").json_body
    assert [job["jobId"] for job in first["jobs"] + rest["jobs"]] == ids[::-1]
