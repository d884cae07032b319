"""Jobs as a client without credentials makes and reads them."""

from __future__ import annotations

from typing import Any

from tests.support.api import INITIATE, post
from tests.support.builders import World


def initiated(http: Any, *numbers: int, **more: Any) -> dict[str, Any]:
    answer = post(http, INITIATE, {"file_ids": list(numbers), **more})
    assert answer.status_code == 202
    document: dict[str, Any] = answer.json_body
    return document


def ready(http: Any, world: World, *numbers: int, missing: tuple[int, ...] = (), **more: Any) -> str:
    """The id of a job that is ready."""
    for number in numbers:
        if number not in missing:
            world.store.put(f"downloads/{number}.zip")
    job_id: str = initiated(http, *numbers, **more)["jobId"]
    world.work_off()
    return job_id


def status(http: Any, job_id: str, query: str = "") -> dict[str, Any]:
    answer = http.get(f"/v1/download/status/{job_id}{query}")
    assert answer.status_code == 200
    document: dict[str, Any] = answer.json_body
    return document
