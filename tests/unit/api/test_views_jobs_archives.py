"""Archives of jobs: links to them, and what is said of those that are not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app import app
from chalicelib.assembly.model import Archive
from tests.support.api import INITIATE, assert_problem
from tests.support.assembly_world import SMALL, AssemblyWorld
from tests.support.builders import World
from tests.support.fake_assembly import FakeStore
from tests.support.services import STORE, Gateway, WorldServices, in_use
from tests.unit.api.test_views_jobs_reading import trail

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


@pytest.fixture
def archives() -> Iterator[AssemblyWorld]:
    world = AssemblyWorld(FakeStore(SMALL, copies_tell=True), max_bytes=10**12)
    with in_use(world):
        yield world


def built(world: AssemblyWorld, *numbers: int) -> str:
    for number in numbers:
        world.bucket.put_source(f"downloads/{number}.zip", b"x" * 700)
    job_id = started(*numbers, archive={"filename": "photos.zip"})
    world.work_off()
    return job_id


def test_the_download_of_an_archive_goes_straight_to_it_and_issues_one_link(archives: AssemblyWorld) -> None:
    job_id = built(archives, 70000, 70001, 70002)
    for reads, path in enumerate((f"/v1/download/{job_id}", f"/v1/download/{job_id}/archives/0"), 1):
        answer = TRACED.get(path)
        assert (answer.status_code, answer.body) == (302, b"")
        assert answer.headers["Location"].startswith(f"{STORE}/archives/archives/{job_id}/1-1.zip?")
        assert trail(job_id)[-1]["details"] == {"count": reads, "reads": reads}


def test_the_download_of_several_archives_lists_them(archives: AssemblyWorld) -> None:
    job_id = built(archives, 70000, 70001)
    (key,) = (key for key in archives.archives.rows if key[0] == job_id)
    first: Archive = archives.archives.rows[key]
    archives.archives.rows[job_id, 1, 2] = first
    answer = NOBODY.get(f"/v1/download/{job_id}")
    assert answer.status_code == 200
    assert [archive["url"].startswith(STORE) for archive in answer.json_body["archives"]] == [True, True]
    assert trail(job_id)[-1]["details"] == {"count": 4, "reads": 1}


def test_an_archive_or_a_file_that_is_not_there_is_told_so(archives: AssemblyWorld) -> None:
    job_id = built(archives, 70000)
    for place in ("archives/1", "archives/-1", "archives/x", "archives/²", "files/1", f"files/{10**12}", "files/0x0"):
        path = f"/v1/download/{job_id}/{place}"
        assert_problem(NOBODY.get(path), 404, "no_such_result", path=path)
