"""Downloads whose links expire, or whose store is busy."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from downloading import DATA, failures, names_in, one_file
from fake_server import JOB_ID, FakeServer, Fault

from lorry import Lorry


def test_an_expired_link_is_replaced_by_a_fresh_one(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    service.page_limit = 2
    keys = [f"downloads/{number}.zip" for number in range(70000, 70005)]
    for key in keys:
        service.put(key, DATA).hold_after = 10
    service.put(keys[4], DATA)
    service.make_job(keys)
    download = threading.Thread(target=lorry.download, args=(JOB_ID, tmp_path), kwargs={"workers": 2})
    download.start()
    service.wait_for("/store/", count=2)
    service.expire_links()
    service.released.set()
    download.join(10)
    assert names_in(tmp_path) == ["70000.zip", "70001.zip", "70002.zip", "70003.zip", "70004.zip"]
    assert any(seen.query["signature"] == "2" for seen in service.requests("/store/"))


def test_one_reading_of_the_page_renews_the_links_of_all_its_files(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70010)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    service.faults = [Fault("/store/", 403, times=1)]
    service.objects[keys[0]].hold_after = None
    lorry.download(JOB_ID, tmp_path, workers=1)
    assert len(names_in(tmp_path)) == 10
    assert len(service.requests("status")) == 2


def test_a_link_that_is_refused_although_fresh_fails_without_asking_on_and_on(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70010)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    service.faults = [Fault("/store/", 403, times=999)]
    reasons = failures(lorry, tmp_path)
    assert len(reasons) == 10
    assert all("refuses the link, also a fresh one" in str(reason) for reason in reasons.values())
    assert len(service.requests("status")) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_store_that_is_busy_is_asked_again(lorry: Lorry, service: FakeServer, tmp_path: Path, status: int) -> None:
    one_file(service)
    service.faults = [Fault("/store/", status, {"Retry-After": "0"}, times=2)]
    assert lorry.download(JOB_ID, tmp_path).complete == 1
