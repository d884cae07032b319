"""Options that commands share: which service they use and how, and the types of arguments."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from lorry.access import Token, checked_headers, read_token
from lorry.client import Lorry
from lorry.command.usage import TOKEN_HINT, TOKEN_VARIABLE, WrongUsage
from lorry.config import Config, Profile
from lorry.operations import checked_key
from lorry.retries import RetryPolicy

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

QUICK = RetryPolicy(deadline=10.0)
"""Answers a person soon; commands that wait for a job are patient."""


def add_service_options(parser: argparse.ArgumentParser, *, top: bool) -> None:
    """Adds the options that work before the command (`top`) and after it.

    Those after the command have no defaults, so that they do not hide the ones before.
    """
    group = parser.add_argument_group("options of every command", argument_default=None if top else argparse.SUPPRESS)
    group.add_argument("--api", metavar="URL", help="base URL of the service (its ApiUrl)")
    group.add_argument(
        "--profile", metavar="NAME", help="settings to use, from `lorry config` (default: LORRY_PROFILE)"
    )
    group.add_argument(
        "--token-file", type=Path, metavar="PATH", help=f"file with a bearer token (default: {TOKEN_VARIABLE})"
    )
    group.add_argument(
        "--header",
        dest="headers" if top else "more_headers",
        action="append",
        default=[] if top else argparse.SUPPRESS,
        type=header,
        metavar="'NAME: VALUE'",
        help="send this header with each request to the service; may be repeated",
    )
    group.add_argument("--retries", type=not_negative, metavar="N", help="retry failed requests N times (default: 3)")
    group.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=False if top else argparse.SUPPRESS,
        help="log each request to standard error",
    )


def connect(arguments: argparse.Namespace) -> Lorry:
    """The service that the options name. Sets `arguments.settings` to the profile.

    Raises ServiceAddressUnknown, ConfigInvalid, TokenUnavailable and WrongUsage.
    """
    profile = arguments.settings = Config.of_user(os.environ).profile(arguments.profile, environment=os.environ)
    headers = dict(arguments.headers)
    if len({name.lower() for name in headers}) < len(arguments.headers):
        raise WrongUsage("a header is given twice")
    retries = arguments.retries if arguments.retries is not None else profile.number("retries")
    policy = RetryPolicy() if getattr(arguments, "patient", False) else QUICK
    if retries is not None:
        policy = RetryPolicy(tries=retries + 1, deadline=max(policy.deadline, retries * policy.longest))
    token = _token_of(arguments, profile)
    return Lorry(arguments.api, profile=arguments.profile, retries=policy, token=token, headers=headers)


def _token_of(arguments: argparse.Namespace, profile: Profile) -> Token | None:
    """The token of the arguments or the environment; None leaves it to the profile."""
    if arguments.token_file is not None:
        return lambda: read_token(arguments.token_file)
    if profile.explicit and profile.get("token-file"):
        return None
    return os.environ.get(TOKEN_VARIABLE, "").strip() or None


def commands_of(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parsers of all commands below `parser`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in action.choices.values():
                yield command
                yield from commands_of(command)


def add_command(
    subparsers: Subparsers, name: str, *, help: str, description: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Adds a command. Its help shows `description` and `epilog` as they are written."""
    return subparsers.add_parser(
        name,
        help=help,
        description=description,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_json(parser: argparse.ArgumentParser, form: str = "one object") -> None:
    """Adds --json, which prints JSON in this `form`."""
    parser.add_argument("--json", action="store_true", help=f"print JSON: {form}")


def add_idempotency_key(holder: argparse._ActionsContainer, what: str) -> None:
    """Adds --idempotency-key, a name for `what`."""
    holder.add_argument(
        "--idempotency-key", type=_key, metavar="KEY", help=f"your own name for {what} (default: a new one)"
    )


def positive(text: str) -> int:
    """An argument that is 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def not_negative(text: str) -> int:
    """An argument that is 0 or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return number


def header(text: str) -> tuple[str, str]:
    """A header as name and value. No message contains the value."""
    name, colon, value = text.partition(":")
    if not colon:
        raise argparse.ArgumentTypeError("write a header as 'NAME: VALUE'")
    if name.strip().lower() == "authorization":
        raise argparse.ArgumentTypeError(f"others can read it in the list of processes; {TOKEN_HINT}")
    try:
        [checked] = checked_headers({name.strip(): value.strip()}).items()
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return checked


def _key(text: str) -> str:
    try:
        return checked_key(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
