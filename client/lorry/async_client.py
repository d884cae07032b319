"""`AsyncLorry`: the service as a Python object, for event loops."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import SupportsIndex, TypeVar

from lorry.access import Token, find_access
from lorry.client import Lorry, require_ready
from lorry.events import JobChange, JobEvent
from lorry.flows import Caller
from lorry.models import Archive, Availability, Job, Limits, Page, StartedJob, StoredObject
from lorry.operations import ArchiveOptions, Layout, Operations, initiate_body
from lorry.reports import ArchiveDownload, ArchiveEnding, Download, DownloadListener, FileEnding
from lorry.retries import RetryPolicy
from lorry.transport import AsyncTransport

Report = TypeVar("Report", Download, ArchiveDownload)


class AsyncLorry:
    """`Lorry` for event loops: the same methods, values and errors. An async context manager.

    Calls of the service do not block the loop. Downloads run in threads of their own; cancelling one keeps its parts.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        profile: str | None = None,
        retries: RetryPolicy | None = None,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """As `Lorry`. A `token` that is a function is called in the loop, and should return soon."""
        access = find_access(url, profile=profile, token=token, headers=headers)
        self.url = access.url
        self._transport = AsyncTransport(access.url, auth=access.auth, headers=access.headers)
        self._operations = Operations(Caller(access.url, retries or RetryPolicy()))
        self._blocking = Lorry(url, profile=profile, retries=retries, token=token, headers=headers)

    async def __aenter__(self) -> AsyncLorry:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections. Jobs keep running."""
        self._blocking.close()
        await self._transport.close()

    async def start(
        self,
        *,
        file_ids: Iterable[SupportsIndex] | None = None,
        keys: Iterable[str] | None = None,
        prefix: str | None = None,
        archive: bool | ArchiveOptions = False,
        callback_url: str | None = None,
        idempotency_key: str | None = None,
        link_ttl: int | None = None,
        label: str | None = None,
    ) -> StartedJob:
        """As `Lorry.start`."""
        body = initiate_body(
            file_ids=file_ids,
            keys=keys,
            prefix=prefix,
            archive=archive,
            callback_url=callback_url,
            link_ttl=link_ttl,
            label=label,
        )
        return await self._transport.run(self._operations.start(body, idempotency_key=idempotency_key))

    async def status(self, job_id: str) -> Job:
        """As `Lorry.status`."""
        return await self._transport.run(self._operations.status(job_id))

    async def wait(
        self, job_id: str, *, timeout: float | None = None, on_change: Callable[[Job], None] | None = None
    ) -> Job:
        """As `Lorry.wait`."""
        flow = self._operations.wait(job_id, timeout=timeout, on_change=on_change)
        return require_ready(await self._transport.run(flow))

    def follow(self, job_id: str) -> AsyncIterator[JobChange]:
        """As `Lorry.follow`."""
        return self._transport.iterate(self._operations.follow(job_id))

    def pages(self, job_id: str) -> AsyncIterator[Page]:
        """As `Lorry.pages`."""
        return self._transport.iterate(self._operations.pages(job_id))

    def events(self, job_id: str, *, limit: int | None = None) -> AsyncIterator[JobEvent]:
        """As `Lorry.events`."""
        return self._transport.iterate(self._operations.events(job_id, limit))

    def jobs(
        self, *, status: str | None = None, label: str | None = None, limit: int | None = None
    ) -> AsyncIterator[Job]:
        """As `Lorry.jobs`."""
        return self._transport.iterate(self._operations.jobs(status, limit, label=label))

    def objects(self, prefix: str | None = None, *, recursive: bool = False) -> AsyncIterator[StoredObject]:
        """As `Lorry.objects`."""
        return self._transport.iterate(self._operations.objects(prefix, recursive=recursive))

    def manifest(self, job_id: str, kind: str = "curl", *, stable: bool = False) -> AsyncIterator[str]:
        """As `Lorry.manifest`."""
        return self._transport.iterate(self._operations.manifest(job_id, kind, stable=stable))

    async def limits(self) -> Limits:
        """As `Lorry.limits`."""
        return await self._transport.run(self._operations.limits())

    async def check(self, file_id: int) -> Availability:
        """As `Lorry.check`."""
        return await self._transport.run(self._operations.check(file_id))

    async def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """As `Lorry.retry`."""
        return await self._transport.run(self._operations.retry(job_id, idempotency_key=idempotency_key))

    async def cancel(self, job_id: str) -> Job:
        """As `Lorry.cancel`."""
        return await self._transport.run(self._operations.cancel(job_id))

    async def purge(self, job_id: str) -> None:
        """As `Lorry.purge`."""
        await self._transport.run(self._operations.purge(job_id))

    async def download(
        self,
        job_id: str,
        folder: str | os.PathLike[str],
        *,
        workers: int = 8,
        layout: Layout = "flat",
        prefix: str = "",
        include: Sequence[str] = (),
        exclude: Sequence[str] = (),
        skip_complete: bool = False,
        skip_existing: bool = False,
        checksum: bool = False,
        listener: DownloadListener | None = None,
    ) -> Download:
        """As `Lorry.download`. The listener is called from other threads than the loop's."""

        def run(guarded: DownloadListener) -> Download:
            return self._blocking.download(
                job_id,
                folder,
                workers=workers,
                layout=layout,
                prefix=prefix,
                include=include,
                exclude=exclude,
                skip_complete=skip_complete,
                skip_existing=skip_existing,
                checksum=checksum,
                listener=guarded,
            )

        return await _in_thread(run, listener)

    async def download_archives(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        skip_complete: bool = False,
        verify: bool = True,
        listener: DownloadListener | None = None,
    ) -> ArchiveDownload:
        """As `Lorry.download_archives`. The listener is called from other threads than the loop's."""

        def run(guarded: DownloadListener) -> ArchiveDownload:
            return self._blocking.download_archives(
                job_id, path, skip_complete=skip_complete, verify=verify, listener=guarded
            )

        return await _in_thread(run, listener)


async def _in_thread(run: Callable[[DownloadListener], Report], listener: DownloadListener | None) -> Report:
    """What `run` returns in a thread of its own; when the task is cancelled, the thread ends at the next bytes."""
    guarded = _Guarded(listener or DownloadListener())
    try:
        return await asyncio.to_thread(run, guarded)
    except asyncio.CancelledError:
        guarded.cancelled.set()
        raise


class _Guarded(DownloadListener):
    """Passes everything on to a listener until the download is `cancelled`; then it ends the download."""

    def __init__(self, listener: DownloadListener) -> None:
        self.cancelled = threading.Event()
        self._listener = listener

    def archives_read(self, job: Job) -> None:
        self._listener.archives_read(job)

    def job_read(self, job: Job) -> None:
        self._listener.job_read(job)

    def archive_read(self, archive: Archive) -> None:
        self._listener.archive_read(archive)

    def file_ended(self, ending: FileEnding) -> None:
        self._listener.file_ended(ending)

    def archive_ended(self, ending: ArchiveEnding) -> None:
        self._listener.archive_ended(ending)

    def bytes_moved(self, count: int) -> None:
        self._end_if_cancelled()
        self._listener.bytes_moved(count)

    def bytes_verified(self, count: int) -> None:
        self._end_if_cancelled()
        self._listener.bytes_verified(count)

    def _end_if_cancelled(self) -> None:
        if self.cancelled.is_set():
            raise asyncio.CancelledError
