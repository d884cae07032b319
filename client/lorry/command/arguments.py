"""The arguments of the `lorry` command: what there is, and the help that explains it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lorry.command import commands
from lorry.command.access import add_access_arguments
from lorry.command.exit_codes import EXIT_CODES
from lorry.command.get import get as get_command
from lorry.idempotency import checked_key
from lorry.version import VERSION

DESCRIPTION = "Downloads many files at once through Lorry, the bulk-download service."

ADDRESS = """the service is taken from --api, else from the variable LORRY_API_URL, else from the ApiUrl of
outputs.json in $LORRY_HOME or, when that is not set, in .lorry of the current folder.

where the service asks who you are, the token is taken from the file of --token-file (read again when the service
refuses it), else from the variable LORRY_TOKEN.
"""

GET = """Starts a job for the files, waits for it, and downloads them into a folder, several side by side;
or, with --zip, downloads one ZIP of them all, which the service assembles.

Files are named after the last part of their keys (70000.zip). A new job replaces files of the same name.
What is cut off stays as NAME.part and is gone on with by the next run, if the file in the store is still the same.
With --job, what this job has downloaded already (right size, newer than the job) is left alone.
An archive above the service's limit comes as several: out-1-of-3.zip, out-2-of-3.zip, ...
"""

GET_EXAMPLES = """examples:
  lorry get 70000 70001 -o photos
  lorry get 70000-70059 --jobs 16
  lorry get --from ids.txt             one id or range a line, # begins a comment; - is standard input
  lorry get --prefix downloads/2024/ --zip 2024.zip --layout tree
  lorry get 70000 --idempotency-key nightly-2024-06-01 --callback-url https://example.org/lorry
  lorry get --job 3f0c9a52-...         go on with a job, for instance after Ctrl-C (with --zip if it had that)

