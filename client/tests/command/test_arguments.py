"""The options of the command, and that the README describes each."""

from __future__ import annotations

import re

from support.running import CLIENT, Command


def test_every_command_and_option_is_in_the_readme(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    for name in ("get", "status", "watch", "events", "cancel", "retry", "jobs", "check", "limits"):
        shown = command(name, "--help").stdout
        options = set(re.findall(r"--[a-z-]+", shown)) - {"--help"}
        assert f"`lorry {name}" in readme
        assert not [option for option in options if option not in readme]
