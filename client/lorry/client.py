"""`Lorry`: the service as a Python object."""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from urllib.parse import quote

from lorry.address import find_service
from lorry.archive_download import ArchiveDownloader
from lorry.download import STORE_TIMEOUT, Downloader, Plan
from lorry.errors import (
    ArchivesIncomplete,
    DownloadFailed,
    JobFailed,
    JobNotReady,
    NoArchive,
    UnexpectedAnswer,
    WaitTimedOut,
)
from lorry.initiate import ArchiveOptions, initiate_body
from lorry.links import Links
from lorry.model import Answer, Availability, FileOutcome, Job, Page, StartedJob
from lorry.report import ArchiveDownload, Download, DownloadListener
from lorry.retries import RetryPolicy
from lorry.transport import Reply, Request, Resend, Transport, http_client

PAGE_FILES = 1000
"""The most files that the service answers with at once."""

PAGE_JOBS = 100
JOB_PATIENCE = 3
"""Requests about a running job are tried three times as often: an outage of a minute must not end the wait."""

USUAL_POLL_SECONDS = 1.0
SHORTEST_POLL_SECONDS = 0.1
LONGEST_POLL_SECONDS = 300.0

Value = TypeVar("Value")


class Lorry:
    """One Lorry service. A context manager; safe to share between threads.

    Every method raises LorryUnreachable, LorryProblem or UnexpectedAnswer when the service cannot be used;
    what else they raise is said with each. 429, 503 and broken connections are tried again first.
    """

    def __init__(self, url: str | None = None, *, retries: RetryPolicy | None = None) -> None:
        """`url` is the service's ApiUrl. Without it, LORRY_API_URL or an outputs.json is used, as on the command
        line. Raises ServiceAddressUnknown."""
        self.url = find_service(url, environment=os.environ, folder=Path.cwd())
        self._retries = retries or RetryPolicy()
        self._transport = Transport(self.url, self._retries)

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
    ) -> StartedJob:
        """Makes a job and answers at once. Exactly one of the first three names its files, 1 to 100,000 of them:
        `file_ids` (10,000 to 100,000,000), object `keys`, or everything below `prefix`.

        With `archive` they are put into a ZIP too. Raises ValueError when the files are named twice or not at all.
        """
        body = initiate_body(file_ids=file_ids, keys=keys, prefix=prefix, archive=archive)
        request = Request("POST", "/v1/download/initiate", body=body, resend=Resend.IF_NOTHING_WAS_MADE)
        return self._understood(StartedJob.from_answer, self._transport.send(request).body)

    def status(self, job_id: str) -> Job:
        """The job as it stands. Raises LorryProblem 404 when it is unknown."""
        return self._read_job(job_id)[0]

    def wait(self, job_id: str, *, timeout: float | None = None, on_change: Callable[[Job], None] | None = None) -> Job:
        """The job once it is ready; asks as often as the service says. `on_change` hears of each answer.

        Raises JobFailed when it failed or was cancelled, WaitTimedOut after `timeout` seconds.
        """
        deadline = time.monotonic() + (math.inf if timeout is None else timeout)
        while True:
            job, retry_after = self._read_job(job_id)
            if on_change:
                on_change(job)
            if job.ended:
                return self._ready(job)
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimedOut(job, timeout or 0.0)
            time.sleep(min(left, _pause_between_polls(retry_after)))

    def pages(self, job_id: str) -> Iterator[Page]:
        """The files of the job, 1,000 at a time in the order of the request, with links once it is ready."""
        page = self._read_page(job_id, None)
        yield page
        while page.next_cursor:
            page = self._read_page(job_id, page.next_cursor)
            yield page

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
            report = downloader.run(self._ready_pages(job_id), lambda page: self._read_page(job_id, page.cursor))
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
        job = self._ready(self._read_job(job_id)[0])
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

    def retry(self, job_id: str) -> Job:
        """Runs again what failed of the job. Raises LorryProblem 409 when nothing did, 404 when it is unknown."""
        path = f"/v1/download/{_segment(job_id)}/retry"
        reply = self._transport.send(Request("POST", path, resend=Resend.IF_NOTHING_WAS_MADE))
        return self._understood(Job.from_answer, reply.body)

    def cancel(self, job_id: str) -> Job:
        """Cancels the job; doing so twice is fine. Raises LorryProblem 409 when it had ended, 404 when unknown."""
        reply = self._transport.send(Request("DELETE", f"/v1/download/{_segment(job_id)}"))
        return self._understood(Job.from_answer, reply.body)

    def jobs(self, *, status: str | None = None, limit: int | None = None) -> Iterator[Job]:
        """The caller's jobs, newest first: only those of `status` when given, at most `limit` of them.

        Pages are read as they are needed.
        """
        return itertools.islice(self._all_jobs(status, min(limit or PAGE_JOBS, PAGE_JOBS)), limit)

    def _all_jobs(self, status: str | None, page_size: int) -> Iterator[Job]:
        params: dict[str, str | int] = {"limit": page_size} | ({"status": status} if status else {})
        while True:
            body = self._transport.send(Request("GET", "/v1/download/jobs", params=dict(params))).body
            yield from self._understood(lambda answer: [Job.from_answer(item) for item in answer["jobs"]], body)
            if not body.get("nextCursor"):
                return
            params["cursor"] = str(body["nextCursor"])

    def check(self, file_id: int) -> Availability:
        """Whether the file is in the store, without making a job."""
        reply = self._transport.send(Request("POST", "/v1/download/check", body={"file_id": file_id}))
        return self._understood(Availability.from_answer, reply.body)

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
        return _archive_urls(self._read_job(job_id)[0])

    def _read_job(self, job_id: str) -> tuple[Job, float | None]:
        reply = self._read_status(job_id, {"limit": 1})
        return self._understood(Job.from_answer, reply.body), reply.retry_after

    def _read_page(self, job_id: str, cursor: str | None) -> Page:
        params: dict[str, str | int] = {"limit": PAGE_FILES} | ({"cursor": cursor} if cursor else {})
        reply = self._read_status(job_id, params)
        return self._understood(lambda answer: Page.from_answer(answer, cursor), reply.body)

    def _read_status(self, job_id: str, params: dict[str, str | int]) -> Reply:
        path = f"/v1/download/status/{_segment(job_id)}"
        return self._transport.send(Request("GET", path, params=params, patience=JOB_PATIENCE))

    def _understood(self, read: Callable[[Answer], Value], answer: Answer) -> Value:
        try:
            return read(answer)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise UnexpectedAnswer(url=self.url, reason=repr(error)) from error


def _archive_urls(job: Job) -> list[str | None]:
    return [archive.url for archive in job.archives]


def _pause_between_polls(retry_after: float | None) -> float:
    asked = USUAL_POLL_SECONDS if retry_after is None else retry_after
    return min(LONGEST_POLL_SECONDS, max(SHORTEST_POLL_SECONDS, asked))


def _segment(text: str) -> str:
    return quote(text, safe="")
