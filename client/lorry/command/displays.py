"""How a job and its download look while they go on: bars on a terminal, plain lines elsewhere, or nothing.

Everything here goes to standard error; standard output is for results.
"""

from __future__ import annotations

import sys
import threading
from types import TracebackType

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

from lorry.command.wording import human_bytes, human_files, job_phase
from lorry.download import DownloadListener, FileEnding
from lorry.model import Job

STEPS = 10
"""Plain lines are printed at each tenth of the way."""


class Display(DownloadListener):
    """Shows nothing (`--quiet`), and is what the other displays start from. A context manager."""

    def __enter__(self) -> Display:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def say(self, line: str) -> None:
        """Shows one line."""

    def job_changed(self, job: Job) -> None:
        """The job was read while waiting for it."""


class Bars(Display):
    """Two bars: the job as the service works on it, then the bytes as they arrive."""

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
        self._job: TaskID | None = None
        self._bytes: TaskID | None = None
        self._files = 0
        self._lock = threading.Lock()

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def say(self, line: str) -> None:
        """Prints the line above the bars."""
        self._progress.console.print(Text(line))

    def job_changed(self, job: Job) -> None:
        """Moves the first bar to the progress of the job."""
        if self._job is None:
            self._job = self._progress.add_task(job_phase(job), total=100, detail="")
        detail = f"{job.processed:,} of {human_files(job.total)}"
        completed = 100 if job.ready else job.progress
        self._progress.update(self._job, description=job_phase(job), completed=completed, detail=detail)

    def job_read(self, job: Job) -> None:
        """Begins the second bar."""
        with self._lock:
            if self._bytes is None:
                self._bytes = self._progress.add_task(
                    "downloading", total=job.bytes.total, detail="", files=job.counts.available
                )

    def bytes_moved(self, count: int) -> None:
        """Moves the second bar."""
        if self._bytes is not None:
            self._progress.advance(self._bytes, count)

    def file_ended(self, ending: FileEnding) -> None:
        """Counts the file, and names it when it is lost."""
        if ending.path is None or self._bytes is None:
            return
        with self._lock:
            self._files += 1
            self._progress.update(self._bytes, detail=human_files(self._files))


class DetailColumn(ProgressColumn):
    """Bytes and speed of a download; of a job, how many files are done."""

    def render(self, task: Task) -> Text:
        """The text of one bar."""
        detail = str(task.fields.get("detail", ""))
        if "files" not in task.fields:
            return Text(detail)
        speed = task.finished_speed or task.speed
        rate = f" {human_bytes(int(speed))}/s" if speed else ""
        return Text(f"{detail} {human_bytes(int(task.completed))}{rate}".strip())


class Lines(Display):
    """A line now and then, for logs and pipes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown = ""
        self._job: Job | None = None
        self._moved = 0
        self._step = 0

    def say(self, line: str) -> None:
        """Prints the line."""
        print(line, file=sys.stderr, flush=True)

    def job_changed(self, job: Job) -> None:
        """A line at each tenth of each stage."""
        key = f"{job_phase(job)} {job.progress * STEPS // 100}"
        if key != self._shown:
            self._shown = key
            self.say(f"{job_phase(job)}: {job.processed:,} of {human_files(job.total)}, {job.progress}%")

    def job_read(self, job: Job) -> None:
        """Learns how much there is to download."""
        if self._job is None:
            self._job = job
            self.say(f"downloading {human_files(job.counts.available)}, {human_bytes(job.bytes.total)}")

    def bytes_moved(self, count: int) -> None:
        """A line at each tenth of the bytes."""
        with self._lock:
            self._moved += count
            total = self._job.bytes.total if self._job else None
            step = self._moved * STEPS // total if total else 0
            if step > self._step:
                self._step = step
                self.say(f"downloading: {human_bytes(self._moved)} of {human_bytes(total)}")


def display_for(*, quiet: bool) -> Display:
    """Bars on a terminal, lines elsewhere, nothing when quiet."""
    if quiet:
        return Display()
    return Bars() if sys.stderr.isatty() else Lines()
