"""Every command of the README, as a newcomer copies them: in a fresh copy of the repository, in one shell, in order."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.stack import free_port
from tests.support import pages

README = pages.ROOT / "README.md"
ADDRESS = "127.0.0.1:4566"
WHOLE, USE_IT = "", "Use it"

# A Python program that a newcomer saves in the folder above the clone, which is called lorry, like the package.
PROGRAM = """(cd .. && env -u PYTHONPATH lorry/.venv/bin/python - <<'EOF'
{program}EOF
)
"""


def script(section: str, port: int) -> str:
    lines = []
    for block in pages.blocks(README, section):
        if block.info == ("sh",):
            lines.append(block.body)
        elif block.info == ("python",):
            lines.append(PROGRAM.format(program=block.body))
    return "\n".join(lines).replace(ADDRESS, f"127.0.0.1:{port}")


@pytest.mark.parametrize(
    "section",
    [pytest.param(WHOLE, id="whole"), pytest.param(USE_IT, id="without the demo", marks=pytest.mark.slow)],
)
def test_every_command_of_the_readme_works(section: str, tmp_path: Path) -> None:
    checkout, port = pages.checkout(tmp_path), free_port()
    assert not (checkout / ".lorry").exists()
    printed = pages.run(script(section, port), checkout, port=port)
    assert ("opened and tested" in printed) == (section == WHOLE)
    assert '{"status":"healthy"' in printed
    assert all(name in printed for name in ("70000.zip", "70001.zip", "MANIFEST.json"))
    assert len(list((checkout / "out").glob("*.zip"))) == 4
    assert (checkout / "four.zip").stat().st_size > 0
    assert sorted(path.name for path in (tmp_path / "two").glob("*.zip")) == ["70000.zip", "70001.zip"]


def test_the_readme_begins_with_the_demo() -> None:
    first, second = pages.blocks(README)[:2]
    assert (first.info, first.commands) == (("sh",), ["make demo"])
    assert "equals what was uploaded" in second.body
