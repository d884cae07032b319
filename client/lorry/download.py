"""Downloads every available file of a job to a folder, several at a time.

    pages -> tasks -> workers -> transfer -> folder

One thread reads the pages and puts tasks into a short queue; the workers are daemon threads, so that an interrupt
never waits for a slow store. Memory holds a page or two and the names of the files, whatever the size of the job.
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

from lorry.errors import LorryError, TargetUnusable
from lorry.local_files import FULL_DISK, BeingWritten, Existing, PartFile, require_space, write_renamed
from lorry.models import FileOutcome, Job, Page
from lorry.names import Names, is_wanted
from lorry.reports import Download, DownloadListener, FileEnding
from lorry.retries import RetryPolicy
from lorry.transfer import Link, Links, Stopped, Transfer, TransferFailed, Version

SECONDS_TO_STOP = 2.0
CLOCK_DIFFERENCE = timedelta(minutes=1)


@dataclass(frozen=True)
class Plan:
    """How to download: into `folder` (with the folders of the keys below `prefix` if `tree`), by `workers` threads.

    Only files that match `include` and not `exclude` (`names.is_wanted`) are downloaded. `skip_complete` keeps files of
    the right size that are newer than the job; `skip_existing` keeps files of the right size that the store says are
    the same, by their time or by their `checksum`.
    """

    folder: Path
    workers: int = 8
    tree: bool = False
    prefix: str = ""
    include: Sequence[str] = ()
    exclude: Sequence[str] = ()
    skip_complete: bool = False
    skip_existing: bool = False
    checksum: bool = False

    @property
    def downloads_everything(self) -> bool:
        """Whether all files of the job are downloaded, whatever the folder contains."""
        return not (self.include or self.exclude or self.skip_complete or self.skip_existing)


@dataclass(frozen=True)
class Task:
    """One file to download to `name` below the folder; `place` is its place among the wanted files of the job."""

    file: FileOutcome
    place: int
    name: str
    link: Link


@dataclass
class Ledger:
    """Counts the endings of files, from several threads. `names` are UTF-8, which takes half the memory of strings;
    `renamed` has the keys of files whose names differ from them, by their places.
    """

    folder: Path
    listener: DownloadListener
    names: list[bytes | None] = field(default_factory=list)
    skipped: int = 0
    bytes: int = 0
    excluded: int = 0
    missing: list[FileOutcome] = field(default_factory=list)
    failed: list[FileOutcome] = field(default_factory=list)
    renamed: dict[int, str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def completed(self, task: Task, *, size: int, skipped: bool = False) -> None:
        """The file is in the folder with `size` bytes."""
        with self._lock:
            self.names[task.place] = task.name.encode()
            self.skipped += skipped
            self.bytes += size
        self.listener.file_ended(FileEnding(task.file, self.folder / task.name, skipped))

    def lost(self, file: FileOutcome) -> None:
        """`file` is missing or has failed."""
        with self._lock:
            (self.missing if file.state == "missing" else self.failed).append(file)
        self.listener.file_ended(FileEnding(file, None))

    def report(self) -> Download:
        """The figures, with the files in the order of the job."""
        return Download(
            self.folder,
            names=tuple(name.decode() for name in self.names if name is not None),
            skipped=self.skipped,
            bytes=self.bytes,
            missing=tuple(sorted(self.missing, key=lambda file: file.index)),
            failed=tuple(sorted(self.failed, key=lambda file: file.index)),
            excluded=self.excluded,
            renamed=tuple((key, name.decode()) for place, key in self.renamed.items() if (name := self.names[place])),
        )


class Downloader:
    """One download. Each object runs once."""

    def __init__(
        self,
        http: httpx.Client,
        *,
        retries: RetryPolicy,
        plan: Plan,
        listener: DownloadListener,
        open_part: Callable[[Path], PartFile] = PartFile,
    ) -> None:
        self._http = http
        self._retries = retries
        self._plan = plan
        self._listener = listener
        self._open_part = open_part
        self._ledger = Ledger(plan.folder, listener)
        self._tasks: queue.Queue[Task | None] = queue.Queue(maxsize=2 * plan.workers)
        self._stop = threading.Event()
        self._crash: BaseException | None = None

    def run(self, read: Callable[[], Iterable[Page]], read_again: Callable[[Page], Page]) -> Download:
        """Downloads the files of the pages that `read` yields. An interrupt stops the workers and keeps the parts.

        Raises TargetUnusable when the disk is full, at once.
        """
        workers = [threading.Thread(target=self._work, daemon=True) for _ in range(self._plan.workers)]
        for worker in workers:
            worker.start()
        try:
            self._fill_queue(read, read_again)
            self._finish(workers)
        except BaseException:
            self._abandon(workers)
            raise
        if self._crash:
            raise self._crash
        report = self._ledger.report()
        write_renamed(report.folder, report.renamed)
        return report

    def _fill_queue(self, read: Callable[[], Iterable[Page]], read_again: Callable[[Page], Page]) -> None:
        plan = self._plan
        names = Names(tree=plan.tree, prefix=plan.prefix)
        for number, page in enumerate(_surveyed(read, names)):
            if not number:
                self._require_space(page.job)
            self._listener.job_read(page.job)
            links = Links(_urls(page), functools.partial(_fresh_urls, page, read_again))
            for place, file in enumerate(page.files):
                if self._stop.is_set():
                    return
                if file.state == "folder":
                    self._make_folder(file, plan.folder / names.folder_for(file))
                    continue
                name = names.path_for(file)
                if is_wanted(file.key or file.label, include=plan.include, exclude=plan.exclude):
                    self._ledger.names.append(None)
                    task = Task(file, len(self._ledger.names) - 1, name, links.at(place))
                    if names.is_renamed(file, name):
                        self._ledger.renamed[task.place] = file.key or file.label
                    self._settle(task, page.job)
                else:
                    self._ledger.excluded += 1

    def _require_space(self, job: Job) -> None:
        """Raises TargetUnusable when the disk is too small for a download that finds nothing in its folder."""
        if self._plan.downloads_everything and job.bytes.total and not any(self._plan.folder.iterdir()):
            require_space(self._plan.folder, job.bytes.total)

    def _settle(self, task: Task, job: Job) -> None:
        """Queues the task for the workers, unless its file is lost or already there."""
        size = task.file.size
        if task.file.state != "available":
            self._ledger.lost(task.file)
        elif size is not None and self._plan.skip_complete and was_downloaded(self._path(task), size, job=job):
            self._keep(task, size)
        else:
            self._tasks.put(task)

    def _keep(self, task: Task, size: int) -> None:
        self._listener.bytes_moved(size)
        self._ledger.completed(task, size=size, skipped=True)

    def _work(self) -> None:
        while task := self._tasks.get():
            if self._stop.is_set():
                continue
            try:
                self._fetch(task)
            except Stopped:
                continue
            except BaseException as error:
                self._crash = self._crash or error
                self._stop.set()

    def _fetch(self, task: Task) -> None:
        path = self._path(task)
        try:
            if self._plan.tree:
                path.parent.mkdir(parents=True, exist_ok=True)
            existing = self._existing(path, task.file.size)
            with self._open_part(path) as part:
                downloaded = self._transfer().run(task.link, part, version=Version.of(task.file), existing=existing)
        except OSError as error:
            self._lose(task.file, error)
        except (TransferFailed, BeingWritten, LorryError) as error:
            self._ledger.lost(replace(task.file, state="failed", reason=str(error)))
        else:
            if downloaded:
                self._ledger.completed(task, size=part.size)
            else:
                self._keep(task, path.stat().st_size)

    def _make_folder(self, file: FileOutcome, path: Path) -> None:
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._lose(file, error)

    def _lose(self, file: FileOutcome, error: OSError) -> None:
        """Counts a file that the disk did not take as failed. Raises TargetUnusable if it takes no other either."""
        if error.errno in FULL_DISK:
            raise TargetUnusable(self._plan.folder, error.strerror or str(error)) from error
        self._ledger.lost(replace(file, state="failed", reason=str(error)))

    def _existing(self, path: Path, size: int | None) -> Existing | None:
        """The file at `path`, if it may be the same as the one in the store."""
        if not self._plan.skip_existing or not path.is_file() or path.stat().st_size != size:
            return None
        return Existing(path, self._plan.checksum)

    def _path(self, task: Task) -> Path:
        return self._plan.folder / task.name

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


def was_downloaded(path: Path, size: int, *, job: Job) -> bool:
    """Whether an earlier run for this job wrote `path`: it has the right size, and was put there after the job began.

    Its modification time is that of the object, so the time when it got its name is compared instead.
    """
    if not path.is_file():
        return False
    found = path.stat()
    created = job.created_at
    return found.st_size == size and (created is None or found.st_ctime >= (created - CLOCK_DIFFERENCE).timestamp())


def _surveyed(read: Callable[[], Iterable[Page]], names: Names) -> Iterable[Page]:
    """All pages are read once more, before the first is used: any may have a name that a file gives way to."""
    first: Page | None = None
    for page in read():
        first = first or page
        names.survey(page.files)
    return [first] if first and first.next_cursor is None else read()


def _urls(page: Page) -> list[str | None]:
    return [file.url for file in page.files]


def _fresh_urls(page: Page, read_again: Callable[[Page], Page]) -> list[str | None]:
    return _urls(read_again(page))
