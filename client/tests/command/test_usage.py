"""Exit codes, as the help and the README list them."""

from __future__ import annotations

import re

from support.running import CLIENT, Command

from lorry.command.usage import ExitCode


def test_help_and_readme_list_the_same_exit_codes(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^  (\d+)  ", command("get", "--help").stdout, re.MULTILINE)
    assert listed == [str(code.value) for code in ExitCode]
    assert re.findall(r"^\| (\d+) \|", readme, re.MULTILINE) == listed
