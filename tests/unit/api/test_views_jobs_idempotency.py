"""Idempotency-Key over HTTP: requests with the same key have the effect of one."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pytest
from chalice.test import HTTPResponse

from app import app
from chalicelib.jobs.model import Job, JobEvent, JobStatus, RequestedFile
from chalicelib.jobs.ports import Change
from chalicelib.jobs.state_machine import Trigger
from chalicelib.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS
from tests.support.api import ALICE, BOB, INITIATE, JWT, assert_problem, initiated, pointers
from tests.support.builders import World, event
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Crash
from tests.support.services import Gateway, WorldServices, in_use

BODY = b'{"file_ids":[70000,70001],"archive":{"filename":"a.zip","layout":"tree"},"linkTtlSeconds":60}'
SAME = [
    b' {\n "file_ids" : [ 70000 , 70001 ] , "archive":{"filename":"a.zip","layout":"tree"},"linkTtlSeconds":60 }\n',
    b'{"linkTtlSeconds":60,"archive":{"layout":"tree","filename":"a.zip"},"file_ids":[70000,70001]}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"\\u0061.zip","layout":"tree"},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"a.zip","layout":"tree","onMissing":"skip"},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"a.zip","layout":"tree","manifest":true},"linkTtlSeconds":60}',
]
OTHER = [
    b'{"file_ids":[70001,70000],"archive":{"filename":"a.zip","layout":"tree"},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001,70001],"archive":{"filename":"a.zip","layout":"tree"},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"b.zip","layout":"tree"},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"a.zip","layout":"tree"}}',
    b'{"file_ids":[70000,70001],"archive":{"filename":"a.zip","layout":"tree","manifest":false},"linkTtlSeconds":60}',
    b'{"file_ids":[70000,70001]}',
]
NOBODY = Gateway(app)


@pytest.fixture
def world() -> World:
    return World(files_per_batch=2)


@pytest.fixture
def services(world: World) -> Iterator[WorldServices]:
    with in_use(world) as services:
        yield services


def start(key: str = "key-1", body: Any = BODY, caller: Gateway = NOBODY) -> HTTPResponse:
    return caller.post(INITIATE, body, Idempotency_Key=key)


def retry(job_id: str, key: str | None = "key-1") -> HTTPResponse:
    return NOBODY("POST", f"/v1/download/{job_id}/retry", **({"Idempotency_Key": key} if key else {}))


def failed(world: World) -> str:
    """The id of a job that another attempt could mend."""
    job_id: str = initiated(NOBODY)["jobId"]
    world.queue.messages.clear()
    fail(world, job_id)
    return job_id


def fail(world: World, job_id: str) -> None:
    world.table.apply(Change(job_id=job_id, trigger=Trigger.FAIL, event=event("failed")))


# --- initiate ---------------------------------------------------------------------------


def test_a_replay_has_the_same_body_and_says_that_it_is_one(services: WorldServices, world: World) -> None:
    first, second = start(), start()
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.body == second.body
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    for name in ("Location", "Retry-After", "Content-Type"):
        assert first.headers[name] == second.headers[name]
    assert len(world.table.jobs) == 1


def test_a_replay_has_a_ticket_that_is_good_now(services: WorldServices, world: World) -> None:
    start()
    world.clock.advance(2 * services.settings.ticket_ttl_seconds)
    document = start().json_body
    assert services.tickets.accepts(document["ticket"], document["jobId"])


def test_a_replay_is_answered_like_the_first_request_when_the_job_has_moved_on(
    services: WorldServices, world: World
) -> None:
    first = start().json_body
    world.work_off()
    again = start().json_body
    assert again["status"] == first["status"] == "queued"


def test_a_request_is_compared_as_it_was_before_it_had_more_fields(services: WorldServices, world: World) -> None:
    """A repetition may come after a deployment."""
    archive = b'{"filename":"a.zip","layout":"tree","onMissing":"skip"}'
    before = b'{"file_ids":[70000,70001],"archive":' + archive + b',"linkTtlSeconds":60}'
    start()
    (job,) = world.table.jobs.values()
    assert job.fingerprint == hashlib.sha256(before).hexdigest()[:32]


@pytest.mark.parametrize("body", SAME)
def test_the_same_request_may_be_written_differently(services: WorldServices, world: World, body: bytes) -> None:
    assert start().body == start(body=body).body
    assert len(world.table.jobs) == 1


@pytest.mark.parametrize("body", OTHER)
def test_another_request_under_the_same_key_is_refused(services: WorldServices, world: World, body: bytes) -> None:
    start()
    assert_problem(start(body=body), 422, "idempotency_key_reused", path=INITIATE)
    assert len(world.table.jobs) == 1


def test_without_a_key_each_request_is_served(services: WorldServices, world: World) -> None:
    answers = [NOBODY.post(INITIATE, BODY) for _ in range(2)]
    assert len({answer.json_body["jobId"] for answer in answers}) == len(world.table.jobs) == 2


LONGEST = "k" * MAX_IDEMPOTENCY_KEY_CHARACTERS


@pytest.mark.parametrize("key", ["a", LONGEST, '"quoted"', "!~", "6f6b0f9e-0000-4000-8000-000000000001"])
def test_a_key_may_be_any_visible_ascii(services: WorldServices, key: str) -> None:
    assert start(key).body == start(key).body


@pytest.mark.parametrize("key", ["", " ", "two words", LONGEST + "k", "tab\t", "line\n", "é", "\x7f", "\0", "\udc80"])
def test_a_bad_key_is_refused_before_anything_happens(services: WorldServices, world: World, key: str) -> None:
    problem = assert_problem(start(key), 400, "invalid_request", path=INITIATE)
    assert pointers(problem) == ["/Idempotency-Key"]
    assert (world.table.jobs, world.table.requests) == ({}, {})


def test_keys_are_told_apart_by_each_letter_s_case(services: WorldServices, world: World) -> None:
    start("key")
    start("KEY")
    assert len(world.table.jobs) == 2


def test_a_key_of_another_principal_is_another_key(world: World) -> None:
    with in_use(world, **JWT):
        mine, theirs = start(caller=ALICE), start(caller=BOB, body=OTHER[0])
    assert (mine.status_code, theirs.status_code) == (202, 202)
    assert mine.json_body["jobId"] != theirs.json_body["jobId"]
    assert "Idempotency-Replayed" not in theirs.headers


def test_a_server_that_died_before_the_job_was_durable_costs_nothing(services: WorldServices, world: World) -> None:
    world.table.crash_in = 0
    with pytest.raises(Crash):
        start()
    answer = start()
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers
    assert start().headers["Idempotency-Replayed"] == "true"
    assert len(world.table.jobs) == 1


def test_a_server_that_died_after_the_job_was_durable_makes_no_second_job(
    services: WorldServices, world: World
) -> None:
    world.table.crash_in, world.table.crash_after_write = 0, True
    with pytest.raises(Crash):
        start()
    (job_id,) = world.table.jobs
    assert start().json_body["jobId"] == job_id
    assert list(world.table.jobs) == [job_id]
    assert [line.kind for line in world.table.trail[job_id]] == ["created"]


def test_a_request_that_is_not_valid_leaves_the_key_usable(services: WorldServices) -> None:
    assert start(body=b"nonsense").status_code == 400
    assert start(body=b'{"file_ids":[1]}').status_code == 400
    assert start(body=b'{"keys":["elsewhere/a"]}').status_code == 400
    answer = start()
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers


def test_a_request_that_met_an_outage_leaves_the_key_usable_at_once(services: WorldServices, world: World) -> None:
    world.table.down = True
    assert start().status_code == 503
    world.table.down = False
    answer = start()
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers
    assert start().body == answer.body
    assert len(world.table.jobs) == 1


def test_a_key_names_its_job_also_after_the_job_has_expired(services: WorldServices, world: World) -> None:
    start()
    world.work_off()
    world.clock.advance(services.settings.job_ttl_seconds)
    assert_problem(start(), 410, "job_expired", path=INITIATE)
    assert_problem(start(body=OTHER[0]), 422, "idempotency_key_reused", path=INITIATE)
    assert len(world.table.jobs) == 1


@pytest.mark.parametrize("quicker", [BODY, OTHER[0]], ids=["same", "other"])
def test_of_two_requests_at_one_instant_one_becomes_the_job(
    services: WorldServices, world: World, quicker: bytes
) -> None:
    """Another server handles a request with the same key just before the job is written."""
    answers: list[HTTPResponse] = []

    class Crowded(FakeJobTable):
        def create(self, job: Job, batches: Iterable[Sequence[RequestedFile]], *, event: JobEvent) -> bool:
            if not answers:
                answers.append(HTTPResponse(b"", {}, 0))  # the quicker request is not overtaken itself
                answers[0] = start(body=quicker)
            return super().create(job, batches, event=event)

    world.table.__class__ = Crowded
    slower = start()
    assert answers[0].status_code == 202
    if quicker == BODY:
        assert (slower.status_code, slower.headers["Idempotency-Replayed"]) == (202, "true")
        assert slower.body == answers[0].body
    else:
        assert_problem(slower, 422, "idempotency_key_reused", path=INITIATE)
    (job,) = world.table.jobs.values()
    (batch,) = world.table.read_requests(job, [0]).values()
    assert [file.file_id for file in batch] == ([70000, 70001] if quicker == BODY else [70001, 70000])


# --- retry ------------------------------------------------------------------------------


def test_a_retry_is_made_once_and_answered_the_same_each_time(services: WorldServices, world: World) -> None:
    job_id = failed(world)
    first, second = retry(job_id), retry(job_id)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.body == second.body
    assert (first.json_body["status"], second.headers["Idempotency-Replayed"]) == ("processing", "true")
    assert [line.kind for line in world.table.trail[job_id]].count("retried") == 1


def test_a_retry_that_is_repeated_after_it_failed_again_does_nothing(services: WorldServices, world: World) -> None:
    job_id = failed(world)
    retry(job_id)
    fail(world, job_id)
    assert retry(job_id).headers["Idempotency-Replayed"] == "true"
    assert world.job(job_id).status is JobStatus.FAILED
    assert retry(job_id, "key-2").json_body["status"] == "processing"


def test_a_key_of_another_job_s_retry_is_another_key(services: WorldServices, world: World) -> None:
    for job_id in (failed(world), failed(world)):
        answer = retry(job_id)
        assert (answer.status_code, answer.json_body["status"]) == (202, "processing")
        assert "Idempotency-Replayed" not in answer.headers


def test_of_two_retries_at_one_instant_one_is_made(services: WorldServices, world: World) -> None:
    job_id = failed(world)
    answers: list[HTTPResponse] = []

    class Crowded(FakeJobTable):
        def apply(self, change: Change) -> Job | None:
            if not answers:
                answers.append(HTTPResponse(b"", {}, 0))
                answers[0] = retry(job_id)
            return super().apply(change)

    world.table.__class__ = Crowded
    slower = retry(job_id)
    assert (answers[0].status_code, slower.status_code) == (202, 202)
    assert slower.headers["Idempotency-Replayed"] == "true"
    assert [line.kind for line in world.table.trail[job_id]].count("retried") == 1


def test_a_key_of_initiate_is_not_one_of_retry(services: WorldServices, world: World) -> None:
    job_id = failed(world)
    start()
    assert retry(job_id).status_code == 202


def test_where_there_is_nothing_to_retry_each_attempt_says_so(services: WorldServices, world: World) -> None:
    job_id = initiated(NOBODY)["jobId"]
    path = f"/v1/download/{job_id}/retry"
    for _ in range(3):
        assert_problem(retry(job_id), 409, "nothing_to_retry", path=path)
    fail(world, job_id)
    answer = retry(job_id)
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers


def test_a_retry_of_a_job_that_is_not_there_is_refused(services: WorldServices) -> None:
    assert retry("6f6b0f9e-0000-4000-8000-000000000009").status_code == 404


@pytest.mark.parametrize("after_write", [False, True])
def test_a_retry_whose_server_died_is_made_once(services: WorldServices, world: World, after_write: bool) -> None:
    job_id = failed(world)
    world.table.crash_in, world.table.crash_after_write = 0, after_write
    with pytest.raises(Crash):
        retry(job_id)
    answer = retry(job_id)
    assert (answer.status_code, answer.json_body["status"]) == (202, "processing")
    assert [line.kind for line in world.table.trail[job_id]].count("retried") == 1


def test_a_retry_without_a_key_is_made_each_time(services: WorldServices, world: World) -> None:
    job_id = failed(world)
    assert retry(job_id, None).status_code == 202
    assert retry(job_id, None).status_code == 409
