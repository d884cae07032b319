"""Which service the command talks to, and how it proves who is calling.

A token is read from a file or the environment, never from the arguments, which every user of the machine can list.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from lorry.client import Lorry
from lorry.command.usage import WrongUsage
from lorry.credentials import Token, checked_headers
from lorry.errors import TokenUnavailable

TOKEN_VARIABLE = "LORRY_TOKEN"
TOKEN_HINT = f"give a token with --token-file PATH or in {TOKEN_VARIABLE}"


def add_access_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments that `connect` and `called_as` read."""
    parser.add_argument(
        "--token-file", type=Path, metavar="PATH", help=f"file that holds a bearer token (default: {TOKEN_VARIABLE})"
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


def connect(arguments: argparse.Namespace) -> Lorry:
    """The service. Raises ServiceAddressUnknown, TokenUnavailable and WrongUsage."""
    headers = dict(arguments.headers)
    if len({name.lower() for name in headers}) < len(arguments.headers):
        raise WrongUsage("a header is given twice")
    return Lorry(arguments.api, token=_token_of(arguments), headers=headers)


def called_as(arguments: argparse.Namespace) -> list[str]:
    """How the command was called, up to its name, for another one to be proposed; with no value of a header."""
    words = ["lorry"]
    words += ["--api", arguments.api] if arguments.api else []
    words += ["--token-file", str(arguments.token_file)] if arguments.token_file else []
    for name, _ in arguments.headers:
        words += ["--header", f"{name}: ..."]
    return words


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


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("write a header as 'NAME: VALUE'")
    if name.strip().lower() == "authorization":
        raise argparse.ArgumentTypeError(f"others could read it in the list of processes; {TOKEN_HINT}")
    try:
        [header] = checked_headers({name.strip(): value.strip()}).items()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return header
