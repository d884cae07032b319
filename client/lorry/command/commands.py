"""What each command but `get` does: takes its arguments and a `Lorry`, prints, and returns an exit code."""

from __future__ import annotations

import argparse
import dataclasses
import json

from lorry.client import Lorry
from lorry.command.exit_codes import ExitCode
from lorry.command.wording import describe_file, describe_in_list, describe_job, human_bytes
from lorry.model import FileOutcome


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


def retry(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry retry`: asks the service to run again what failed of the job."""
    job = lorry.retry(arguments.job_id)
    print(f"job {job.id} is {job.status} again")
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


def _file_json(file: FileOutcome) -> str:
    return json.dumps({name: value for name, value in dataclasses.asdict(file).items() if name != "url"})
