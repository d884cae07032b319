"""tests/contracts/test_calls.py, on LocalStack."""

from tests.contracts.test_calls import *  # noqa: F403
