"""What the command promises to those who run it: exit codes, refusals of wrong usage, commands to run next."""

from __future__ import annotations

import argparse
import enum
import shlex
import sys

from lorry.names import printable

SHOWN = 20
"""How many files or problems are named before the rest is only counted."""

TOKEN_VARIABLE = "LORRY_TOKEN"  # noqa: S105  # the name of a variable
TOKEN_HINT = f"give a token with --token-file PATH or in {TOKEN_VARIABLE}"


class ExitCode(enum.IntEnum):
    """The exit code of a command; part of the public contract (README.md lists it too)."""

    OK = 0
    FILES_LOST = 1
    USAGE = 2
    JOB_FAILED = 3
    UNREACHABLE = 4
    TARGET = 5
    INTERRUPTED = 130
    TERMINATED = 143


EXIT_CODES = """exit codes:
  0    success: every file is in the folder, or in the archive
  1    some files are missing, broken or could not be downloaded; the first ones are named
  2    wrong usage, or the service refused the request (unknown job, bad ids, ...)
  3    the job failed or was cancelled
  4    the service could not be reached, has failed, or is not Lorry
  5    the target cannot be written to: missing, read-only or full
  130  interrupted (Ctrl-C); the command to continue is printed
  143  terminated (SIGTERM); the command to continue is printed
"""


class WrongUsage(ValueError):
    """The arguments contradict each other or cannot be read; the message says which and why."""


class Terminated(KeyboardInterrupt):
    """SIGTERM arrived."""


def command_line(arguments: argparse.Namespace, *words: str) -> str:
    """A `lorry` command for the same service as this one, quoted for a shell; without values of headers."""
    options = ["--profile", arguments.profile] if arguments.profile else []
    options += ["--api", arguments.api] if arguments.api else []
    options += ["--token-file", str(arguments.token_file)] if arguments.token_file else []
    for name, _ in arguments.headers:
        options += ["--header", f"{name}: ..."]
    return shlex.join(["lorry", *options, *words])


def complain(line: str) -> None:
    """Prints lines to standard error, as a terminal may show them: some quote what the user or the service said."""
    print("\n".join(map(printable, line.split("\n"))), file=sys.stderr, flush=True)
