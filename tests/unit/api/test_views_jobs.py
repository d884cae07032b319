"""Jobs are started, read, cancelled and listed."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import pytest

from chalicelib.assembly.model import archive_filename
from chalicelib.limits import MAX_PAGE_FILES
from tests.support.api import INITIATE, assert_problem, pointers, post
from tests.support.builders import ALICE, JOB_TTL, World
from tests.support.services import STORE, in_use
from tests.unit.api.jobs import initiated, ready, status

ORIGIN = "https://app.test"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


# --- initiate ---------------------------------------------------------------------------


def test_a_job_is_answered_at_once_with_where_to_look(http: Any, world: World) -> None:
    answer = post(http, INITIATE, {"file_ids": [70000, 70001]})
    document = answer.json_body
    job_id = document["jobId"]
    assert answer.status_code == 202
    assert (document["status"], document["totalFileIds"], document["duplicates"]) == ("queued", 2, 0)
    assert answer.headers["Location"] == document["links"]["status"] == f"/v1/download/status/{job_id}"
    assert int(answer.headers["Retry-After"]) >= 1
    assert world.job(job_id).total == 2


def test_repeated_ids_are_kept_once_in_the_order_of_their_first(http: Any, world: World) -> None:
    document = initiated(http, 70002, 70000, 70002, 70001, 70000)
    assert (document["totalFileIds"], document["duplicates"]) == (3, 2)
    assert [file["id"] for file in status(http, document["jobId"])["files"]] == [70002, 70000, 70001]


def test_a_job_is_answered_although_the_queue_is_down(http: Any, world: World) -> None:
    world.queue.down = True
    assert initiated(http, 70000)["status"] == "queued"


def test_keys_follow_the_template(http: Any, world: World) -> None:
    with in_use(world, S3_KEY_TEMPLATE="downloads/a/{file_id}.bin"):
        job_id = initiated(http, 70000)["jobId"]
        assert status(http, job_id)["files"][0]["key"] == "downloads/a/70000.bin"


def test_the_life_of_links_may_be_asked_for(http: Any, world: World) -> None:
    asked = ready(http, world, 70000, linkTtlSeconds=60)
    by_default = ready(http, world, 70000)
    assert "X-Amz-Expires=60&" in status(http, asked)["resultUrls"][0]
    assert "X-Amz-Expires=3600&" in status(http, by_default)["resultUrls"][0]


def test_the_request_id_and_trace_are_kept_in_the_audit_trail(http: Any, world: World) -> None:
    headers = {
        "Content-Type": "application/json",
        "X-Request-ID": "mine-7",
        "traceparent": f"00-{TRACE}-00f067aa0ba902b7-01",
    }
    job_id = post(http, INITIATE, {"file_ids": [70000]}, headers).json_body["jobId"]
    (created,) = world.table.trail[job_id]
    assert (created.actor.request_id, created.actor.trace_id) == ("mine-7", TRACE)


# --- status -----------------------------------------------------------------------------


def test_a_queued_job_tells_that_nothing_is_done(http: Any) -> None:
    document = status(http, initiated(http, 70000, 70001)["jobId"])
    assert (document["status"], document["progress"], document["processed"], document["total"]) == ("queued", 0, 0, 2)
    assert (document["resultUrls"], document["error"], document["finishedAt"]) == (None, None, None)
    assert [file["state"] for file in document["files"]] == ["pending", "pending"]
    assert set(document["links"]) == {"status", "cancel"}


def test_a_job_under_way_tells_how_far_it_is(http: Any, world: World) -> None:
    job_id = initiated(http, 70000, 70001, 70002, 70003)["jobId"]
    world.handle(world.queue.messages.pop(0))
    world.handle(world.queue.messages.pop(0))
    document = status(http, job_id)
    assert (document["status"], document["stage"], document["progress"]) == ("processing", "checking", 50)
    assert document["counts"] == {"available": 0, "missing": 2, "failed": 0, "folders": 0}


def test_only_a_job_that_has_not_ended_says_when_to_ask_again(http: Any, world: World) -> None:
    job_id = initiated(http, 70000)["jobId"]
    assert "Retry-After" in http.get(f"/v1/download/status/{job_id}").headers
    world.work_off()
    assert "Retry-After" not in http.get(f"/v1/download/status/{job_id}").headers


def test_a_ready_job_has_a_link_per_file_in_order_and_null_where_one_is_missing(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70003, 70001, 70002, missing=(70001,)))
    assert (document["status"], document["progress"], document["stage"]) == ("ready", 100, None)
    first, second, third = document["resultUrls"]
    assert first.startswith(f"{STORE}/files/downloads/70003.zip?")
    assert second is None
    assert third.startswith(f"{STORE}/files/downloads/70002.zip?")
    expected = {
        "index": 1,
        "id": 70001,
        "key": "downloads/70001.zip",
        "state": "missing",
        "size": None,
        "reason": "not_found",
    }
    assert document["files"][1].items() >= expected.items()
    assert document["bytes"] == {"total": 20, "done": 20}
    assert set(document["links"]) == {"status", "download"}


def test_links_are_minted_at_each_read_and_tell_when_they_die(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    first = status(http, job_id)
    world.clock.advance(100)
    second = status(http, job_id)
    assert first["resultUrls"] != second["resultUrls"]
    assert first["linksExpireAt"] == "2023-11-14T23:13:20.000Z"
    assert second["linksExpireAt"] == "2023-11-14T23:15:00.000Z"


def test_a_job_without_any_file_tells_why_it_failed(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70000, missing=(70000,)))
    assert (document["status"], document["resultUrls"]) == ("failed", None)
    assert document["error"] == {
        "code": "no_files_available",
        "message": "none of the requested files is available: 1 missing",
    }


def test_times_are_rfc_3339(http: Any, world: World) -> None:
    document = status(http, ready(http, world, 70000))
    assert document["createdAt"] == document["finishedAt"] == "2023-11-14T22:13:20.000Z"
    assert document["expiresAt"] == "2023-11-15T22:13:20.000Z"


def test_files_come_in_pages_that_lead_to_each_other(http: Any, world: World) -> None:
    numbers = range(70000, 70005)
    job_id = ready(http, world, *numbers, missing=(70003,))
    seen: list[int] = []
    urls: list[str | None] = []
    query = "?limit=2"
    while True:
        page = status(http, job_id, query)
        seen.extend(file["index"] for file in page["files"])
        urls.extend(page["resultUrls"])
        if page["nextCursor"] is None:
            break
        query = f"?limit=2&cursor={page['nextCursor']}"
    assert seen == [0, 1, 2, 3, 4]
    assert [url is None for url in urls] == [False, False, False, True, False]


def test_a_page_holds_a_thousand_files_unless_asked_for_less(http: Any) -> None:
    document = status(http, initiated(http, *range(70000, 71001))["jobId"])
    assert (len(document["files"]), document["nextCursor"]) == (MAX_PAGE_FILES, str(MAX_PAGE_FILES))


def test_a_job_id_may_be_written_in_capitals(http: Any) -> None:
    job_id = initiated(http, 70000)["jobId"]
    assert status(http, job_id.upper())["jobId"] == job_id


def test_an_expired_job_is_gone(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    world.clock.advance(JOB_TTL)
    for path in (f"/v1/download/status/{job_id}", f"/v1/download/{job_id}"):
        assert_problem(http.get(path), 410, "job_expired", path=path)


# --- cancel -----------------------------------------------------------------------------


def test_a_job_is_cancelled_and_cancelling_twice_is_fine(http: Any, world: World) -> None:
    job_id = initiated(http, 70000)["jobId"]
    first, second = http.delete(f"/v1/download/{job_id}"), http.delete(f"/v1/download/{job_id}")
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json_body == second.json_body
    assert (first.json_body["jobId"], first.json_body["status"]) == (job_id, "cancelled")
    world.work_off()
    assert status(http, job_id)["status"] == "cancelled"


def test_an_ended_job_cannot_be_cancelled(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    path = f"/v1/download/{job_id}"
    assert_problem(http.delete(path), 409, "job_already_ended", path=path)
    assert status(http, job_id)["status"] == "ready"


def test_purging_a_job_leaves_its_audit_trail_and_is_repeated_without_harm(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    path = f"/v1/download/{job_id}"
    for _ in range(2):
        answer = http.delete(f"{path}?purge=true")
        assert (answer.status_code, answer.body) == (204, b"")
    for gone in (path, f"{path}/files/0", f"/v1/download/status/{job_id}"):
        assert_problem(http.get(gone), 410, "job_expired", path=gone)
    assert [event["kind"] for event in http.get(f"{path}/events").json_body["events"]].count("purged") == 1
    assert http.get("/v1/download/jobs").json_body["jobs"] == []


def test_purging_a_running_job_cancels_it(http: Any, world: World) -> None:
    job_id = initiated(http, 70000)["jobId"]
    assert http.delete(f"/v1/download/{job_id}?purge=true").status_code == 204
    world.work_off()
    assert world.job(job_id).status == "cancelled"
    kinds = [event.kind for event in world.table.trail[job_id]]
    assert kinds[:3] == ["created", "cancelled", "purged"]


def test_nobody_purges_the_job_of_another(http: Any, world: World) -> None:
    job_id = world.start(70000).job_id
    path = f"/v1/download/{job_id}"
    assert_problem(http.delete(f"{path}?purge=true"), 404, "job_not_found", path=path)
    assert not world.job(job_id).purged


def test_an_unknown_query_parameter_is_refused_by_name(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    path = f"/v1/download/{job_id}"
    answer = http.delete(f"{path}?purged=true")
    assert_problem(answer, 400, "invalid_request", path=path)
    assert answer.json_body["errors"] == [{"pointer": "/purged", "detail": "is not a parameter here; there are purge"}]
    assert status(http, job_id)["status"] == "ready"
    assert http.get(f"{path}?X-Amz-Signature=abc").status_code == 302


# --- what was asked for -----------------------------------------------------------------


def test_label_and_request_are_wherever_the_job_is(http: Any, world: World) -> None:
    body = {"file_ids": [70000, 70001, 70000], "label": "Trip 7/2 \U0001f4e6", "archive": True}
    job_id = post(http, INITIATE, body).json_body["jobId"]
    asked = {"by": "file_ids", "count": 3, "prefix": None}
    listed = http.get("/v1/download/jobs").json_body["jobs"][0]
    for answer in (status(http, job_id), listed):
        assert (answer["label"], answer["request"]) == ("Trip 7/2 \U0001f4e6", asked)
    assert archive_filename(world.job(job_id), 1, archives=1) == "Trip 7_2 \U0001f4e6.zip"


@pytest.mark.parametrize(
    ("named", "asked"),
    [
        ({"keys": ["downloads/a"]}, {"by": "keys", "count": 1, "prefix": None}),
        ({"prefix": "downloads/2026/"}, {"by": "prefix", "count": None, "prefix": "downloads/2026/"}),
    ],
)
def test_a_job_says_how_its_files_were_named(http: Any, named: dict[str, Any], asked: dict[str, Any]) -> None:
    answer = status(http, post(http, INITIATE, named).json_body["jobId"])
    assert (answer["label"], answer["request"]) == (None, asked)


@pytest.mark.parametrize("label", ["", "x" * 201, "two\nlines", "ends\n", "\u202eevil", 7, None])
def test_a_label_is_one_short_line(http: Any, world: World, label: Any) -> None:
    problem = assert_problem(
        post(http, INITIATE, {"file_ids": [70000], "label": label}), 400, "invalid_request", path=INITIATE
    )
    assert pointers(problem) == ["/label"]
    assert world.table.jobs == {}


def test_jobs_are_filtered_by_label_and_time(http: Any, world: World) -> None:
    ids = []
    for label in ("a", "b", "a"):
        world.clock.advance(60)
        ids.append(post(http, INITIATE, {"file_ids": [70000], "label": label}).json_body["jobId"])

    def listed(**query: str) -> list[str]:
        return [job["jobId"] for job in http.get(f"/v1/download/jobs?{urlencode(query)}").json_body["jobs"]]

    second = status(http, ids[1])["createdAt"]
    assert listed(label="a") == [ids[2], ids[0]]
    assert listed(createdAfter=second) == [ids[2], ids[1]]
    assert listed(createdBefore=second, label="a") == [ids[0]]
    assert listed(label="c") == []
    answer = http.get("/v1/download/jobs?label=%C2%9B")
    assert pointers(assert_problem(answer, 400, "invalid_request", path="/v1/download/jobs")) == ["/label"]
    for bad in ("yesterday", "2026-11-27", "2026-11-27T08:00:00"):
        answer = http.get(f"/v1/download/jobs?createdAfter={bad}")
        assert pointers(assert_problem(answer, 400, "invalid_request", path="/v1/download/jobs")) == ["/createdAfter"]


def test_the_files_of_a_page_are_filtered_by_state(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000, 70001, 70002, missing=(70001,))
    path = f"/v1/download/status/{job_id}"
    answer = http.get(f"{path}?state=missing").json_body
    assert [(file["index"], file["state"]) for file in answer["files"]] == [(1, "missing")]
    assert answer["resultUrls"] == [None]
    assert [file["index"] for file in http.get(f"{path}?state=available&limit=1").json_body["files"]] == [0]
    assert http.get(f"{path}?state=missing&limit=1").json_body["nextCursor"] == "1"
    assert pointers(assert_problem(http.get(f"{path}?state=lost"), 400, "invalid_request", path=path)) == ["/state"]


# --- list -------------------------------------------------------------------------------


def test_a_caller_lists_its_own_jobs_newest_first_page_by_page(http: Any, world: World) -> None:
    world.start(70009)  # not among them: it is somebody else's
    ids = []
    for number in range(3):
        world.clock.advance(1)
        ids.append(initiated(http, 70000 + number)["jobId"])
    first = http.get("/v1/download/jobs?limit=2").json_body
    second = http.get(f"/v1/download/jobs?limit=2&cursor={first['nextCursor']}").json_body
    assert [job["jobId"] for job in first["jobs"] + second["jobs"]] == ids[::-1]
    assert second["nextCursor"] is None


def test_jobs_are_listed_by_status(http: Any, world: World) -> None:
    done = ready(http, world, 70000)
    waiting = initiated(http, 70001)["jobId"]
    for wanted, job_id in (("ready", done), ("queued", waiting)):
        listed = http.get(f"/v1/download/jobs?status={wanted}").json_body["jobs"]
        assert [job["jobId"] for job in listed] == [job_id]


def test_a_job_of_another_principal_is_not_listed(http: Any, world: World) -> None:
    assert world.start(70000).owner == ALICE.by
    assert http.get("/v1/download/jobs").json_body["jobs"] == []
