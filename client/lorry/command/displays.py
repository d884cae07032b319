"""Shows the progress of a job and its download: bars on a terminal, plain lines elsewhere, or nothing.

Everything here goes to standard error; standard output is for results.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from lorry.command.wording import Phase, human_archives, human_bytes, human_files, phases_of
from lorry.models import Archive, Job
from lorry.reports import ArchiveEnding, DownloadListener, FileEnding

LONG_TO_VERIFY = 1 << 28
"""Plain lines announce the verification of archives from this size on."""

STEPS = 10
"""Plain lines are printed at each tenth."""


class Display(DownloadListener):
    """Shows nothing (`--quiet`); the base of the other displays. A context manager."""

    def __enter__(self) -> Display:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def say(self, line: str) -> None:
        """Shows one line."""

    def job_changed(self, job: Job) -> None:
        """The job has changed while waiting for it."""


class Bars(Display):
    """A bar for each phase of the job, then one for the downloaded bytes."""

    def __init__(self) -> None:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            TaskProgressColumn(),
            DetailColumn(table_column=Column(no_wrap=True)),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._phases: dict[str, TaskID] = {}
        self._bytes: TaskID | None = None
        self._verified: TaskID | None = None
        self._ended = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Prints the line above the bars."""
        self._progress.console.print(Text(line))

    def job_changed(self, job: Job) -> None:
        """Updates the bars of the job's phases."""
        for phase in phases_of(job):
            if phase.name not in self._phases:
                self._phases[phase.name] = self._progress.add_task(phase.label, total=None)
            self._progress.update(
                self._phases[phase.name],
                description=phase.label,
                total=phase.total,
                completed=phase.done,
                detail=phase.detail,
            )

    def job_read(self, job: Job) -> None:
        """Starts the bar of the download."""
        self._begin(job.bytes.total)

    def archives_read(self, job: Job) -> None:
        """Starts the bar of the download."""
        self._begin(sum(archive.size for archive in job.archives))

    def bytes_moved(self, count: int) -> None:
        """Advances the bar of the download."""
        if self._bytes is not None:
            self._progress.advance(self._bytes, count)

    def archive_read(self, archive: Archive) -> None:
        """Starts a bar for the verification of the archive."""
        self._verified = self._progress.add_task("verifying", total=archive.size, detail="", moving=True)

    def bytes_verified(self, count: int) -> None:
        """Advances that bar."""
        if self._verified is not None:
            self._progress.advance(self._verified, count)

    def file_ended(self, ending: FileEnding) -> None:
        """Counts the file if it is complete."""
        if ending.path is not None:
            self._count(human_files)

    def archive_ended(self, ending: ArchiveEnding) -> None:
        """Counts the archive if it is complete."""
        if ending.reason is None:
            self._count(human_archives)
        if self._verified is not None:
            self._progress.remove_task(self._verified)
            self._verified = None

    def _begin(self, total: int | None) -> None:
        with self._lock:
            if self._bytes is None:
                self._bytes = self._progress.add_task("downloading", total=total, detail="", moving=True)

    def _count(self, wording: Callable[[int], str]) -> None:
        with self._lock:
            self._ended += 1
            if self._bytes is not None:
                self._progress.update(self._bytes, detail=wording(self._ended))


class DetailColumn(ProgressColumn):
    """Bytes and speed of a download; of a phase of the job, its progress in words."""

    def render(self, task: Task) -> Text:
        """The text of one bar."""
        detail = str(task.fields.get("detail", ""))
        if "moving" not in task.fields:
            return Text(detail)
        speed = task.finished_speed or task.speed
        rate = f" {human_bytes(int(speed))}/s" if speed else ""
        return Text(f"{detail} {human_bytes(int(task.completed))}{rate}".strip())


class Lines(Display):
    """A line from time to time, for logs and pipes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown: dict[str, tuple[str, int]] = {}
        self._begun = False
        self._total: int | None = None
        self._moved = 0
        self._step = 0

    def say(self, line: str) -> None:
        """Prints the line."""
        print(line, file=sys.stderr, flush=True)

    def job_changed(self, job: Job) -> None:
        """Prints a line at each tenth of each phase; at 1, 10, 100, ... files while the total is unknown."""
        for phase in phases_of(job):
            key = (phase.label, _step(phase))
            if key != self._shown.get(phase.name):
                self._shown[phase.name] = key
                percent = "" if phase.percent is None else f", {phase.percent}%"
                self.say(f"{phase.label}: {phase.detail}{percent}")

    def job_read(self, job: Job) -> None:
        """Prints how much there is to download."""
        self._begin(human_files(job.counts.available), job.bytes.total)

    def archives_read(self, job: Job) -> None:
        """Prints how much there is to download."""
        self._begin(human_archives(len(job.archives)), sum(archive.size for archive in job.archives))

    def bytes_moved(self, count: int) -> None:
        """Prints a line at each tenth of the bytes."""
        with self._lock:
            self._moved += count
            step = self._moved * STEPS // self._total if self._total else 0
            if step > self._step:
                self._step = step
                self.say(f"downloading: {human_bytes(self._moved)} of {human_bytes(self._total)}")

    def archive_read(self, archive: Archive) -> None:
        """Announces a verification that takes long."""
        if archive.size >= LONG_TO_VERIFY:
            self.say(f"verifying {archive.filename}, {human_bytes(archive.size)}")

    def _begin(self, what: str, total: int | None) -> None:
        if not self._begun:
            self._begun = True
            self._total = total
            self.say(f"downloading {what}, {human_bytes(total)}")


def _step(phase: Phase) -> int:
    return len(str(phase.done)) if phase.percent is None else phase.percent * STEPS // 100


def display_for(*, quiet: bool, plain: bool) -> Display:
    """Bars on a terminal unless `plain`, lines elsewhere, nothing when `quiet`."""
    if quiet:
        return Display()
    return Bars() if sys.stderr.isatty() and not plain else Lines()
