"""Downloads every available file of a job to a folder, several at a time.

    pages -> tasks -> workers -> transfer -> folder

One thread reads the pages and puts tasks into a short queue; the workers are daemon threads, so that an interrupt
never waits for a slow store. Memory holds a page or two, whatever the size of the job.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx

from lorry.errors import LorryError
from lorry.local_files import BeingWritten, Names, PartFile
from lorry.models import FileOutcome, Job, Page
from lorry.reports import Download, DownloadListener, FileEnding
from lorry.retries import RetryPolicy
from lorry.transfer import Link, Links, Stopped, Transfer, TransferFailed

SECONDS_TO_STOP = 2.0
CLOCK_DIFFERENCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Plan:
    """How to download: into `folder`, by `workers` threads.

    `skip_complete` keeps files that have the right size and were written after the job was created.
    """

    folder: Path
    workers: int = 8
    skip_complete: bool = False


@dataclass(frozen=True)
class Task:
    """One file to download."""

    file: FileOutcome
    path: Path
    link: Link


@dataclass
class Ledger:
    """Counts the endings of files, from several threads."""

    listener: DownloadListener
    complete: int = 0
    skipped: int = 0
    bytes: int = 0
    missing: list[FileOutcome] = field(default_factory=list)
    failed: list[FileOutcome] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def completed(self, file: FileOutcome, path: Path, *, size: int, skipped: bool = False) -> None:
        """`file` is at `path` with `size` bytes."""
        with self._lock:
            self.complete += 1
            self.skipped += skipped
            self.bytes += size
        self.listener.file_ended(FileEnding(file, path, skipped))

    def lost(self, file: FileOutcome) -> None:
        """`file` is missing or has failed."""
        with self._lock:
            (self.missing if file.state == "missing" else self.failed).append(file)
        self.listener.file_ended(FileEnding(file, None))

    def report(self, folder: Path) -> Download:
        """The figures, with the files in the order of the job."""
        missing = tuple(sorted(self.missing, key=lambda file: file.index))
        failed = tuple(sorted(self.failed, key=lambda file: file.index))
        return Download(folder, self.complete, self.skipped, self.bytes, missing, failed)


class Downloader:
    """One download. Each object runs once."""

    def __init__(self, http: httpx.Client, *, retries: RetryPolicy, plan: Plan, listener: DownloadListener) -> None:
        self._http = http
        self._retries = retries
        self._plan = plan
        self._listener = listener
        self._ledger = Ledger(listener)
        self._tasks: queue.Queue[Task | None] = queue.Queue(maxsize=2 * plan.workers)
        self._stop = threading.Event()
        self._crash: BaseException | None = None

    def run(self, pages: Iterable[Page], read_again: Callable[[Page], Page]) -> Download:
        """Downloads the files of `pages`. An interrupt stops the workers and keeps the parts."""
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._plan.workers)]
        for worker in workers:
            worker.start()
        try:
            self._fill_queue(pages, read_again)
            self._finish(workers)
        except BaseException:
            self._abandon(workers)
            raise
        if self._crash:
            raise self._crash
        return self._ledger.report(self._plan.folder)

    def _fill_queue(self, pages: Iterable[Page], read_again: Callable[[Page], Page]) -> None:
        names = Names()
        for page in pages:
            self._listener.job_read(page.job)
            links = Links(_urls(page), functools.partial(_fresh_urls, page, read_again))
            for place, file in enumerate(page.files):
                if self._stop.is_set():
                    return
                self._settle(Task(file, self._plan.folder / names.name_for(file), links.at(place)), page.job)

    def _settle(self, task: Task, job: Job) -> None:
        """Queues the task for the workers, unless its file is lost or already there."""
        size = task.file.size
        if task.file.state != "available":
            self._ledger.lost(task.file)
        elif size is not None and self._plan.skip_complete and was_downloaded(task.path, size, job):
            self._listener.bytes_moved(size)
            self._ledger.completed(task.file, task.path, size=size, skipped=True)
        else:
            self._tasks.put(task)

    def _work(self) -> None:
        while task := self._tasks.get():
            if self._stop.is_set():
                continue
            try:
                self._fetch(task)
            except Stopped:
                continue
            except BaseException as error:
                self._crash = error
                self._stop.set()

    def _fetch(self, task: Task) -> None:
        try:
            with PartFile(task.path) as part:
                self._transfer().run(task.link, part, task.file.size)
        except (TransferFailed, BeingWritten, LorryError, OSError) as error:
            self._ledger.lost(replace(task.file, state="failed", reason=str(error)))
        else:
            self._ledger.completed(task.file, task.path, size=part.size)

    def _transfer(self) -> Transfer:
        return Transfer(self._http, retries=self._retries, stop=self._stop, moved=self._listener.bytes_moved)

    def _finish(self, workers: Sequence[threading.Thread]) -> None:
        for _ in workers:
            self._tasks.put(None)
        for worker in workers:
            worker.join()

    def _abandon(self, workers: Sequence[threading.Thread]) -> None:
        """Stops the workers and waits a moment for them; one that hangs ends with the process."""
        self._stop.set()
        with contextlib.suppress(queue.Empty):
            while True:
                self._tasks.get_nowait()
        for _ in workers:
            self._tasks.put_nowait(None)
        deadline = time.monotonic() + SECONDS_TO_STOP
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))


def was_downloaded(path: Path, size: int, job: Job) -> bool:
    """Whether an earlier run for this job wrote `path`: it has the right size and is newer than the job."""
    if not path.is_file():
        return False
    found = path.stat()
    created = job.created_at
    return found.st_size == size and (created is None or found.st_mtime >= (created - CLOCK_DIFFERENCE).timestamp())


def _urls(page: Page) -> list[str | None]:
    return [file.url for file in page.files]


def _fresh_urls(page: Page, read_again: Callable[[Page], Page]) -> list[str | None]:
    return _urls(read_again(page))
