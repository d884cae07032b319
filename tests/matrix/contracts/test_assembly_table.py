"""tests/contracts/test_assembly_table.py, on LocalStack."""

from tests.contracts.test_assembly_table import *  # noqa: F403
