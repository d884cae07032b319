"""What each command does: takes its arguments and a `Lorry`, prints, and returns an exit code."""

from __future__ import annotations

import argparse
import dataclasses
import json
import shlex
import sys

from lorry.client import Lorry
from lorry.command.displays import Display, display_for
from lorry.command.exit_codes import ExitCode
from lorry.command.file_ids import UnreadableIds, read_ids
from lorry.command.wording import (
    describe_download,
    describe_file,
    describe_in_list,
    describe_job,
    human_bytes,
    human_files,
)
from lorry.errors import DownloadFailed, JobFailed, LorryError
from lorry.model import FileOutcome


def get(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry get`: a job from its first request, or from wherever it is, to files in a folder."""
    file_ids = _wanted_ids(arguments)
    display = display_for(quiet=arguments.quiet)
    job_id: str = arguments.job or _start(lorry, file_ids, display)
    try:
        with display:
            lorry.wait(job_id, on_change=display.job_changed)
            report = lorry.download(
                job_id,
                arguments.output,
                workers=arguments.jobs,
                skip_complete=arguments.job is not None,
                listener=display,
            )
    except JobFailed as error:
        return _job_failed(lorry, error)
    except DownloadFailed as error:
        return _files_lost(error, job_id, arguments)
    except KeyboardInterrupt:
        return _interrupted(job_id, arguments)
    except LorryError:
        _complain(f"job {job_id} does not end with this; to go on: {_resume_command(job_id, arguments)}")
        raise
    print(describe_download(report))
    return ExitCode.OK


def status(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry status`: the job as it stands, and its files when asked for."""
    job = lorry.status(arguments.job_id)
    if arguments.json:
        print(json.dumps(job.answer))
    else:
        print("\n".join(describe_job(job)))
    if arguments.files:
        for page in lorry.pages(job.id):
            for file in page.files:
                print(_file_json(file) if arguments.json else describe_file(file))
    return ExitCode.OK


def cancel(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry cancel`: asks the service to stop the job."""
    job = lorry.cancel(arguments.job_id)
    print(f"job {job.id} is {job.status}")
    return ExitCode.OK


def jobs(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry jobs`: the newest jobs, one a line."""
    for job in lorry.jobs(status=arguments.status, limit=arguments.limit):
        print(json.dumps(job.answer) if arguments.json else describe_in_list(job))
    return ExitCode.OK


def check(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry check`: whether one file is in the store."""
    found = lorry.check(arguments.file_id)
    if not found.available:
        print(f"{found.file_id} is missing")
        return ExitCode.FILES_LOST
    print(f"{found.file_id} is available: {found.key}, {human_bytes(found.size)}")
    return ExitCode.OK


def _wanted_ids(arguments: argparse.Namespace) -> list[int]:
    if arguments.job is not None:
        if arguments.ids or arguments.source is not None:
            raise UnreadableIds("--job goes on with a job that has its files already: name either files or a job")
        return []
    ids = read_ids(arguments.ids, arguments.source)
    if not ids:
        raise UnreadableIds("no files are named: give ids, --from FILE, or --job JOB")
    return ids


def _start(lorry: Lorry, file_ids: list[int], display: Display) -> str:
    job = lorry.start(file_ids=file_ids)
    repeated = f", {job.duplicates:,} named twice" if job.duplicates else ""
    display.say(f"job {job.id}: {human_files(job.total)}{repeated}")
    return job.id


def _job_failed(lorry: Lorry, error: JobFailed) -> ExitCode:
    _complain(f"lorry: {error}")
    for page in lorry.pages(error.job.id) if error.job.status == "failed" else ():
        for file in page.files:
            if file.state in ("missing", "failed"):
                _complain(describe_file(file))
    return ExitCode.JOB_FAILED


def _files_lost(error: DownloadFailed, job_id: str, arguments: argparse.Namespace) -> ExitCode:
    for file in (*error.report.missing, *error.report.failed):
        _complain(describe_file(file))
    if error.report.failed:
        _complain(f"to try the failed ones again: {_resume_command(job_id, arguments)}")
    print(describe_download(error.report))
    return ExitCode.FILES_LOST


def _interrupted(job_id: str, arguments: argparse.Namespace) -> ExitCode:
    _complain(f"\nlorry: interrupted. Job {job_id} keeps running, and what has arrived is kept.")
    _complain(f"  to go on:    {_resume_command(job_id, arguments)}")
    _complain(f"  to stop it:  {shlex.join([*_called_as(arguments), 'cancel', job_id])}")
    return ExitCode.INTERRUPTED


def _resume_command(job_id: str, arguments: argparse.Namespace) -> str:
    return shlex.join([*_called_as(arguments), "get", "--job", job_id, "-o", str(arguments.output)])


def _called_as(arguments: argparse.Namespace) -> list[str]:
    return ["lorry", "--api", arguments.api] if arguments.api else ["lorry"]


def _file_json(file: FileOutcome) -> str:
    return json.dumps({name: value for name, value in dataclasses.asdict(file).items() if name != "url"})


def _complain(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
