"""Downloads of files that are interrupted, resumed, changed or refused, against a real HTTP server."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from support.downloading import DATA, KEY, NEW_DATA, Tally, failures, leave_part, names_in, one_file, ranges
from support.fake_server import JOB_ID, FakeServer, Fault

from lorry import Lorry


def test_an_interrupted_body_is_resumed_where_it_ended(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000, 20_000]
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", "bytes=50000-"]
    assert service.requests("/store/")[1].headers["If-Range"] == service.objects[KEY].etag
    assert tally.bytes == len(DATA)


def test_a_long_file_may_be_interrupted_more_often_than_a_request_is_tried(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [5_000] * 12
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA


def test_a_file_without_progress_fails_and_keeps_its_part(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].cuts = [1_000] + [0] * 20
    reason = failures(lorry, tmp_path)["70000"]
    assert reason is not None
    assert "tried 12 times" in reason
    assert names_in(tmp_path) == ["70000.zip.part", "70000.zip.part.etag"]
    assert (tmp_path / "70000.zip.part").stat().st_size == 1_000


def test_a_part_of_an_earlier_run_is_resumed(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA[:40_000], service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == ["bytes=40000-"]
    assert names_in(tmp_path) == ["70000.zip"]


def test_a_whole_part_is_confirmed_by_its_last_byte(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA, service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [f"bytes={len(DATA) - 1}-"]


@pytest.mark.parametrize("etag", [None, '"of another version"'])
def test_a_part_of_an_unknown_or_other_version_is_started_over(
    lorry: Lorry, service: FakeServer, tmp_path: Path, etag: str | None
) -> None:
    one_file(service)
    leave_part(tmp_path, b"z" * 40_000, etag)
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert tally.bytes == len(DATA)


def test_a_part_longer_than_the_file_is_started_over(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    leave_part(tmp_path, DATA + b"more", service.objects[KEY].etag)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None]


def test_a_store_that_ignores_range_sends_the_file_again(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.ignore_range = True
    service.objects[KEY].cuts = [30_000]
    tally = Tally()
    lorry.download(JOB_ID, tmp_path, listener=tally)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert tally.bytes == len(DATA)


@pytest.mark.parametrize("place", ["bytes 0-102399/102400", "bytes 30000-102399/999999", "nonsense", ""])
def test_an_answer_with_another_range_than_requested_is_never_joined(
    lorry: Lorry, service: FakeServer, tmp_path: Path, place: str
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000]
    service.change_range = lambda _: place
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", None]


def test_a_version_without_a_strong_etag_is_never_joined(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.weak_etags = True
    service.objects[KEY].cuts = [30_000]
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, None]


def test_an_object_that_changes_half_way_is_downloaded_again_and_not_mixed(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    service.files[0]["etag"] = None  # as older services answer
    stored = service.objects[KEY]
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", NEW_DATA)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == NEW_DATA


def test_the_version_that_the_job_found_is_downloaded_or_none(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    stored = service.objects[KEY]
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", NEW_DATA)
    assert "has changed since" in str(failures(lorry, tmp_path)["70000"])
    assert not (tmp_path / "70000.zip").exists()
    pinned = service.files[0]["etag"]
    assert {seen.headers["If-Match"] for seen in service.requests("/store/")} == {f'"{pinned}"'}


def test_a_part_of_another_version_is_not_continued(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    (tmp_path / "70000.zip.part").write_bytes(NEW_DATA[:30_000])
    (tmp_path / "70000.zip.part.etag").write_text('"another"')
    lorry.download(JOB_ID, tmp_path)
    assert ranges(service) == [None]
    assert (tmp_path / "70000.zip").read_bytes() == DATA


def test_a_file_has_the_time_of_its_object(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].modified = 1_500_000_000
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").stat().st_mtime == 1_500_000_000
    again = lorry.download(JOB_ID, tmp_path, skip_complete=True)
    assert (again.complete, again.skipped) == (1, 1)


def test_versions_are_not_mixed_by_a_store_that_ignores_if_range(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    service.files[0]["etag"] = None
    service.ignore_if_range = True
    stored = service.objects[KEY]
    stored.cuts = [30_000]
    stored.after_cut = lambda: setattr(stored, "data", NEW_DATA)
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == NEW_DATA
    assert ranges(service) == [None, "bytes=30000-", None]


def test_an_object_of_another_size_than_the_job_found_fails(lorry: Lorry, service: FakeServer, tmp_path: Path) -> None:
    one_file(service)
    service.objects[KEY].data = DATA + b"!"
    assert "has changed since" in str(failures(lorry, tmp_path)["70000"])
    assert names_in(tmp_path) == []


def test_a_resumed_file_whose_link_expires_continues_with_the_new_link(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    one_file(service)
    service.objects[KEY].cuts = [30_000]
    service.objects[KEY].after_cut = service.expire_links
    lorry.download(JOB_ID, tmp_path)
    assert (tmp_path / "70000.zip").read_bytes() == DATA
    assert ranges(service) == [None, "bytes=30000-", "bytes=30000-"]


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
    download.join(60)
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


def test_a_fresh_link_that_is_refused_fails_without_more_requests(
    lorry: Lorry, service: FakeServer, tmp_path: Path
) -> None:
    keys = [f"downloads/{number}.zip" for number in range(70000, 70010)]
    for key in keys:
        service.put(key, DATA)
    service.make_job(keys)
    service.faults = [Fault("/store/", 403, times=999)]
    reasons = failures(lorry, tmp_path)
    assert len(reasons) == 10
    assert all("refuses the link, even a fresh one" in str(reason) for reason in reasons.values())
    assert len(service.requests("status")) == 2


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_store_is_retried(lorry: Lorry, service: FakeServer, tmp_path: Path, status: int) -> None:
    one_file(service)
    service.faults = [Fault("/store/", status, {"Retry-After": "0"}, times=2)]
    assert lorry.download(JOB_ID, tmp_path).complete == 1
