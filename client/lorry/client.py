"""`Lorry`: the service as a Python object."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import SupportsIndex

from lorry.access import Token, find_access
from lorry.archives import ArchiveDownloader
from lorry.download import Downloader, Plan
from lorry.errors import ArchivesIncomplete, DownloadFailed, JobFailed, JobNotReady, NoArchive
from lorry.events import JobChange, JobEvent
from lorry.flows import Caller
from lorry.local_files import prepare_folder
from lorry.models import Availability, FileOutcome, Job, Limits, Page, StartedJob, StoredObject
from lorry.operations import JOB_PATIENCE, ArchiveOptions, Layout, Operations, initiate_body
from lorry.remote_zip import RemoteZip
from lorry.reports import ArchiveDownload, Download, DownloadListener
from lorry.retries import RetryPolicy
from lorry.transfer import Links, store_client
from lorry.transport import Transport


class Lorry:
    """A Lorry service. A context manager; safe to share between threads.

    Every method raises LorryUnreachable, LorryProblem or UnexpectedAnswer when the service cannot be used, and
    TokenUnavailable; further errors are named by each method. 429, 503 and broken connections are retried first.
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
        """`url` is the service's ApiUrl; by default that of LORRY_API_URL, of the profile (`lorry config`; `profile`
        is its name, by default LORRY_PROFILE) or of an outputs.json. `token` is a bearer token, or a function that
        returns one and is called again when the service refuses the last one; by default that of the profile.
        `headers` are sent with each request to the service; like the token, they are sent to no other server.

        Raises ServiceAddressUnknown, ConfigInvalid, TokenUnavailable, and ValueError for headers that cannot be sent.
        """
        access = find_access(url, profile=profile, token=token, headers=headers)
        self.url = access.url
        self._retries = retries or RetryPolicy()
        self._transport = Transport(access.url, auth=access.auth, headers=access.headers)
        self._operations = Operations(Caller(self.url, self._retries))
        self._patient = replace(self._operations, patience=JOB_PATIENCE)

    def __enter__(self) -> Lorry:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. Jobs keep running."""
        self._transport.close()

    def start(
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
        """Creates a job and returns at once. Name its files, 1 to 100,000 of them, in exactly one way: by `file_ids`
        (10,000 to 100,000,000; also of numpy or pandas), by object `keys`, or by a `prefix` of their keys.

        `archive` also puts them into a ZIP. `callback_url` receives a webhook when the job ends (`lorry.webhooks`).
        `link_ttl` is how long its links work, in seconds; `label` (up to 200 characters) is what you call it. Calls
        with the same `idempotency_key`, also from other processes, create one job; without it, each call creates its
        own. Raises ValueError when the files are named twice or not at all, or the key cannot be sent;
        IdempotencyKeyReused when the key belongs to another request.
        """
        body = initiate_body(
            file_ids=file_ids,
            keys=keys,
            prefix=prefix,
            archive=archive,
            callback_url=callback_url,
            link_ttl=link_ttl,
            label=label,
        )
        return self._transport.run(self._operations.start(body, idempotency_key=idempotency_key))

    def status(self, job_id: str) -> Job:
        """Returns the job as it is now. Raises LorryProblem 404 when it is unknown."""
        return self._transport.run(self._operations.status(job_id))

    def wait(self, job_id: str, *, timeout: float | None = None, on_change: Callable[[Job], None] | None = None) -> Job:
        """Waits until the job is ready and returns it; polls as often as the service asks. Calls `on_change` with the
        first answer, and whenever anything but the time of update has changed.

        Raises JobFailed when the job failed or was cancelled, WaitTimedOut after `timeout` seconds.
        """
        return require_ready(self._transport.run(self._operations.wait(job_id, timeout=timeout, on_change=on_change)))

    def follow(self, job_id: str) -> Iterator[JobChange]:
        """Yields the job as it is now, then each of its changes; the last one says how it ended."""
        return self._transport.iterate(self._operations.follow(job_id))

    def pages(self, job_id: str) -> Iterator[Page]:
        """Yields the files of the job, 1,000 at a time in the order of the request, with links once it is ready."""
        return self._transport.iterate(self._operations.pages(job_id))

    def events(self, job_id: str, *, limit: int | None = None) -> Iterator[JobEvent]:
        """Yields the job's audit trail, oldest first, at most `limit` events. Reads pages as they are needed."""
        return self._transport.iterate(self._operations.events(job_id, limit))

    def objects(self, prefix: str | None = None, *, recursive: bool = False) -> Iterator[StoredObject]:
        """Yields what lies below `prefix` (None: everything that requests may name), by key: objects, and folders that
        are not looked into unless `recursive`. Reads pages as they are needed.
        """
        return self._transport.iterate(self._operations.objects(prefix, recursive=recursive))

    def manifest(self, job_id: str, kind: str = "curl", *, stable: bool = False) -> Iterator[str]:
        """Yields the pages of a ready job's list for another tool: `kind` is curl, aria2, wget, csv, jsonl, sha256sum
        or ps1. Its URLs are links, or (`stable`) addresses of the service with a ticket.
        """
        return self._transport.iterate(self._operations.manifest(job_id, kind, stable=stable))

    def limits(self) -> Limits:
        """Returns the limits that the service enforces."""
        return self._transport.run(self._operations.limits())

    def download(
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
        """Downloads the files of a ready job into `folder` (created if needed), `workers` at a time.

        `layout` names files after the last segment of their keys ("flat"), or keeps the folders of the keys ("tree")
        without those of `prefix`. Only files that match a pattern of `include` (if any) and none of `exclude` are
        downloaded: `*.csv` matches the end of a key, `*` also matches `/`.

        Existing files are replaced. `skip_complete` keeps files of the right size that were written after the job was
        created. `skip_existing` keeps files of the right size that have not changed in the store since they were
        written or, with `checksum`, that have the same MD5. Interrupted downloads are resumed.

        Raises DownloadFailed when files are missing or failed, after all others are downloaded; TargetUnusable when the
        folder cannot be written to or is full, at once; JobNotReady, JobFailed.
        """
        if workers < 1:
            raise ValueError(f"workers must be 1 or more, not {workers}")
        plan = Plan(
            Path(folder), workers, layout == "tree", prefix, include, exclude, skip_complete, skip_existing, checksum
        )
        prepare_folder(plan.folder)
        with store_client(connections=workers) as http:
            retries = self._retries.times(JOB_PATIENCE)
            downloader = Downloader(http, retries=retries, plan=plan, listener=listener or DownloadListener())
            report = downloader.run(lambda: self._ready_pages(job_id), lambda page: self._page(job_id, page.cursor))
        if not report.ok:
            raise DownloadFailed(report)
        return report

    def download_archives(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        skip_complete: bool = False,
        verify: bool = True,
        listener: DownloadListener | None = None,
    ) -> ArchiveDownload:
        """Downloads the archive of a ready job to `path`; several archives to out-1-of-3.zip, ... for out.zip.

        Each is checked before it gets its name: its size, the number of its entries and, with `verify`, the CRC-32 of
        every entry. It replaces an existing file; `skip_complete` keeps those that this job completed before.
        Interrupted downloads are resumed.

        Raises ArchivesIncomplete when an archive cannot be downloaded or lacks files of the job, after all others are
        downloaded; TargetUnusable when its folder cannot be written to or is full, at once; NoArchive, JobNotReady,
        JobFailed; IsADirectoryError when `path` is a folder.
        """
        target = Path(path)
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder; name the file to write")
        job = require_ready(self.status(job_id))
        if not job.archives:
            raise NoArchive(job)
        lost = list(self._lost_files(job))
        prepare_folder(target.parent)
        with store_client(connections=1) as http:
            downloader = ArchiveDownloader(
                http,
                retries=self._retries.times(JOB_PATIENCE),
                listener=listener or DownloadListener(),
                skip_complete=skip_complete,
                verify=verify,
            )
            links = Links(_archive_urls(job), lambda: _archive_urls(self.status(job_id)))
            endings = downloader.run(job, target, links=links)
        report = ArchiveDownload(
            archives=endings,
            total=job.total or 0,
            missing=tuple(file for file in lost if file.state == "missing"),
            failed=tuple(file for file in lost if file.state == "failed"),
        )
        if not report.ok:
            raise ArchivesIncomplete(report)
        return report

    def open_archive(self, job_id: str, index: int = 0) -> RemoteZip:
        """Opens archive `index` of a ready job as a `zipfile.ZipFile` that transfers only what is read of it.

        Use it as a context manager, from one thread. Raises ArchiveUnreadable, NoArchive, JobNotReady, JobFailed, and
        IndexError.
        """
        job = require_ready(self.status(job_id))
        if not job.archives:
            raise NoArchive(job)
        links = Links(_archive_urls(job), lambda: _archive_urls(self.status(job_id)))
        return RemoteZip(links.at(range(len(job.archives))[index]), retries=self._retries)

    def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """Runs again what failed of the job, once per `idempotency_key` (without one, once per call).

        Raises LorryProblem 409 when nothing failed, 404 when the job is unknown; ValueError and IdempotencyKeyReused
        as `start`.
        """
        return self._transport.run(self._operations.retry(job_id, idempotency_key=idempotency_key))

    def cancel(self, job_id: str) -> Job:
        """Cancels the job; cancelling twice is fine. Raises LorryProblem 409 when it has ended, 404 when unknown."""
        return self._transport.run(self._operations.cancel(job_id))

    def purge(self, job_id: str) -> None:
        """Cancels the job if it runs and removes its archives, files and links; purging twice is fine.

        Raises LorryProblem 404 when it is unknown.
        """
        self._transport.run(self._operations.purge(job_id))

    def jobs(self, *, status: str | None = None, label: str | None = None, limit: int | None = None) -> Iterator[Job]:
        """Yields your jobs, newest first: those of `status` and with `label` only if given, at most `limit`.

        Reads pages as they are needed.
        """
        return self._transport.iterate(self._operations.jobs(status, limit, label=label))

    def check(self, file_id: int) -> Availability:
        """Looks whether the file is in the store, without creating a job."""
        return self._transport.run(self._operations.check(file_id))

    def _page(self, job_id: str, cursor: str | None) -> Page:
        return self._transport.run(self._patient.page(job_id, cursor))

    def _ready_pages(self, job_id: str) -> Iterator[Page]:
        for page in self._transport.iterate(self._patient.pages(job_id)):
            require_ready(page.job)
            yield page

    def _lost_files(self, job: Job) -> Iterator[FileOutcome]:
        """The missing and failed files; reads pages only until all of them are found."""
        count = job.counts.missing + job.counts.failed
        files = itertools.chain.from_iterable(page.files for page in self.pages(job.id))
        return itertools.islice((file for file in files if file.state in ("missing", "failed")), count)


def require_ready(job: Job) -> Job:
    """`job` itself. Raises JobFailed or JobNotReady when it has no links to download."""
    if job.ready:
        return job
    raise JobFailed(job) if job.ended else JobNotReady(job)


def _archive_urls(job: Job) -> list[str | None]:
    return [archive.url for archive in job.archives]
