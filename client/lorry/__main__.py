"""`python -m lorry` runs the `lorry` command."""

from lorry.command.main import run

run()
