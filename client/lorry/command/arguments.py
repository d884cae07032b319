"""Defines the arguments of the `lorry` command and their help."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from lorry.access import checked_headers
from lorry.command import commands
from lorry.command.get import get
from lorry.command.usage import EXIT_CODES, TOKEN_HINT, TOKEN_VARIABLE
from lorry.operations import checked_key
from lorry.version import VERSION

if TYPE_CHECKING:
    Subparsers: TypeAlias = argparse._SubParsersAction[argparse.ArgumentParser]

DESCRIPTION = "Downloads many files at once through Lorry, the bulk-download service."

ADDRESS = """The service is the one of --api, else of the variable LORRY_API_URL, else the ApiUrl of outputs.json in
$LORRY_HOME or, if that is not set, in .lorry of the current folder.

If the service requires authentication, the token is read from the file of --token-file (and read again when the
service refuses it), else from the variable LORRY_TOKEN.
"""

GET = """Starts a job for the files, waits for it, and downloads them into a folder, several at a time;
or, with --zip, downloads one ZIP of them all, which the service assembles.

Files are named after the last part of their keys (70000.zip). A new job replaces files of the same name.
An interrupted download stays as NAME.part, and the next run resumes it if the file in the store is the same.
--job keeps the files that the job has downloaded already (right size, newer than the job).
An archive above the service's size limit comes as several: out-1-of-3.zip, out-2-of-3.zip, ...
"""

GET_EXAMPLES = """examples:
  lorry get 70000 70001 -o photos
  lorry get 70000-70059 --jobs 16
  lorry get --from ids.txt             one id or range per line, # starts a comment; - is standard input
  lorry get --prefix downloads/2024/ --zip 2024.zip --layout tree
  lorry get 70000 --idempotency-key nightly-2024-06-01 --callback-url https://example.org/lorry
  lorry get --job 3f0c9a52-...         continue with a job, for example after Ctrl-C (with --zip if it had that)

