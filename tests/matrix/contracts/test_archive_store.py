"""tests/contracts/test_archive_store.py, on LocalStack."""

from tests.contracts.test_archive_store import *  # noqa: F403
