"""tests/contracts/test_call_counter.py, on LocalStack."""

from tests.contracts.test_call_counter import *  # noqa: F403
