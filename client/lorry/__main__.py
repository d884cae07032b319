"""`python -m lorry` is the `lorry` command."""

from lorry.command.main import run

run()
