"""`Lorry`: the service as a Python object."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType

import httpx

from lorry.address import find_service
from lorry.archive_download import ArchiveDownloader
from lorry.credentials import Token, TokenAuth, checked_headers
from lorry.download import STORE_TIMEOUT, Downloader, Plan
from lorry.errors import (
    ArchivesIncomplete,
    DownloadFailed,
    JobFailed,
    JobNotReady,
    NoArchive,
)
from lorry.idempotency import key_header
from lorry.initiate import ArchiveOptions, initiate_body
from lorry.limits import Limits
from lorry.links import Links
from lorry.model import Availability, FileOutcome, Job, Page, StartedJob
from lorry.reading import Reading
from lorry.report import ArchiveDownload, Download, DownloadListener
from lorry.retries import RetryPolicy
from lorry.trail import JobChange, JobEvent
from lorry.transport import Request, Transport, http_client
from lorry.watching import follow, segment, wait_until_ended


class Lorry:
    """One Lorry service. A context manager; safe to share between threads.

    Every method raises LorryUnreachable, LorryProblem or UnexpectedAnswer when the service cannot be used, and
    TokenUnavailable; what else they raise is said with each. 429, 503 and broken connections are tried again first.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        retries: RetryPolicy | None = None,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`url` is the service's ApiUrl. Without it, LORRY_API_URL or an outputs.json is used, as on the command
        line. `token` is a bearer token, or a function that gives one: it is asked again once when a token is refused.
        `headers` go with every request to the service, and like the token to nobody else.

        Raises ServiceAddressUnknown, TokenUnavailable, and ValueError for headers that cannot be sent.
        """
        self.url = find_service(url, environment=os.environ, folder=Path.cwd())
        self._retries = retries or RetryPolicy()
        own = checked_headers(headers or {})
        if token is not None and "authorization" in {name.lower() for name in own}:
            raise ValueError("give either a token or a header Authorization")
        auth = None if token is None else TokenAuth(token, httpx.URL(self.url))
        self._transport = Transport(self.url, self._retries, auth=auth, headers=own)
        self._reading = Reading(self._transport)

    def __enter__(self) -> Lorry:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections. Jobs go on without them."""
        self._transport.close()

    def start(
        self,
        *,
        file_ids: Sequence[int] | None = None,
        keys: Sequence[str] | None = None,
        prefix: str | None = None,
        archive: bool | ArchiveOptions = False,
        callback_url: str | None = None,
        idempotency_key: str | None = None,
    ) -> StartedJob:
        """Makes a job and answers at once. Exactly one of the first three names its files, 1 to 100,000 of them:
        `file_ids` (10,000 to 100,000,000), object `keys`, or everything below `prefix`.

        With `archive` they are put into a ZIP too. `callback_url` gets a webhook when the job ends (`lorry.webhooks`).
        However often it is asked with one `idempotency_key`, also by another process, there is one job; without it,
        each call makes one. Raises ValueError when the files are named twice or not at all, or the key cannot be
        sent; IdempotencyKeyReused when the key came with another request before.
        """
        body = initiate_body(file_ids=file_ids, keys=keys, prefix=prefix, archive=archive, callback_url=callback_url)
        request = Request("POST", "/v1/download/initiate", body=body, headers=key_header(idempotency_key))
        return self._transport.read(request, StartedJob.from_answer)

    def status(self, job_id: str) -> Job:
        """The job as it stands. Raises LorryProblem 404 when it is unknown."""
        return self._reading.job(job_id)

    def wait(self, job_id: str, *, timeout: float | None = None, on_change: Callable[[Job], None] | None = None) -> Job:
        """The job once it is ready; asks as often as the service says. `on_change` hears of each answer.

        Raises JobFailed when it failed or was cancelled, WaitTimedOut after `timeout` seconds.
        """
        return self._ready(wait_until_ended(self._transport, job_id, timeout=timeout, on_change=on_change))

    def follow(self, job_id: str) -> Iterator[JobChange]:
        """The job as it is now, then each of its changes as the service tells of them; the last one is how it ended."""
        return follow(self._transport, job_id)

    def pages(self, job_id: str) -> Iterator[Page]:
        """The files of the job, 1,000 at a time in the order of the request, with links once it is ready."""
        return self._reading.pages(job_id)

    def events(self, job_id: str, *, limit: int | None = None) -> Iterator[JobEvent]:
        """What happened to the job, oldest first, at most `limit` events. Pages are read as they are needed."""
        return self._reading.events(job_id, limit)

    def limits(self) -> Limits:
        """The limits that the service enforces."""
        return self._reading.limits()

    def download(
        self,
        job_id: str,
        folder: str | os.PathLike[str],
        *,
        workers: int = 8,
        skip_complete: bool = False,
        listener: DownloadListener | None = None,
    ) -> Download:
        """Downloads every file of a ready job into `folder` (made if need be), `workers` side by side.

        Files are named after the last segment of their keys, and replaced when they exist; with `skip_complete`
        those are left alone that have the right size and were written after the job was made. What was cut off
        before is gone on with. Raises DownloadFailed, after everything else is done, when a file is missing or
        cannot be had; JobNotReady, JobFailed; OSError when the folder cannot be made.
        """
        if workers < 1:
            raise ValueError(f"workers must be 1 or more, not {workers}")
        plan = Plan(Path(folder), workers, skip_complete)
        plan.folder.mkdir(parents=True, exist_ok=True)
        with http_client(timeout=STORE_TIMEOUT, connections=workers) as http:
            http.follow_redirects = True
            downloader = Downloader(http, retries=self._retries, plan=plan, listener=listener or DownloadListener())
            report = downloader.run(self._ready_pages(job_id), lambda page: self._reading.page(job_id, page.cursor))
        if not report.ok:
            raise DownloadFailed(report)
        return report

    def download_archives(
        self,
        job_id: str,
        path: str | os.PathLike[str],
        *,
        skip_complete: bool = False,
        listener: DownloadListener | None = None,
    ) -> ArchiveDownload:
        """Downloads the archive of a ready job to `path`, or several to out-1-of-3.zip, ... when `path` is out.zip.

        Each is checked (size, opens as a ZIP, number of entries) before it gets its name, and replaces a file that has
        it; with `skip_complete` those are left alone that this job left whole. What was cut off before is gone on
        with. Raises ArchivesIncomplete, after everything else is done, when an archive cannot be had or files of the
        job are not in it; NoArchive, JobNotReady, JobFailed; OSError when `path` is a folder or its folder cannot be
        made.
        """
        target = Path(path)
        if target.is_dir():
            raise IsADirectoryError(f"{target} is a folder")
        job = self._ready(self.status(job_id))
        if not job.archives:
            raise NoArchive(job)
        lost = list(self._lost_files(job))
        target.parent.mkdir(parents=True, exist_ok=True)
        with http_client(timeout=STORE_TIMEOUT, connections=1) as http:
            http.follow_redirects = True
            hears = listener or DownloadListener()
            downloader = ArchiveDownloader(http, retries=self._retries, listener=hears, skip_complete=skip_complete)
            endings = downloader.run(job, target, Links(_archive_urls(job), lambda: self._fresh_archive_urls(job_id)))
        report = ArchiveDownload(
            archives=endings,
            total=job.total or 0,
            missing=tuple(file for file in lost if file.state == "missing"),
            failed=tuple(file for file in lost if file.state == "failed"),
        )
        if not report.ok:
            raise ArchivesIncomplete(report)
        return report

    def retry(self, job_id: str, *, idempotency_key: str | None = None) -> Job:
        """Runs again what failed of the job, once for each `idempotency_key` (without it, once for each call).

        Raises LorryProblem 409 when nothing failed, 404 when the job is unknown; ValueError and IdempotencyKeyReused
        as `start`.
        """
        path = f"/v1/download/{segment(job_id)}/retry"
        return self._transport.read(Request("POST", path, headers=key_header(idempotency_key)), Job.from_answer)

    def cancel(self, job_id: str) -> Job:
        """Cancels the job; doing so twice is fine. Raises LorryProblem 409 when it had ended, 404 when unknown."""
        return self._transport.read(Request("DELETE", f"/v1/download/{segment(job_id)}"), Job.from_answer)

    def jobs(self, *, status: str | None = None, limit: int | None = None) -> Iterator[Job]:
        """The caller's jobs, newest first: only those of `status` when given, at most `limit` of them.

        Pages are read as they are needed.
        """
        return self._reading.jobs(status, limit)

    def check(self, file_id: int) -> Availability:
        """Whether the file is in the store, without making a job."""
        request = Request("POST", "/v1/download/check", body={"file_id": file_id})
        return self._transport.read(request, Availability.from_answer)

    def _ready_pages(self, job_id: str) -> Iterator[Page]:
        for page in self.pages(job_id):
            self._ready(page.job)
            yield page

    def _ready(self, job: Job) -> Job:
        if job.ready:
            return job
        raise JobFailed(job) if job.ended else JobNotReady(job)

    def _lost_files(self, job: Job) -> Iterator[FileOutcome]:
        """The files that are missing or failed; pages are read only as far as there are any."""
        count = job.counts.missing + job.counts.failed
        files = itertools.chain.from_iterable(page.files for page in self.pages(job.id))
        return itertools.islice((file for file in files if file.state in ("missing", "failed")), count)

    def _fresh_archive_urls(self, job_id: str) -> list[str | None]:
        return _archive_urls(self.status(job_id))


def _archive_urls(job: Job) -> list[str | None]:
    return [archive.url for archive in job.archives]
