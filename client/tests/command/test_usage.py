"""Exit codes, as the help and the README list them."""

from __future__ import annotations

import re

from support.running import CLIENT, Command


def test_help_and_readme_list_the_same_exit_codes(command: Command) -> None:
    readme = (CLIENT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^  (\d+)  ", command("get", "--help").stdout, re.MULTILINE)
    assert listed == ["0", "1", "2", "3", "4", "130"]
    assert re.findall(r"^\| (\d+) \|", readme, re.MULTILINE) == listed
