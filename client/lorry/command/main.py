"""Runs the `lorry` command: reads the arguments, calls the command, and turns errors into messages and exit codes."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType
from typing import TextIO

from lorry.command.archive import add_archive_commands
from lorry.command.get import add_get
from lorry.command.jobs import add_job_commands
from lorry.command.options import add_service_options, commands_of, connect
from lorry.command.service import add_service_commands
from lorry.command.usage import (
    EXIT_CODES,
    TOKEN_HINT,
    TOKEN_VARIABLE,
    ExitCode,
    Terminated,
    WrongUsage,
    complain,
)
from lorry.config import Profile
from lorry.errors import (
    ConfigInvalid,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TargetUnusable,
    TokenUnavailable,
    UnexpectedAnswer,
)
from lorry.version import VERSION

DESCRIPTION = "Downloads many files at once through Lorry, the bulk-download service."

ADDRESS = """The service is the one of --api, else of the variable LORRY_API_URL, else of your profile (`lorry config`),
else the ApiUrl of outputs.json in $LORRY_HOME or, if that is not set, in .lorry of the current folder. A profile that
you name with --profile comes before LORRY_API_URL.

If the service requires authentication, the token is read from the file of --token-file (and read again when the
service refuses it), else from the variable LORRY_TOKEN, else from the token-file of your profile.
"""

ADDRESS_HINT = (
    "name the service with --api URL, LORRY_API_URL or `lorry config api URL`, or run where .lorry/outputs.json is"
)
EXPIRED_HINT = "the token was refused: it may have expired, or be for another service"


def main(words: Sequence[str] | None = None, *, stdin: TextIO | None = None) -> int:
    """Runs the command with `words` (the process's arguments by default) and returns its exit code."""
    parser = build_parser()
    arguments = parser.parse_args(
        words, argparse.Namespace(stdin=stdin or sys.stdin, parser=parser, settings=Profile())
    )
    arguments.headers = [*arguments.headers, *getattr(arguments, "more_headers", [])]
    _set_up_logging(verbose=arguments.verbose)
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except (LorryError, WrongUsage, OSError) as error:
        return _explain(error, arguments)
    except Terminated:
        complain("lorry: terminated")
        return ExitCode.TERMINATED
    except KeyboardInterrupt:
        complain("\nlorry: interrupted")
        return ExitCode.INTERRUPTED


def run() -> None:
    """The entry point: exits with the code of `main`."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.exit(main())


def build_parser() -> argparse.ArgumentParser:
    """Builds the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="lorry",
        description=DESCRIPTION,
        epilog=ADDRESS + "\n" + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_service_options(parser, top=True)
    parser.add_argument("--version", action="version", version=f"lorry {VERSION}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_get(subparsers)
    add_job_commands(subparsers)
    add_archive_commands(subparsers)
    add_service_commands(subparsers)
    for command in commands_of(parser):
        add_service_options(command, top=False)
    return parser


def _run(arguments: argparse.Namespace) -> int:
    code: ExitCode
    if hasattr(arguments, "local_command"):
        code = arguments.local_command(arguments)
        return code
    with connect(arguments) as lorry:
        code = arguments.command(lorry, arguments)
    return code


class _Complaints(logging.Handler):
    """Prints what is logged to standard error, above a progress bar if there is one."""

    def emit(self, record: logging.LogRecord) -> None:
        complain(f"lorry: {record.getMessage()}")


def _set_up_logging(*, verbose: bool) -> None:
    log = logging.getLogger("lorry")
    log.handlers = [_Complaints()]
    log.setLevel(logging.DEBUG if verbose else logging.WARNING)


def _terminate(signum: int, frame: FrameType | None) -> None:
    raise Terminated


def _explain(error: Exception, arguments: argparse.Namespace) -> ExitCode:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    complain(f"lorry: {error}")
    hint = _hint(error, arguments)
    if hint:
        complain(f"lorry: {hint}")
    return _exit_code_of(error)


def _hint(error: Exception, arguments: argparse.Namespace) -> str | None:
    if isinstance(error, LorryProblem) and error.status == 401:
        has_token = arguments.token_file or os.environ.get(TOKEN_VARIABLE) or arguments.settings.get("token-file")
        return EXPIRED_HINT if has_token else TOKEN_HINT
    return ADDRESS_HINT if isinstance(error, ServiceAddressUnknown) else None


def _exit_code_of(error: Exception) -> ExitCode:
    out_of_order = isinstance(error, LorryProblem) and (error.status >= 500 or error.retryable)
    if out_of_order or isinstance(error, LorryUnreachable | UnexpectedAnswer):
        return ExitCode.UNREACHABLE
    refused = LorryProblem | NoArchive | ServiceAddressUnknown | ConfigInvalid | TokenUnavailable | WrongUsage
    if isinstance(error, refused):
        return ExitCode.USAGE
    if isinstance(error, TargetUnusable):
        return ExitCode.TARGET
    return ExitCode.FILES_LOST
