"""The `lorry` command: reads the arguments, calls the command, and turns errors into words and exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from lorry.command.access import TOKEN_HINT, connect
from lorry.command.arguments import build_parser
from lorry.command.exit_codes import ExitCode
from lorry.command.usage import WrongUsage
from lorry.errors import (
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TokenUnavailable,
    UnexpectedAnswer,
)


def main(words: Sequence[str] | None = None) -> int:
    """Runs the command with these words (the command line's own by default) and returns its exit code."""
    arguments = build_parser().parse_args(words)
    try:
        with connect(arguments) as lorry:
            code: ExitCode = arguments.command(lorry, arguments)
            sys.stdout.flush()
            return code
    except (LorryError, WrongUsage, OSError) as error:
        return _explain(error)
    except KeyboardInterrupt:
        print("\nlorry: interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED


def run() -> None:
    """The entry point: leaves the process with the exit code of `main`."""
    sys.exit(main())


def _explain(error: Exception) -> ExitCode:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    print(f"lorry: {error}", file=sys.stderr)
    if isinstance(error, LorryProblem) and error.status == 401:
        print(f"lorry: {TOKEN_HINT}", file=sys.stderr)
    return _exit_code_of(error)


def _exit_code_of(error: Exception) -> ExitCode:
    out_of_order = isinstance(error, LorryProblem) and (error.status >= 500 or error.retryable)
    if out_of_order or isinstance(error, LorryUnreachable | UnexpectedAnswer):
        return ExitCode.UNREACHABLE
    if isinstance(error, LorryProblem | NoArchive | ServiceAddressUnknown | TokenUnavailable | WrongUsage):
        return ExitCode.USAGE
    return ExitCode.FILES_LOST
