"""tests/contracts/test_health.py, on LocalStack."""

from tests.contracts.test_health import *  # noqa: F403
