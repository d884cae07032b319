"""tests/contracts/test_visibility.py, on LocalStack."""

from tests.contracts.test_visibility import *  # noqa: F403
