"""Stable addresses lead to fresh links of files and archives."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from chalicelib.messages import CheckBatch, DispatchJob
from tests.support.api import INITIATE, assert_problem, post
from tests.support.builders import World
from tests.support.services import STORE, in_use
from tests.unit.api.jobs import initiated, ready

ORIGIN = "https://app.test"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


# --- files ------------------------------------------------------------------------------
def test_the_download_of_one_file_goes_straight_to_it(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000)}")
    assert (answer.status_code, answer.body) == (302, b"")
    assert answer.headers["Location"].startswith(f"{STORE}/files/downloads/70000.zip?")


def disposition(link: str) -> str:
    (found,) = parse_qs(urlsplit(link).query)["response-content-disposition"]
    return found


def test_every_link_saves_its_file_under_a_safe_name(http: Any, world: World) -> None:
    keys = ["downloads/a/b/report.pdf", "downloads/zoë.txt", 'downloads/a"b;c.txt', "downloads/AUX"]
    for key in keys:
        world.store.put(key)
    job_id = post(http, INITIATE, {"keys": keys}).json_body["jobId"]
    world.work_off()
    named = [
        'attachment; filename="report.pdf"',
        "attachment; filename=\"zoe.txt\"; filename*=UTF-8''zo%C3%AB.txt",
        "attachment; filename=\"a_b_c.txt\"; filename*=UTF-8''a_b%3Bc.txt",
        'attachment; filename="_AUX"',
    ]
    assert [disposition(url) for url in http.get(f"/v1/download/status/{job_id}").json_body["resultUrls"]] == named
    for number, name in enumerate(named):
        address = f"/v1/download/{job_id}/files/{number}"
        assert disposition(http.get(address).headers["Location"]) == name
        for inline in ("1", "true"):
            shown = http.get(f"{address}?inline={inline}").headers["Location"]
            assert disposition(shown) == name.replace("attachment", "inline", 1)
        assert disposition(http.get(f"{address}?inline=0").headers["Location"]) == name


def test_an_unknown_value_of_inline_is_refused(http: Any, world: World) -> None:
    one, two = ready(http, world, 70000), ready(http, world, 70000, 70001)
    for path in (f"/v1/download/{one}", f"/v1/download/{one}/files/0", f"/v1/download/{two}"):
        assert http.get(f"{path}?inline=yes").json_body["errors"][0]["pointer"] == "/inline"


def test_a_link_asked_for_with_head_is_signed_for_head(http: Any, world: World) -> None:
    path = f"/v1/download/{ready(http, world, 70000)}"
    for address in (path, f"{path}/files/0"):
        got, headed = (http.request(method, address).headers["Location"] for method in ("GET", "HEAD"))
        assert got.partition("&X-Amz-Signature=")[0] == headed.partition("&X-Amz-Signature=")[0]
        assert got != headed


def test_the_download_of_several_files_lists_their_links(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000, 70001)}")
    assert answer.status_code == 200
    assert all(url.startswith(STORE) for url in answer.json_body["resultUrls"])


@pytest.mark.parametrize(("wanted", "expected"), [("skip", [302, 404, 409]), ("fail", [409, 409, 409])])
def test_a_file_can_be_fetched_as_soon_as_it_is_checked(http: Any, wanted: str, expected: list[int]) -> None:
    world = World(files_per_batch=2)
    world.store.put("downloads/70000.zip")
    with in_use(world):
        job_id = initiated(http, 70000, 70001, 70002, archive={"onMissing": wanted})["jobId"]
        world.lifecycle.dispatch(DispatchJob(job_id), redelivered=False)
        if wanted == "skip":
            world.checker.check(CheckBatch(job_id, 0), redelivered=False)
        answers = [http.get(f"/v1/download/{job_id}/files/{number}") for number in range(3)]
        assert [answer.status_code for answer in answers] == expected
        assert answers[2].headers["Retry-After"] == "1"
        assert http.get(f"/v1/download/{job_id}").status_code == 409
        assert http.get(f"/v1/download/{job_id}/files/3").status_code == (404 if wanted == "skip" else 409)


@pytest.mark.parametrize("how", ["queued", "cancelled", "failed"])
def test_there_is_nothing_to_download_of_a_job_that_is_not_ready(http: Any, world: World, how: str) -> None:
    job_id = initiated(http, 70000)["jobId"]
    if how == "cancelled":
        http.delete(f"/v1/download/{job_id}")
    if how == "failed":
        world.work_off()
    path = f"/v1/download/{job_id}"
    answer = http.get(path)
    problem = assert_problem(answer, 409, "job_not_ready", path=path)
    assert how in problem["detail"]
    assert answer.headers.get("Retry-After") == ("1" if how == "queued" else None)
