"""Describes jobs, files, events and sizes in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from lorry.events import JobChange, JobEvent
from lorry.models import Archive, FileOutcome, Job, Limits
from lorry.names import printable
from lorry.reports import ArchiveDownload, ArchiveEnding, Download

UNITS = ("kB", "MB", "GB", "TB")


def human_bytes(count: int | None) -> str:
    """A size in powers of 1,000: `41.2 MB`."""
    if count is None:
        return "unknown size"
    if abs(count) < 1000:
        return f"{count} B"
    power = next((power for power in range(1, len(UNITS)) if abs(count) < 999.95 * 1000**power), len(UNITS))
    return f"{count / 1000**power:.1f} {UNITS[power - 1]}"


def human_files(count: int | None) -> str:
    """A number of files: `1 file`, `2,000 files`, `? files` while it is unknown."""
    return f"{'?' if count is None else format(count, ',')} file{'' if count == 1 else 's'}"


def human_archives(count: int) -> str:
    """A number of archives: `1 archive`, `3 archives`."""
    return f"{count:,} archive{'' if count == 1 else 's'}"


@dataclass(frozen=True)
class Phase:
    """One phase of a job at one moment.

    `name` identifies it and `label` is shown; `done` of `total` is its progress (files or bytes; None while unknown),
    `detail` the same in words.
    """

    name: str
    label: str
    done: int
    total: int | None
    detail: str

    @property
    def percent(self) -> int | None:
        """The progress in percent, None while unknown."""
        return None if self.total is None else min(100, self.done * 100 // self.total)


def phases_of(job: Job) -> Iterator[Phase]:
    """The phases that `job` has reached, the current one last: checking its files, then assembling an archive."""
    yield _checking(job)
    if job.assembling:
        yield _assembling(job)


def _checking(job: Job) -> Phase:
    total = job.total or None
    done = total or 0 if job.assembling or job.ready else job.processed
    label = "checked" if job.assembling else _label(job)
    return Phase("checking", label, done, total, f"{done:,} of {human_files(total)}")


def _assembling(job: Job) -> Phase:
    total = job.bytes.total or None
    done = total or 0 if job.ready else job.bytes.done or 0
    detail = f"{human_bytes(done)} of {human_bytes(total)}"
    if len(job.archives) > 1:
        detail += f" in {len(job.archives):,} archives"
    return Phase("assembling", _label(job), done, total, detail)


def _label(job: Job) -> str:
    """What the job is doing: its stage while it is processing, else its status."""
    return job.stage or job.status if job.status == "processing" else job.status


def describe_job(job: Job) -> Iterator[str]:
    """A job, one line for each known member."""
    counts = job.counts
    yield _line("job", job.id)
    if job.label:
        yield _line("label", printable(job.label))
    yield _line("status", job.status + (f" ({job.stage})" if job.stage and not job.ended else ""))
    yield _line("progress", f"{job.progress}%, {job.processed:,} of {human_files(job.total)}")
    folders = f", {counts.folders:,} folders" if counts.folders else ""
    files = f"{counts.available:,} available, {counts.missing:,} missing, {counts.failed:,} failed{folders}"
    yield _line("files", files)
    if job.bytes.total is not None:
        yield _line("size", human_bytes(job.bytes.total))
    for archive in job.archives:
        yield _line("archive", _describe_archive(archive))
    for name, time in (("created", job.created_at), ("finished", job.finished_at), ("expires", job.expires_at)):
        if time is not None:
            yield _line(name, local_time(time))
    if job.error:
        yield _line("error", f"{printable(job.error.message)} ({job.error.code})")


def describe_in_list(job: Job) -> str:
    """A job in one line."""
    total = "?" if job.total is None else f"{job.total:,}"
    created = local_time(job.created_at) if job.created_at else ""
    done = f"{job.progress:>3}%  {job.processed:>7,} of {total:<7}"
    return f"{job.id}  {job.status:<10}  {done}  {created}  {printable(job.label or '')}".rstrip()


def describe_file(file: FileOutcome) -> str:
    """A file in one line: state, id, key or reason, size."""
    parts = [f"{file.state:<9}", printable(file.label)]
    if file.id is not None and file.key:
        parts.append(printable(file.key))
    if file.size is not None:
        parts.append(human_bytes(file.size))
    line = "  ".join(parts)
    return f"{line}: {printable(file.reason)}" if file.reason else line


def describe_download(report: Download) -> str:
    """The figures of a download in one line."""
    parts = [f"{report.complete:,} of {human_files(report.total)} in {report.folder} ({human_bytes(report.bytes)})"]
    if report.skipped:
        parts.append(f"{report.skipped:,} of them already there")
    if report.missing:
        parts.append(f"{len(report.missing):,} missing")
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    if report.excluded:
        parts.append(f"{report.excluded:,} excluded")
    return ", ".join(parts)


def describe_archives(report: ArchiveDownload) -> str:
    """The figures of a download of archives in one line."""
    inside = report.total - len(report.missing) - len(report.failed)
    parts = [f"{inside:,} of {human_files(report.total)} in {_places(report)} ({human_bytes(report.bytes)})"]
    skipped = sum(ending.skipped for ending in report.archives)
    if skipped:
        parts.append("already there" if skipped == len(report.archives) else f"{skipped:,} of them already there")
    if report.missing:
        parts.append(f"{len(report.missing):,} missing")
    if report.failed:
        parts.append(f"{len(report.failed):,} failed")
    return ", ".join(parts)


def describe_broken(ending: ArchiveEnding) -> str:
    """An archive that could not be downloaded, in one line."""
    return f"{'failed':<9}  {ending.path}  {human_bytes(ending.archive.size)}: {ending.reason}"


def _places(report: ArchiveDownload) -> str:
    first, *others = [str(ending.path) for ending in report.archives]
    return f"{human_archives(len(report.archives))}, {first} to {others[-1]}" if others else first


def _describe_archive(archive: Archive) -> str:
    parts = [archive.filename, human_bytes(archive.size)]
    parts += [] if archive.entries is None else [f"{archive.entries:,} entries"]
    parts += [f"{archive.long_paths:,} of them too long for Windows"] if archive.long_paths else []
    parts += [] if archive.parts is None else [f"{archive.parts:,} parts"]
    parts += [] if archive.crc_source is None else [f"checksums by {archive.crc_source}"]
    return ", ".join(parts) + (", verified by the store" if archive.verified else "")


def _line(name: str, text: str) -> str:
    return f"{name:<9} {text}"


def local_time(time: datetime) -> str:
    """A time in the local time zone."""
    return time.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def describe_change(change: JobChange) -> str:
    """A change in one line: when, what the job is doing, how far it is."""
    job = change.job
    *_, phase = phases_of(job)
    when = f"{local_time(job.updated_at)}  " if job.updated_at else ""
    return f"{when}{phase.label:<12}  {job.progress:>3}%  {phase.detail}"


def describe_event(event: JobEvent) -> str:
    """An event in one line: when, what, by whom, and its details if any."""
    when = local_time(event.at) if event.at else ""
    parts = [when, f"{event.kind:<20}", event.by, json.dumps(event.details) if event.details else "", event.request_id]
    return "  ".join(filter(None, parts)).rstrip()


def describe_limits(limits: Limits) -> Iterator[str]:
    """Each limit in one line, by the service's own name."""
    width = max(map(len, limits), default=0)
    for name, value in limits.items():
        yield f"{name:<{width}}  {format(value, ',') if isinstance(value, int) else value}"
