"""`AsyncLorry`: what it shares with `Lorry`, and that it leaves the event loop free."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from support.fake_server import JOB_ID, FakeServer, Fault, stream_event
from support.zips import zip_of

from lorry import (
    ArchiveOptions,
    AsyncLorry,
    DownloadFailed,
    DownloadListener,
    JobFailed,
    JobNotReady,
    Lorry,
    LorryProblem,
    RetryPolicy,
)

DATA = bytes(range(256)) * 400
KEYS = [f"downloads/{number}.zip" for number in range(70000, 70004)]
QUICK = RetryPolicy(tries=4, first=0.01, longest=0.05)
Value = TypeVar("Value")


def run(service: FakeServer, use: Callable[[AsyncLorry], Awaitable[Value]], token: str | None = None) -> Value:
    """What `use` makes of a client, in an event loop of its own."""

    async def main() -> Value:
        async with AsyncLorry(service.url, retries=QUICK, token=token) as lorry:
            return await use(lorry)

    return asyncio.run(main())


@pytest.mark.parametrize("name", sorted(set(vars(Lorry)) - {"open_archive", "__enter__", "__exit__"}))
def test_both_clients_have_the_same_methods_and_parameters(name: str) -> None:
    if name.startswith("_") and name != "__init__":
        return
    blocking, own = getattr(Lorry, name), getattr(AsyncLorry, name)
    if callable(blocking):
        assert inspect.signature(blocking).parameters == inspect.signature(own).parameters


def test_a_job_from_its_start_to_its_files(service: FakeServer, tmp_path: Path) -> None:
    for key in KEYS:
        service.put(key, DATA)

    async def use(lorry: AsyncLorry) -> None:
        started = await lorry.start(keys=KEYS, archive=ArchiveOptions("out.zip"))
        assert (await lorry.wait(started.id)).ready
        report = await lorry.download(started.id, tmp_path / "out", workers=2)
        assert (report.complete, report.bytes) == (4, 4 * len(DATA))
        archives = await lorry.download_archives(started.id, tmp_path / "out.zip")
        assert archives.paths == (tmp_path / "out.zip",)
        assert [len(page.files) async for page in lorry.pages(started.id)] == [4]

    run(service, use)
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_listings_limits_and_single_calls(service: FakeServer) -> None:
    service.page_limit = 2
    service.listed = [{"jobId": f"job-{n}", "status": "ready"} for n in range(5)]
    service.trail = [{"kind": "created"}, {"kind": "ready"}, {"kind": "expired"}]
    service.changes = [b"retry: 0\n\n" + stream_event("progress", 1), stream_event("ready", 2)]
    service.limits = {"files": {"perJob": 7}}
    service.make_job([], status="failed")

    async def use(lorry: AsyncLorry) -> None:
        assert [job.id async for job in lorry.jobs(limit=3)] == ["job-0", "job-1", "job-2"]
        assert [event.kind async for event in lorry.events(JOB_ID)] == ["created", "ready", "expired"]
        assert [change.name async for change in lorry.follow(JOB_ID)] == ["progress", "ready"]
        assert (await lorry.limits())["files.perJob"] == 7
        assert not (await lorry.check(70000)).available
        assert (await lorry.retry(JOB_ID)).status == "processing"
        assert (await lorry.cancel(JOB_ID)).status == "cancelled"
        assert (await lorry.status(JOB_ID)).ended

    run(service, use)


def test_errors_and_retries_are_those_of_the_blocking_client(service: FakeServer, tmp_path: Path) -> None:
    service.make_job(KEYS[:1])

    async def use(lorry: AsyncLorry) -> None:
        service.faults = [Fault("/lorry/", 503), Fault("/lorry/", 0), Fault("/lorry/", 429, {"Retry-After": "0"})]
        assert (await lorry.status(JOB_ID)).ready
        with pytest.raises(LorryProblem, match="404 job_not_found"):
            await lorry.status("unknown")
        with pytest.raises(DownloadFailed, match="70000"):
            await lorry.download(JOB_ID, tmp_path)
        service.job["status"] = "failed"
        with pytest.raises(JobFailed):
            await lorry.wait(JOB_ID)
        service.job["status"] = "processing"
        with pytest.raises(JobNotReady):
            await lorry.download(JOB_ID, tmp_path)

    run(service, use)


def test_a_token_is_sent_with_every_request(service: FakeServer, tmp_path: Path) -> None:
    service.tokens = {"secret"}
    service.put(KEYS[0], DATA)
    service.make_job(KEYS[:1])

    async def use(lorry: AsyncLorry) -> None:
        await lorry.wait(JOB_ID)
        await lorry.download(JOB_ID, tmp_path)

    run(service, use, token="secret")
    assert {seen.headers.get("Authorization") for seen in service.requests("/v1/")} == {"Bearer secret"}


def test_many_jobs_are_awaited_in_one_thread(service: FakeServer) -> None:
    service.make_job([], status="processing")

    async def use(lorry: AsyncLorry) -> int:
        waits = [asyncio.create_task(lorry.wait(JOB_ID)) for _ in range(50)]
        await asyncio.to_thread(service.wait_for, "status", 50)
        threads = [thread for thread in threading.enumerate() if thread.name.startswith("asyncio_")]
        service.job["status"] = "ready"
        assert all(job.ready for job in await asyncio.gather(*waits))
        return len(threads)

    assert run(service, use) <= 1  # the one that waits for the requests, above


def test_a_cancelled_download_ends_and_keeps_its_parts(service: FakeServer, tmp_path: Path) -> None:
    for key in KEYS:
        service.put(key, DATA).hold_after = 1000
    service.make_job(KEYS)

    class Arrival(DownloadListener):
        """Waits until the first bytes of two files are on the disk."""

        bytes = 0
        arrived = threading.Event()
        lock = threading.Lock()

        def bytes_moved(self, count: int) -> None:
            with self.lock:
                self.bytes += count
            if self.bytes == 2000:
                self.arrived.set()

    async def use(lorry: AsyncLorry) -> None:
        listener = Arrival()
        task = asyncio.create_task(lorry.download(JOB_ID, tmp_path, workers=2, listener=listener))
        assert await asyncio.to_thread(listener.arrived.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        service.released.set()

    run(service, use)
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix != ".etag") == [
        "70000.zip.part",
        "70001.zip.part",
    ]
    with Lorry(service.url) as lorry:
        assert lorry.download(JOB_ID, tmp_path).complete == 4
    assert "Range" in service.requests("70000%2Ezip")[-1].headers


def test_entries_are_read_with_the_blocking_client(service: FakeServer) -> None:
    service.put(KEYS[0], DATA)
    service.make_job(KEYS[:1])
    service.make_archives(zip_of({"a.txt": b"first"}))

    def read() -> bytes:
        with Lorry(service.url) as lorry, lorry.open_archive(JOB_ID) as archive:
            return archive.read("a.txt")

    async def use(lorry: AsyncLorry) -> bytes:
        return await asyncio.to_thread(read)

    assert run(service, use) == b"first"
