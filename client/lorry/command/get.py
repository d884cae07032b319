"""`lorry get`: takes a job from its first request, or from wherever it is, to files in a folder or to a ZIP."""

from __future__ import annotations

import argparse
import sys

from lorry.client import Lorry
from lorry.command.displays import Display, display_for
from lorry.command.selection import selection_of
from lorry.command.usage import ExitCode, command_line
from lorry.command.wording import describe_archives, describe_broken, describe_download, describe_file
from lorry.errors import ArchivesIncomplete, DownloadFailed, JobFailed, LorryError, NoArchive

FINAL_REASONS = frozenset({"no_files_available", "files_missing", "too_many_files"})
"""Why jobs fail that would fail again."""


def get(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """Starts a job or continues the given one, waits for it, and downloads."""
    selection = selection_of(arguments)
    display = display_for(quiet=arguments.quiet)
    job_id: str = arguments.job
    if selection is not None:
        started = selection.start(lorry)
        job_id = started.id
        display.say(f"job {job_id}: {selection.describe(started)}")
    try:
        with display:
            lorry.wait(job_id, on_change=display.job_changed)
            result = _download(lorry, job_id, arguments=arguments, display=display)
    except JobFailed as error:
        return _job_failed(lorry, error, arguments)
    except DownloadFailed as error:
        return _files_lost(error, job_id, arguments)
    except ArchivesIncomplete as error:
        return _archives_incomplete(error, job_id, arguments)
    except KeyboardInterrupt:
        return _interrupted(job_id, arguments)
    except NoArchive:
        raise
    except LorryError:
        _complain(f"job {job_id} keeps running; to continue: {_resume_command(job_id, arguments)}")
        raise
    print(result)
    return ExitCode.OK


def _download(lorry: Lorry, job_id: str, *, arguments: argparse.Namespace, display: Display) -> str:
    """Downloads what was requested and describes it."""
    old_job = arguments.job is not None
    if arguments.zip is not None:
        return describe_archives(
            lorry.download_archives(job_id, arguments.zip, skip_complete=old_job, listener=display)
        )
    return describe_download(
        lorry.download(job_id, arguments.output, workers=arguments.jobs, skip_complete=old_job, listener=display)
    )


def _job_failed(lorry: Lorry, error: JobFailed, arguments: argparse.Namespace) -> ExitCode:
    job = error.job
    _complain(f"lorry: {error}")
    for page in lorry.pages(job.id) if job.status == "failed" else ():
        for file in page.files:
            if file.state in ("missing", "failed"):
                _complain(describe_file(file))
    if job.error and job.error.code not in FINAL_REASONS:
        again = command_line(arguments, "retry", job.id)
        _complain(f"to retry what failed: {again} && {_resume_command(job.id, arguments)}")
    return ExitCode.JOB_FAILED


def _files_lost(error: DownloadFailed, job_id: str, arguments: argparse.Namespace) -> ExitCode:
    for file in (*error.report.missing, *error.report.failed):
        _complain(describe_file(file))
    if error.report.failed:
        _complain(f"to retry the failed files: {_resume_command(job_id, arguments)}")
    print(describe_download(error.report))
    return ExitCode.FILES_LOST


def _archives_incomplete(error: ArchivesIncomplete, job_id: str, arguments: argparse.Namespace) -> ExitCode:
    report = error.report
    for file in (*report.missing, *report.failed):
        _complain(describe_file(file))
    for ending in report.broken:
        _complain(describe_broken(ending))
    if report.broken:
        _complain(f"to retry: {_resume_command(job_id, arguments)}")
    if report.paths:
        print(describe_archives(report))
    return ExitCode.FILES_LOST


def _interrupted(job_id: str, arguments: argparse.Namespace) -> ExitCode:
    _complain(f"\nlorry: interrupted. Job {job_id} keeps running, and downloaded data is kept.")
    _complain(f"  to continue:  {_resume_command(job_id, arguments)}")
    _complain(f"  to stop it:   {command_line(arguments, 'cancel', job_id)}")
    return ExitCode.INTERRUPTED


def _resume_command(job_id: str, arguments: argparse.Namespace) -> str:
    where = ["-o", str(arguments.output)] if arguments.zip is None else ["--zip", str(arguments.zip)]
    return command_line(arguments, "get", "--job", job_id, *where)


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