"""


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="lorry",
        description=DESCRIPTION,
        epilog=ADDRESS + "\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lorry {VERSION}")
    _add_access(parser)
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_get(subparsers)
    _add_job_commands(subparsers)
    _add_service_commands(subparsers)
    return parser


def _add_access(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--api", metavar="URL", help="base URL of the service (its ApiUrl)")
    parser.add_argument(
        "--token-file", type=Path, metavar="PATH", help=f"file with a bearer token (default: {TOKEN_VARIABLE})"
    )
    parser.add_argument(
        "--header",
        dest="headers",
        action="append",
        default=[],
        type=_header,
        metavar="'NAME: VALUE'",
        help="send this header with each request to the service; may be repeated",
    )


def _add_get(subparsers: Subparsers) -> None:
    parser = subparsers.add_parser(
        "get",
        help="download files",
        description=GET,
        epilog=GET_EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_files(parser.add_argument_group("which files (ids, keys or a prefix; or a job that has them)"))
    _add_targets(parser.add_argument_group("where to"))
    new_job = parser.add_argument_group("options of a new job")
    new_job.add_argument("--callback-url", metavar="URL", help="send a signed webhook there when the job ends")
    _add_key(new_job, "the job; the same key again leads to the same job")
    parser.add_argument("-q", "--quiet", action="store_true", help="show no progress")
    parser.set_defaults(command=get)


def _add_files(group: argparse._ArgumentGroup) -> None:
    group.add_argument("ids", nargs="*", metavar="ID", help="a file id (70000) or a range of ids (70000-70059)")
    group.add_argument("--from", dest="source", metavar="FILE", help="also read ids from a file; - is standard input")
    group.add_argument(
        "--key", dest="keys", action="append", default=[], metavar="KEY", help="an object key; may be repeated"
    )
    group.add_argument(
        "--keys-from",
        dest="keys_source",
        metavar="FILE",
        help="read keys from a file, one per line; - is standard input",
    )
    group.add_argument("--prefix", metavar="PREFIX", help="every file whose key begins with this")
    group.add_argument("--job", metavar="JOB", help="continue with this job instead of starting one")


def _add_targets(group: argparse._ArgumentGroup) -> None:
    either = group.add_mutually_exclusive_group()
    either.add_argument(
        "-o", "--output", type=Path, default=Path(), metavar="DIR", help="folder to write to (default: .)"
    )
    either.add_argument("--zip", type=Path, metavar="FILE", help="write one ZIP of all files instead")
    group.add_argument(
        "-j",
        "--jobs",
        type=_positive,
        default=8,
        metavar="N",
        help="number of files to download at a time (default: 8)",
    )
    group.add_argument(
        "--layout", choices=["flat", "tree"], help="in the ZIP, no folders or those of the keys (default: flat)"
    )
    group.add_argument(
        "--on-missing", choices=["skip", "fail"], help="leave missing files out of the ZIP, or fail (default: skip)"
    )


def _add_job_commands(subparsers: Subparsers) -> None:
    status = _add_command(
        subparsers, "status", commands.status, help="show a job", description="Shows a job as it is now."
    )
    _add_job(status)
    _add_json(status, "on one line")
    status.add_argument("--files", action="store_true", help="then every file, one per line (also with --json)")

    watch = _add_command(
        subparsers,
        "watch",
        commands.watch,
        help="follow a job until it ends",
        description="Prints a line at each change of a job until it ends. Exits 3 if it failed or was cancelled.",
    )
    _add_job(watch)
    _add_json(watch, "one change per line")

    events = _add_command(
        subparsers,
        "events",
        commands.events,
        help="show what happened to a job",
        description="Prints the audit trail of a job, oldest first.",
    )
    _add_job(events)
    events.add_argument("--limit", type=_positive, metavar="N", help="at most this many (default: all)")
    _add_json(events, "one event per line")

    cancel = _add_command(
        subparsers, "cancel", commands.cancel, help="cancel a job", description="Cancels a job that has not ended."
    )
    _add_job(cancel)

    retry = _add_command(
        subparsers,
        "retry",
        commands.retry,
        help="run again what failed",
        description="Runs again what failed of a job: files that could not be read, or the assembly of its archive.",
    )
    _add_job(retry)
    _add_key(retry, "this retry; the same key again does nothing more")


def _add_service_commands(subparsers: Subparsers) -> None:
    jobs = _add_command(
        subparsers, "jobs", commands.jobs, help="list jobs", description="Lists your jobs, newest first."
    )
    jobs.add_argument(
        "--status", choices=["queued", "processing", "ready", "failed", "cancelled"], help="only jobs with this status"
    )
    jobs.add_argument("--limit", type=_positive, default=20, metavar="N", help="at most this many (default: 20)")
    _add_json(jobs, "one job per line")

    check = _add_command(
        subparsers,
        "check",
        commands.check,
        help="look whether a file is there",
        description="Looks whether a file is in the store. Exits 1 if not.",
    )
    check.add_argument("file_id", type=int, metavar="ID")

    limits = _add_command(
        subparsers,
        "limits",
        commands.limits,
        help="show the service's limits",
        description="Prints the limits that the service enforces.",
    )
    _add_json(limits, "on one line")


def _add_command(
    subparsers: Subparsers, name: str, command: commands.Command, *, help: str, description: str
) -> argparse.ArgumentParser:
    parser = subparsers.add_parser(name, help=help, description=description)
    parser.set_defaults(command=command)
    return parser


def _add_job(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("job_id", metavar="JOB")


def _add_json(parser: argparse.ArgumentParser, form: str) -> None:
    parser.add_argument("--json", action="store_true", help=f"print the JSON of the service, {form}")


def _add_key(holder: argparse._ActionsContainer, what: str) -> None:
    holder.add_argument(
        "--idempotency-key", type=_key, metavar="KEY", help=f"your own name for {what} (default: a new one)"
    )


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("write a header as 'NAME: VALUE'")
    if name.strip().lower() == "authorization":
        raise argparse.ArgumentTypeError(f"others can read it in the list of processes; {TOKEN_HINT}")
    try:
        [header] = checked_headers({name.strip(): value.strip()}).items()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return header


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
