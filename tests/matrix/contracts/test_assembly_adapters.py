"""tests/contracts/test_assembly_adapters.py, on LocalStack."""

from tests.contracts.test_assembly_adapters import *  # noqa: F403
