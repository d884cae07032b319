"""The commands about jobs other than `get`: status, watch, events, manifest, cancel, purge, retry and jobs."""

from __future__ import annotations

import argparse
import dataclasses
import json

from lorry.client import Lorry
from lorry.command.options import Subparsers, add_command, add_idempotency_key, add_json, positive
from lorry.command.usage import ExitCode, complain
from lorry.command.wording import describe_change, describe_event, describe_file, describe_in_list, describe_job
from lorry.errors import JobFailed
from lorry.models import FileOutcome

FORMATS = ["curl", "aria2", "wget", "csv", "jsonl", "sha256sum", "ps1"]
STATUSES = ["queued", "processing", "ready", "failed", "cancelled"]
STATES = ["available", "missing", "failed", "folder", "pending"]


def add_job_commands(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    _add_status(subparsers)
    watch = add_command(
        subparsers,
        "watch",
        help="follow a job until it ends",
        description="Prints a line at each change of a job until it ends. Exits 3 if it failed or was cancelled.",
    )
    watch.add_argument("job_id", metavar="JOB")
    add_json(watch, "one object per change")
    watch.set_defaults(command=_watch)

    events = add_command(
        subparsers,
        "events",
        help="show what happened to a job",
        description="Prints the audit trail of a job, oldest first.",
    )
    events.add_argument("job_id", metavar="JOB")
    events.add_argument("--limit", type=positive, metavar="N", help="at most this many (default: all)")
    add_json(events, "one object per event")
    events.set_defaults(command=_events)

    cancel = add_command(subparsers, "cancel", help="cancel a job", description="Cancels a job that has not ended.")
    cancel.add_argument("job_id", metavar="JOB")
    add_json(cancel)
    cancel.set_defaults(command=_cancel)

    manifest = add_command(
        subparsers,
        "manifest",
        help="list a job for another tool",
        description="Prints the files of a ready job as curl -K, aria2c -i, wget -i, PowerShell or a table reads them.",
    )
    manifest.add_argument("job_id", metavar="JOB")
    manifest.add_argument("--format", choices=FORMATS, default="curl", help="what the list is for (default: curl)")
    manifest.add_argument("--stable", action="store_true", help="addresses of the service instead of links")
    manifest.set_defaults(command=_manifest)

    purge = add_command(
        subparsers,
        "purge",
        help="remove a job",
        description="Cancels a job if it runs, and removes its archives and links. Files in the store stay.",
    )
    purge.add_argument("job_id", metavar="JOB")
    add_json(purge)
    purge.set_defaults(command=_purge)

    retry = add_command(
        subparsers,
        "retry",
        help="run again what failed",
        description="Runs again what failed of a job: files that could not be read, or the assembly of its archive.",
    )
    retry.add_argument("job_id", metavar="JOB")
    add_idempotency_key(retry, "this retry; the same key again does nothing more")
    add_json(retry)
    retry.set_defaults(command=_retry)

    jobs = add_command(subparsers, "jobs", help="list jobs", description="Lists your jobs, newest first.")
    jobs.add_argument("--status", choices=STATUSES, help="only jobs with this status")
    jobs.add_argument("--label", metavar="TEXT", help="only jobs with exactly this label")
    jobs.add_argument("--limit", type=positive, default=20, metavar="N", help="at most this many (default: 20)")
    add_json(jobs, "one object per job")
    jobs.set_defaults(command=_jobs)


def _add_status(subparsers: Subparsers) -> None:
    status = add_command(subparsers, "status", help="show a job", description="Shows a job as it is now.")
    status.add_argument("job_id", metavar="JOB")
    status.add_argument("--files", action="store_true", help="then every file, one per line")
    status.add_argument(
        "--state", choices=STATES, action="append", help="then only files in this state; may be repeated"
    )
    add_json(status, "one object for the job, then one per file")
    status.set_defaults(command=_status)


def _status(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    job = lorry.status(arguments.job_id)
    print(json.dumps(job.answer) if arguments.json else "\n".join(describe_job(job)))
    states = arguments.state
    for page in lorry.pages(job.id) if arguments.files or states else ():
        for file in page.files:
            if not states or file.state in states:
                print(_file_json(file) if arguments.json else describe_file(file))
    return ExitCode.OK


def _watch(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    job = None
    for change in lorry.follow(arguments.job_id):
        job = change.job
        print(json.dumps(job.answer) if arguments.json else describe_change(change), flush=True)
    if job is None or not job.ended:
        job = lorry.status(arguments.job_id)
    if job.ready:
        return ExitCode.OK
    complain(f"lorry: {JobFailed(job)}")
    return ExitCode.JOB_FAILED


def _events(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    for event in lorry.events(arguments.job_id, limit=arguments.limit):
        print(json.dumps(event.answer) if arguments.json else describe_event(event))
    return ExitCode.OK


def _cancel(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    job = lorry.cancel(arguments.job_id)
    print(json.dumps(job.answer) if arguments.json else f"job {job.id} is {job.status}")
    return ExitCode.OK


def _manifest(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    for number, page in enumerate(lorry.manifest(arguments.job_id, arguments.format, stable=arguments.stable)):
        head, _, rest = page.partition("\n")
        print(rest if number and arguments.format == "csv" else f"{head}\n{rest}", end="")  # one line of column names
    return ExitCode.OK


def _purge(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    lorry.purge(arguments.job_id)
    answer = {"jobId": arguments.job_id, "purged": True}
    print(json.dumps(answer) if arguments.json else f"job {arguments.job_id} is removed")
    return ExitCode.OK


def _retry(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    job = lorry.retry(arguments.job_id, idempotency_key=arguments.idempotency_key)
    print(json.dumps(job.answer) if arguments.json else f"job {job.id} is {job.status} again")
    return ExitCode.OK


def _jobs(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    for job in lorry.jobs(status=arguments.status, label=arguments.label, limit=arguments.limit):
        print(json.dumps(job.answer) if arguments.json else describe_in_list(job))
    return ExitCode.OK


def _file_json(file: FileOutcome) -> str:
    return json.dumps({name: value for name, value in dataclasses.asdict(file).items() if name != "url"})
