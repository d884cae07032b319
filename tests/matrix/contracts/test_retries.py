"""tests/contracts/test_retries.py, on LocalStack."""

from tests.contracts.test_retries import *  # noqa: F403
