"""`make demo`: the main job, end to end, on real files and over the public API.

Starts the stack, uploads 59 files, requests 60 and one ZIP of them, watches the job, downloads every link, compares
the CRC-32 of each file with the uploaded one, and opens and tests the ZIP.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn
from rich.table import Table

from localstack import stack
from localstack.clients import Clients, forget_aws
from localstack.home import Options
from localstack.samples import Sample, put, samples
from localstack.stack import FAILURES
from lorry import (
    ArchiveOptions,
    ArchivesIncomplete,
    Download,
    DownloadFailed,
    DownloadListener,
    FileEnding,
    Job,
    Lorry,
    LorryError,
)

ABSENT_ID = 79_999
ARCHIVE_NAME = "lorry-demo.zip"
MANIFEST = "MANIFEST.json"
JOB_SECONDS = 120.0
console = Console(highlight=False)


class DemoFailed(Exception):
    """A downloaded file or the ZIP differs from what was uploaded."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One finished job, and how long it took."""

    job: Job
    download: Download
    archive: Path
    job_seconds: float
    download_seconds: float


def main() -> int:
    forget_aws()
    try:
        _demo(Options.from_environment())
    except (*FAILURES, LorryError, DemoFailed) as error:
        print(f"make demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _demo(options: Options) -> None:
    started = time.monotonic()
    console.print("[bold]1[/] starting the stack")
    outputs = stack.up(options)
    console.print(f"  {outputs['ApiUrl']} ({time.monotonic() - started:.1f} s)")

    files = samples(say=lambda text: console.print(f"  {text}"))
    new = put(Clients(outputs["Endpoint"])("s3"), outputs["SourceBucket"], wanted=files, replace=True)
    size = sum(sample.size for sample in files)
    console.print(
        f"[bold]2[/] {len(files)} files, {_mib(size)}, in s3://{outputs['SourceBucket']} ({new} uploaded now)"
    )

    console.print(f"[bold]3[/] a job of {len(files) + 1} files, one of which does not exist, and one ZIP of them")
    ran = _run_job(outputs["ApiUrl"], files, folder=options.home.root / "downloads")
    _verify(ran.download, files)
    _verify_archive(ran.archive, files)
    _report(ran, time.monotonic() - started)
    _next_steps(ran, outputs=outputs, options=options)


def _run_job(url: str, files: list[Sample], *, folder: Path) -> Ran:
    shutil.rmtree(folder, ignore_errors=True)
    with Lorry(url) as lorry:
        begun = time.monotonic()
        ids = [*(sample.file_id for sample in files), ABSENT_ID]
        started = lorry.start(file_ids=ids, archive=ArchiveOptions(filename=ARCHIVE_NAME))
        job = _watch(lorry, started.id, total=len(files) + 1)
        ready = time.monotonic()
        download = _download(lorry, job, folder=folder)
        seconds = time.monotonic() - ready
        return Ran(job, download, _download_archive(lorry, job, folder=folder), ready - begun, seconds)


def _watch(lorry: Lorry, job_id: str, *, total: int) -> Job:
    """Two phases: files are checked, then the archive is assembled."""
    columns = (TextColumn("  {task.description:11}"), BarColumn(), TextColumn("{task.fields[figures]}"))
    with Progress(*columns, console=console) as progress:
        checking = progress.add_task("checking", total=total, figures=f"0/{total}")
        assembling = progress.add_task("assembling", total=None, figures="", visible=False)

        def show(job: Job) -> None:
            progress.update(checking, completed=job.processed, figures=f"{job.processed}/{total}")
            if job.archives:
                done, size = job.bytes.done or 0, job.bytes.total
                figures = f"{_mib(done or 0)} of {_mib(size or 0)}"
                progress.update(assembling, completed=done, total=size, figures=figures, visible=True)

        return lorry.wait(job_id, timeout=JOB_SECONDS, on_change=show)


class _Bar(DownloadListener):
    """Shows the bytes of a download."""

    def __init__(self, progress: Progress, total: int | None) -> None:
        self._progress = progress
        self._task = progress.add_task("", total=total, files=0)
        self._files = 0

    def bytes_moved(self, count: int) -> None:
        self._progress.advance(self._task, count)

    def file_ended(self, ending: FileEnding) -> None:
        self._files += ending.path is not None
        self._progress.update(self._task, files=self._files)


def _download(lorry: Lorry, job: Job, *, folder: Path) -> Download:
    columns = (TextColumn("  downloading"), BarColumn(), DownloadColumn(True), TextColumn("{task.fields[files]} files"))
    with Progress(*columns, console=console) as progress:
        try:
            return lorry.download(job.id, folder, listener=_Bar(progress, job.bytes.total))
        except DownloadFailed as error:  # one file is missing, as intended; _verify checks the rest
            return error.report


def _download_archive(lorry: Lorry, job: Job, *, folder: Path) -> Path:
    columns = (TextColumn("  the ZIP    "), BarColumn(), DownloadColumn(True))
    path = folder.with_name(ARCHIVE_NAME)
    with Progress(*columns, console=console) as progress:
        try:
            lorry.download_archives(job.id, path, listener=_Bar(progress, job.archives[0].size))
        except ArchivesIncomplete as error:  # the missing file is missing from the ZIP too; _verify_archive checks it
            if not error.report.missing or error.report.failed:
                raise
    return path


def _verify_archive(path: Path, files: list[Sample]) -> None:
    """Checks that the ZIP opens, holds every file as uploaded, and that its manifest names the absent one."""
    with zipfile.ZipFile(path) as archive:
        found = {entry.filename: entry.CRC for entry in archive.infolist() if entry.filename != MANIFEST}
        broken = archive.testzip()
        manifest = json.loads(archive.read(MANIFEST))
    if broken is not None:
        raise DemoFailed(f"{path}: {broken} is broken")
    if found != {f"{sample.file_id}.zip": sample.crc32 for sample in files}:
        raise DemoFailed(f"{path} does not hold what was uploaded")
    absent = [file["file_id"] for file in manifest["files"] if file["state"] == "missing"]
    if absent != [ABSENT_ID]:
        raise DemoFailed(f"the manifest of {path} names {absent} as missing, not {ABSENT_ID}")


def _verify(download: Download, files: list[Sample]) -> None:
    """Checks that every file arrived as uploaded, and that the absent one alone is missing."""
    missing = [file.id for file in download.missing]
    if missing != [ABSENT_ID]:
        raise DemoFailed(f"missing should be {ABSENT_ID} alone, but is {missing}")
    if download.failed:
        raise DemoFailed(str(DownloadFailed(download)))
    for sample in files:
        found = zlib.crc32((download.folder / f"{sample.file_id}.zip").read_bytes())
        if found != sample.crc32:
            raise DemoFailed(f"{sample.key} ({sample.title}): CRC-32 {found:08x}, uploaded {sample.crc32:08x}")


def _report(ran: Ran, seconds: float) -> None:
    table = Table(show_header=False, box=None, padding=(0, 2))
    speed = ran.download.bytes / max(ran.download_seconds, 0.001)
    rows = {
        "job": f"{ran.job.id}, {ran.job.status} after {ran.job_seconds:.1f} s",
        "files": f"{ran.job.counts.available} available, {ran.job.counts.missing} missing ({ABSENT_ID})",
        "downloaded": f"{ran.download.complete} files, {_mib(ran.download.bytes)}, {_mib(speed)}/s",
        "verified": f"[green]CRC-32 of all {ran.download.complete} files equals what was uploaded[/]",
        "archive": f"{ran.archive.name}, {_mib(ran.archive.stat().st_size)}, [green]opened and tested[/]",
        "took": f"{seconds:.1f} s",
    }
    for name, value in rows.items():
        table.add_row(name, value)
    console.print("[bold]4[/] done")
    console.print(table)


def _next_steps(ran: Ran, *, outputs: stack.Outputs, options: Options) -> None:
    steps = {
        "dashboard": f"{outputs['ApiUrl']}/dashboard/jobs/{ran.job.id} in a browser",
        "this job": f".venvs/dev/bin/lorry --api {outputs['ApiUrl']} status {ran.job.id}",
        "its files": f"{ran.download.folder}, the ZIP is {ran.archive}",
        "the API": f"{outputs['ApiUrl']}/docs in a browser",
        "names, logs": f"{options.home.outputs}, {options.home.log}",
    }
    console.print("Look next:")
    for name, place in steps.items():
        console.print(f"  {name:13} {place}", soft_wrap=True, markup=False)
    console.print("The stack keeps running; `make down` stops it and deletes its jobs and files.")


def _mib(count: float) -> str:
    return f"{count / 1024 / 1024:.1f} MiB"


if __name__ == "__main__":
    raise SystemExit(main())
