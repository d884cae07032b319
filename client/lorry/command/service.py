"""The commands about the service and this client: check, ls, limits, config and completion."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator

from lorry.client import Lorry
from lorry.command.options import Subparsers, add_command, add_json, commands_of
from lorry.command.usage import ExitCode, WrongUsage
from lorry.command.wording import describe_limits, human_bytes
from lorry.config import DEFAULT, SETTINGS, Config
from lorry.names import printable

CONFIG = """Shows and changes your settings, which are kept in profiles: the address of a service, the file with your
token, and defaults of options. --profile NAME or LORRY_PROFILE chooses a profile, else it is `default`.

settings:
""" + "".join(f"  {name:<11} {meaning}\n" for name, meaning in SETTINGS.items())

CONFIG_EXAMPLES = """examples:
  lorry config                                        show all profiles
  lorry config api https://example.org/lorry          set the address of the default profile
  lorry config --profile test api http://localhost:4566/lorry
  lorry config --unset token-file                     remove a setting
"""

COMPLETION = """Prints a script that lets a shell complete commands and options of lorry.

  bash  lorry completion bash > ~/.local/share/bash-completion/completions/lorry
  zsh   lorry completion zsh > ~/.zfunc/_lorry       (with ~/.zfunc in fpath, before compinit)
  fish  lorry completion fish > ~/.config/fish/completions/lorry.fish
"""

FILE_ARGUMENTS = frozenset({"token_file", "source", "keys_source", "zip", "file"})
FOLDER_ARGUMENTS = frozenset({"output"})


def add_service_commands(subparsers: Subparsers) -> None:
    """Adds the commands of this module."""
    check = add_command(
        subparsers,
        "check",
        help="look whether a file is there",
        description="Looks whether a file is in the store. Exits 1 if not.",
    )
    check.add_argument("file_id", type=int, metavar="ID")
    add_json(check)
    check.set_defaults(command=_check)

    ls = add_command(
        subparsers,
        "ls",
        help="list what can be downloaded",
        description="Lists the objects and folders below a prefix; without one, everything that requests may name.",
    )
    ls.add_argument("prefix", nargs="?", metavar="PREFIX", help="what keys begin with")
    ls.add_argument("-r", "--recursive", action="store_true", help="look into folders, too")
    add_json(ls, "one object per line")
    ls.set_defaults(command=_ls)

    limits = add_command(
        subparsers,
        "limits",
        help="show the service's limits",
        description="Prints the limits that the service enforces.",
    )
    add_json(limits)
    limits.set_defaults(command=_limits)

    config = add_command(
        subparsers, "config", help="show or change your settings", description=CONFIG, epilog=CONFIG_EXAMPLES
    )
    config.add_argument("setting", nargs="?", choices=list(SETTINGS), metavar="SETTING", help="the setting to show")
    config.add_argument("value", nargs="?", metavar="VALUE", help="its new value")
    config.add_argument("--unset", choices=list(SETTINGS), metavar="SETTING", help="remove this setting")
    add_json(config)
    config.set_defaults(local_command=_config)

    completion = add_command(
        subparsers, "completion", help="print a completion script for a shell", description=COMPLETION
    )
    completion.add_argument("shell", choices=["bash", "zsh", "fish"], metavar="SHELL", help="bash, zsh or fish")
    completion.set_defaults(local_command=_completion)


def _check(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    found = lorry.check(arguments.file_id)
    if arguments.json:
        print(json.dumps(found.answer))
    elif found.available:
        print(f"{found.file_id} is available: {printable(found.key or '')}, {human_bytes(found.size)}")
    else:
        print(f"{found.file_id} is missing")
    return ExitCode.OK if found.available else ExitCode.FILES_LOST


def _ls(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    for found in lorry.objects(arguments.prefix, recursive=arguments.recursive):
        if arguments.json:
            print(
                json.dumps({"key": found.key, "folder": found.folder, "size": found.size, "archived": found.archived})
            )
        else:
            size = "" if found.folder else human_bytes(found.size)
            print(f"{size:>10}  {printable(found.key)}{'  archived' if found.archived else ''}")
    return ExitCode.OK


def _limits(lorry: Lorry, arguments: argparse.Namespace) -> ExitCode:
    found = lorry.limits()
    print(json.dumps(found.answer) if arguments.json else "\n".join(describe_limits(found)))
    return ExitCode.OK


def _config(arguments: argparse.Namespace) -> ExitCode:
    config = Config.of_user(os.environ)
    profile = arguments.profile or os.environ.get("LORRY_PROFILE") or DEFAULT
    if arguments.unset and arguments.setting:
        raise WrongUsage("--unset removes a setting: name no other")
    if arguments.unset or arguments.value is not None:
        config.set(profile, arguments.unset or arguments.setting, value=arguments.value)
        config.save()
        return ExitCode.OK
    settings = {name: dict(config.profile(name, environment={}).settings) for name in config.profiles}
    if arguments.setting:
        value = settings.get(profile, {}).get(arguments.setting)
        if value is not None:
            print(value)
        return ExitCode.OK if value is not None else ExitCode.FILES_LOST
    for line in [json.dumps(settings)] if arguments.json else _describe(settings):
        print(line)
    return ExitCode.OK


def _describe(settings: dict[str, dict[str, str]]) -> Iterator[str]:
    for profile, values in settings.items():
        yield f"[{profile}]"
        yield from (f"{name:<11} {value}" for name, value in values.items())


def _completion(arguments: argparse.Namespace) -> ExitCode:
    import shtab  # only here, because importing it takes as long as the rest of the command

    parser = arguments.parser
    for action in (action for part in (parser, *commands_of(parser)) for action in part._actions):
        if action.dest in FILE_ARGUMENTS:
            action.complete = shtab.FILE
        elif action.dest in FOLDER_ARGUMENTS:
            action.complete = shtab.DIRECTORY
    print(shtab.complete(parser, shell=arguments.shell))
    return ExitCode.OK
