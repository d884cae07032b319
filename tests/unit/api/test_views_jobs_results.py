"""Stable addresses lead to fresh links of files and archives."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.api import assert_problem
from tests.support.builders import World
from tests.support.services import STORE
from tests.unit.api.jobs import initiated, ready

ORIGIN = "https://app.test"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


# --- files ------------------------------------------------------------------------------
def test_the_download_of_one_file_goes_straight_to_it(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000)}")
    assert (answer.status_code, answer.body) == (302, b"")
    assert answer.headers["Location"].startswith(f"{STORE}/files/downloads/70000.zip?")


def test_the_download_of_several_files_lists_their_links(http: Any, world: World) -> None:
    answer = http.get(f"/v1/download/{ready(http, world, 70000, 70001)}")
    assert answer.status_code == 200
    assert all(url.startswith(STORE) for url in answer.json_body["resultUrls"])


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
