"""The client against real stores: what it skips, resumes and reads by Range depends on their answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lorry import DownloadListener, Lorry, verify
from tests.integration.deployment import Deployment, noise

FILES = range(67_000, 67_006)
LARGE = 67_005
SIZE = 300_000


@pytest.fixture
def lorry(deployment: Deployment) -> Iterator[Lorry]:
    contents = {file_id: noise(SIZE, file_id) for file_id in FILES}
    deployment.put_all(contents)
    with Lorry(deployment.stack.url) as client:
        yield client


def test_a_second_run_transfers_nothing_and_a_changed_file_is_downloaded_again(
    deployment: Deployment, lorry: Lorry, tmp_path: Path
) -> None:
    job = lorry.wait(lorry.start(file_ids=FILES).id)
    assert lorry.download(job.id, tmp_path).skipped == 0
    for checksum in (False, True):
        report = lorry.download(job.id, tmp_path, skip_existing=True, checksum=checksum)
        assert (report.complete, report.skipped) == (len(FILES), len(FILES))
    deployment.put(FILES[0], noise(SIZE, 1))
    job = lorry.wait(lorry.start(file_ids=FILES).id)
    assert lorry.download(job.id, tmp_path, skip_existing=True, checksum=True).skipped == len(FILES) - 1
    assert (tmp_path / f"{FILES[0]}.zip").read_bytes() == noise(SIZE, 1)


def test_a_part_is_resumed(lorry: Lorry, tmp_path: Path) -> None:
    job = lorry.wait(lorry.start(file_ids=FILES).id)
    lorry.download(job.id, tmp_path / "whole")
    (file, *_) = next(iter(lorry.pages(job.id))).files
    arrived: list[int] = []

    class Interrupts(DownloadListener):
        def bytes_moved(self, count: int) -> None:
            arrived.append(count)
            if len(arrived) == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lorry.download(job.id, tmp_path / "parts", workers=1, listener=Interrupts())
    assert any(path.suffix == ".part" for path in (tmp_path / "parts").iterdir())
    lorry.download(job.id, tmp_path / "parts")
    assert (tmp_path / "parts" / f"{file.id}.zip").read_bytes() == noise(SIZE, FILES[0])
    assert len(list((tmp_path / "parts").iterdir())) == len(FILES)


def test_entries_of_an_archive_are_read_by_range_and_the_archive_is_verified(lorry: Lorry, tmp_path: Path) -> None:
    job = lorry.wait(lorry.start(file_ids=FILES, archive=True).id)
    with lorry.open_archive(job.id) as archive:
        assert archive.read(f"{LARGE}.zip") == noise(SIZE, LARGE)
    lorry.download_archives(job.id, tmp_path / "all.zip")
    result = verify(tmp_path / "all.zip")
    assert (result.problems, result.job_id, result.entries, result.absent) == ((), job.id, len(FILES), ())
