"""Jobs as lists for other tools."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from msgspec.structs import replace

from chalicelib.limits import MAX_PAGE_HASHES
from tests.support.api import assert_problem, pointers
from tests.support.builders import World
from tests.support.services import STORE
from tests.unit.api.jobs import initiated, ready


def listed(http: Any, job_id: str, query: str) -> Any:
    answer = http.get(f"/v1/download/{job_id}/manifest?{query}", headers={"Host": "api.test"})
    assert answer.status_code == 200, answer.body
    return answer


def test_links_of_the_available_files_are_listed_and_noted(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000, 70001, 70002, missing=(70001,))
    answer = listed(http, job_id, "format=wget")
    urls = answer.body.decode().splitlines()
    assert [urlsplit(url).path.rpartition("/")[2] for url in urls] == ["70000.zip", "70002.zip"]
    assert all(url.startswith(STORE) for url in urls)
    assert answer.headers["Content-Type"].startswith("text/plain")
    events = http.get(f"/v1/download/{job_id}/events").json_body["events"]
    assert (events[-1]["kind"], events[-1]["details"]) == ("links_issued", {"count": 2, "reads": 1})


def test_stable_addresses_carry_a_ticket_of_the_requested_life(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000)
    answer = listed(http, job_id, "format=wget&links=stable&ticketTtlSeconds=86400")
    (url,) = answer.body.decode().split()
    assert url.startswith(f"https://api.test/v1/download/{job_id}/files/0?")
    (ticket,) = parse_qs(urlsplit(url).query)["ticket"]
    assert int(ticket.partition(".")[0]) - world.clock() > 43_200_000
    assert http.get(urlsplit(url).path + "?" + urlsplit(url).query).status_code == 302


def test_a_list_comes_in_pages(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000, 70001, 70002)
    found: list[str] = []
    query = "format=aria2&limit=2"
    while query:
        answer = listed(http, job_id, query)
        found += [line for line in answer.body.decode().splitlines() if line.startswith("  out=")]
        link = answer.headers.get("Link", "")
        query = urlsplit(link.partition(">")[0].removeprefix("<")).query
    assert found == ["  out=70000.zip", "  out=70001.zip", "  out=70002.zip"]


def test_hashes_come_from_the_store(http: Any, world: World) -> None:
    job_id = ready(http, world, 70000, 70001)
    world.store.hashes["downloads/70000.zip"] = "ab" * 32
    lines = listed(http, job_id, f"format=sha256sum&limit={MAX_PAGE_HASHES + 1}").body.decode().splitlines()
    assert f"{'ab' * 32}  70000.zip" in lines
    assert "# not known: 70001.zip" in lines


def test_a_list_of_a_job_that_is_not_ready_is_refused(http: Any, world: World) -> None:
    path = f"/v1/download/{initiated(http, 70000)['jobId']}/manifest"
    problem = assert_problem(http.get(f"{path}?format=curl"), 409, "job_not_ready", path=path)
    assert "queued" in problem["detail"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ("format=torrent", "/format"),
        ("format=curl&links=short", "/links"),
        ("format=curl&ticketTtlSeconds=86401", "/ticketTtlSeconds"),
        ("format=curl&limit=1001", "/limit"),
    ],
)
def test_what_a_list_cannot_be_is_refused(http: Any, world: World, query: str, pointer: str) -> None:
    path = f"/v1/download/{ready(http, world, 70000)}/manifest"
    assert pointers(assert_problem(http.get(f"{path}?{query}"), 400, "invalid_request", path=path)) == [pointer]


# --- the store --------------------------------------------------------------------------


def browsed(http: Any, **query: str) -> Any:
    answer = http.get(f"/v1/objects?{urlencode(query)}")
    assert answer.status_code == 200, answer.body
    return answer.json_body


def test_the_store_is_browsed_by_folders(http: Any, world: World) -> None:
    for key in ("downloads/a.txt", "downloads/2026/b.txt", "downloads/2026/c.txt", "secret/d.txt"):
        world.store.put(key)
    world.store.objects["downloads/z.txt"] = replace(world.store.objects["downloads/a.txt"], archived=True)
    page = browsed(http, delimiter="/")
    assert (page["prefix"], page["folders"], page["nextCursor"]) == ("downloads/", ["downloads/2026/"], None)
    assert [(found["key"], found["archived"]) for found in page["objects"]] == [
        ("downloads/a.txt", False),
        ("downloads/z.txt", True),
    ]
    assert page["objects"][0] == {
        "key": "downloads/a.txt",
        "size": 10,
        "lastModified": "2020-09-13T12:26:40.000Z",
        "archived": False,
    }
    below = browsed(http, prefix="downloads/2026/", limit="1")
    again = browsed(http, prefix="downloads/2026/", limit="1", cursor=below["nextCursor"])
    assert [page["objects"][0]["key"] for page in (below, again)] == ["downloads/2026/b.txt", "downloads/2026/c.txt"]


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"prefix": "secret/"}, "/prefix"),
        ({"prefix": "download"}, "/prefix"),
        ({"delimiter": ","}, "/delimiter"),
        ({"cursor": "!"}, "/cursor"),
        ({"cursor": "c2VjcmV0L2E="}, "/cursor"),
        ({"limit": "0"}, "/limit"),
    ],
)
def test_what_cannot_be_browsed_is_refused(http: Any, query: dict[str, str], pointer: str) -> None:
    answer = http.get(f"/v1/objects?{urlencode(query)}")
    assert pointers(assert_problem(answer, 400, "invalid_request", path="/v1/objects")) == [pointer]
