"""Runs the `lorry` command: reads the arguments, calls the command, and turns errors into messages and exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from lorry.access import Token
from lorry.client import Lorry
from lorry.command.arguments import build_parser
from lorry.command.usage import TOKEN_HINT, TOKEN_VARIABLE, ExitCode, WrongUsage
from lorry.errors import (
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TokenUnavailable,
    UnexpectedAnswer,
)

ADDRESS_HINT = "name the service with --api URL or LORRY_API_URL, or run where .lorry/outputs.json is"


def main(words: Sequence[str] | None = None, *, stdin: TextIO | None = None) -> int:
    """Runs the command with `words` (the process's arguments by default) and returns its exit code."""
    arguments = build_parser().parse_args(words, argparse.Namespace(stdin=stdin or sys.stdin))
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
    """The entry point: exits with the code of `main`."""
    sys.exit(main())


def connect(arguments: argparse.Namespace) -> Lorry:
    """The service. Raises ServiceAddressUnknown, TokenUnavailable and WrongUsage."""
    headers = dict(arguments.headers)
    if len({name.lower() for name in headers}) < len(arguments.headers):
        raise WrongUsage("a header is given twice")
    return Lorry(arguments.api, token=_token_of(arguments), headers=headers)


def _token_of(arguments: argparse.Namespace) -> Token | None:
    path: Path | None = arguments.token_file
    if path is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip() or None
    return lambda: _read_token(path)


def _read_token(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise TokenUnavailable(f"cannot read the token file {path}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise TokenUnavailable(f"the token file {path} is not text") from None


def _explain(error: Exception) -> ExitCode:
    if isinstance(error, BrokenPipeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.OK
    print(f"lorry: {error}", file=sys.stderr)
    if isinstance(error, LorryProblem) and error.status == 401:
        print(f"lorry: {TOKEN_HINT}", file=sys.stderr)
    if isinstance(error, ServiceAddressUnknown):
        print(f"lorry: {ADDRESS_HINT}", file=sys.stderr)
    return _exit_code_of(error)


def _exit_code_of(error: Exception) -> ExitCode:
    out_of_order = isinstance(error, LorryProblem) and (error.status >= 500 or error.retryable)
    if out_of_order or isinstance(error, LorryUnreachable | UnexpectedAnswer):
        return ExitCode.UNREACHABLE
    if isinstance(error, LorryProblem | NoArchive | ServiceAddressUnknown | TokenUnavailable | WrongUsage):
        return ExitCode.USAGE
    return ExitCode.FILES_LOST
