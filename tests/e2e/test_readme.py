"""Every command of the README, in order, as a stranger would type them: in a copy of the repository, in one shell."""

from __future__ import annotations

from pathlib import Path

from tests.e2e import pages
from tests.integration.stack import free_port

README = pages.ROOT / "README.md"
JOB_IN_README = "2611ad48-170a-4274-822c-fae8ab609d5a"

# What a reader does by looking: take the job id from the first answer, and wait for the job to be ready.
INITIATE = "v1/download/initiate"
WAIT = """
JOB=$(echo "$ANSWER" | sed 's/.*"jobId":"\\([^"]*\\)".*/\\1/')
for _ in $(seq 120); do curl -fsS "$API/v1/download/status/$JOB" | grep -q '"status":"ready"' && break; sleep 0.5; done
"""


def script() -> str:
    lines = ["set -euo pipefail"]
    for command in pages.commands(README):
        line = command.replace(JOB_IN_README, "$JOB").replace("curl ", "curl -fsS ")
        lines.append(f'ANSWER=$({line}); echo "$ANSWER"\n{WAIT}' if INITIATE in line else line)
    return "\n".join(lines)


def test_every_command_of_the_readme_works(tmp_path: Path) -> None:
    checkout = pages.checkout(tmp_path)
    printed = pages.run(script(), checkout, free_port())
    assert "opened and tested" in printed
    assert (checkout / "photos.zip").stat().st_size > 0
    assert len(list((checkout / "out").glob("*.zip"))) == 4


def test_the_readme_shows_commands() -> None:
    assert "make demo" in pages.commands(README)
    assert len(pages.commands(README)) >= 8
