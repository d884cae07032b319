"""tests/contracts/test_source_store.py, on LocalStack."""

from tests.contracts.test_source_store import *  # noqa: F403
