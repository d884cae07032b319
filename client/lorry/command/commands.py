"""Every command but `get`: each takes a `Lorry` and its arguments, prints, and returns an exit code."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable

from lorry.client import Lorry
from lorry.command.usage import ExitCode
from lorry.command.wording import (
    describe_change,
    describe_event,
    describe_file,
    describe_in_list,
    describe_job,
    describe_limits,
    human_bytes,
)
from lorry.errors import JobFailed
from lorry.models import FileOutcome

Command = Callable[[Lorry, argparse.Namespace], ExitCode]


def status(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry status`: prints the job, and its files if requested."""
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


def watch(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry watch`: prints each change of the job until it has ended."""
    job = None
    for change in lorry.follow(arguments.job_id):
        job = change.job
        print(json.dumps(job.answer) if arguments.json else describe_change(change), flush=True)
    if job is None or not job.ended:
        job = lorry.status(arguments.job_id)
    if job.ready:
        return ExitCode.OK
    print(f"lorry: {JobFailed(job)}", file=sys.stderr)
    return ExitCode.JOB_FAILED


def events(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry events`: prints the job's audit trail."""
    for event in lorry.events(arguments.job_id, limit=arguments.limit):
        print(json.dumps(event.answer) if arguments.json else describe_event(event))
    return ExitCode.OK


def limits(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry limits`: prints the limits of the service."""
    found = lorry.limits()
    print(json.dumps(found.answer) if arguments.json else "\n".join(describe_limits(found)))
    return ExitCode.OK


def cancel(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry cancel`: cancels the job."""
    job = lorry.cancel(arguments.job_id)
    print(f"job {job.id} is {job.status}")
    return ExitCode.OK


def retry(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry retry`: runs again what failed of the job."""
    job = lorry.retry(arguments.job_id, idempotency_key=arguments.idempotency_key)
    print(f"job {job.id} is {job.status} again")
    return ExitCode.OK


def jobs(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry jobs`: lists the newest jobs."""
    for job in lorry.jobs(status=arguments.status, limit=arguments.limit):
        print(json.dumps(job.answer) if arguments.json else describe_in_list(job))
    return ExitCode.OK


def check(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    """`lorry check`: looks whether one file is in the store."""
    found = lorry.check(arguments.file_id)
    if not found.available:
        print(f"{found.file_id} is missing")
        return ExitCode.FILES_LOST
    print(f"{found.file_id} is available: {found.key}, {human_bytes(found.size)}")
    return ExitCode.OK


def _file_json(file: FileOutcome) -> str:
    return json.dumps({name: value for name, value in dataclasses.asdict(file).items() if name != "url"})