"""


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="lorry",
        description=DESCRIPTION,
        epilog=ADDRESS + "\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lorry {VERSION}")
    parser.add_argument("--api", metavar="URL", help="base URL of the service (its ApiUrl)")
    add_access_arguments(parser)
    commands_of = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_get(commands_of)
    _add_status(commands_of)
    _add_watch(commands_of)
    _add_events(commands_of)
    _add_cancel(commands_of)
    _add_retry(commands_of)
    _add_jobs(commands_of)
    _add_check(commands_of)
    _add_limits(commands_of)
    return parser


if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]


def _add_get(commands_of: Subparsers) -> None:
    get = commands_of.add_parser(
        "get",
        help="download files",
        description=GET,
        epilog=GET_EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_files(get.add_argument_group("which files (ids, keys or a prefix; or a job that has them)"))
    _add_targets(get.add_argument_group("where to"))
    _add_new_job(get.add_argument_group("about a new job"))
    get.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    get.set_defaults(command=get_command)


def _add_files(which: argparse._ArgumentGroup) -> None:
    which.add_argument("ids", nargs="*", metavar="ID", help="a file id (70000) or a range of them (70000-70059)")
    which.add_argument("--from", dest="source", metavar="FILE", help="read ids from a file too; - is standard input")
    which.add_argument(
        "--key", dest="keys", action="append", default=[], metavar="KEY", help="an object key; may be repeated"
    )
    which.add_argument(
        "--keys-from", dest="keys_source", metavar="FILE", help="read keys from a file, one a line; - is standard input"
    )
    which.add_argument("--prefix", metavar="PREFIX", help="every file whose key begins with this")
    which.add_argument("--job", metavar="JOB", help="go on with this job instead of starting one")


def _add_targets(where: argparse._ArgumentGroup) -> None:
    either = where.add_mutually_exclusive_group()
    either.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: .)"
    )
    either.add_argument("--zip", type=Path, metavar="FILE", help="write one ZIP of all files instead")
    where.add_argument(
        "-j", "--jobs", type=_positive, default=8, metavar="N", help="how many files at the same time (default: 8)"
    )
    where.add_argument(
        "--layout", choices=["flat", "tree"], help="in the ZIP, no folders or those of the keys (default: flat)"
    )
    where.add_argument(
        "--on-missing", choices=["skip", "fail"], help="make the ZIP without missing files, or fail (default: skip)"
    )


def _add_new_job(about: argparse._ArgumentGroup) -> None:
    about.add_argument("--callback-url", metavar="URL", help="is sent a signed webhook when the job ends")
    _add_key(about, "a job; the same key again leads to the same job")


def _add_key(holder: argparse._ActionsContainer, what: str) -> None:
    holder.add_argument(
        "--idempotency-key", type=_key, metavar="KEY", help=f"your own name for {what} (default: a new one)"
    )


def _add_status(commands_of: Subparsers) -> None:
    status = commands_of.add_parser("status", help="show a job", description="Shows a job as it stands.")
    status.add_argument("job_id", metavar="JOB")
    status.add_argument("--json", action="store_true", help="print the service's own JSON, on one line")
    status.add_argument("--files", action="store_true", help="then every file, one a line (also with --json)")
    status.set_defaults(command=commands.status)


def _add_watch(commands_of: Subparsers) -> None:
    watch = commands_of.add_parser(
        "watch",
        help="follow a job until it ends",
        description="Prints a line at each change of a job until it ends. Exits 3 if it failed or was cancelled.",
    )
    watch.add_argument("job_id", metavar="JOB")
    watch.add_argument("--json", action="store_true", help="print the service's own JSON, one change a line")
    watch.set_defaults(command=commands.watch)


def _add_events(commands_of: Subparsers) -> None:
    events = commands_of.add_parser(
        "events", help="show what happened to a job", description="Prints the audit trail of a job, oldest first."
    )
    events.add_argument("job_id", metavar="JOB")
    events.add_argument("--limit", type=_positive, metavar="N", help="at most so many (default: all)")
    events.add_argument("--json", action="store_true", help="print the service's own JSON, one event a line")
    events.set_defaults(command=commands.events)


def _add_cancel(commands_of: Subparsers) -> None:
    cancel = commands_of.add_parser("cancel", help="cancel a job", description="Cancels a job that has not ended.")
    cancel.add_argument("job_id", metavar="JOB")
    cancel.set_defaults(command=commands.cancel)


def _add_retry(commands_of: Subparsers) -> None:
    retry = commands_of.add_parser(
        "retry",
        help="run again what failed",
        description="Runs again what failed of a job: files that could not be read, or the assembly of its archive.",
    )
    retry.add_argument("job_id", metavar="JOB")
    _add_key(retry, "this retry; the same key again retries no second time")
    retry.set_defaults(command=commands.retry)


def _add_jobs(commands_of: Subparsers) -> None:
    jobs = commands_of.add_parser("jobs", help="list jobs", description="Lists your jobs, newest first.")
    jobs.add_argument(
        "--status", choices=["queued", "processing", "ready", "failed", "cancelled"], help="only jobs that are this"
    )
    jobs.add_argument("--limit", type=_positive, default=20, metavar="N", help="at most so many (default: 20)")
    jobs.add_argument("--json", action="store_true", help="print the service's own JSON, one job a line")
    jobs.set_defaults(command=commands.jobs)


def _add_check(commands_of: Subparsers) -> None:
    check = commands_of.add_parser(
        "check",
        help="look whether a file is there",
        description="Looks whether a file is in the store. Exits 1 if not.",
    )
    check.add_argument("file_id", type=int, metavar="ID")
    check.set_defaults(command=commands.check)


def _add_limits(commands_of: Subparsers) -> None:
    limits = commands_of.add_parser(
        "limits", help="show the service's limits", description="Prints the limits that the service enforces."
    )
    limits.add_argument("--json", action="store_true", help="print the service's own JSON, on one line")
    limits.set_defaults(command=commands.limits)


def _key(text: str) -> str:
    try:
        return checked_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
