"""tests/contracts/test_subscriptions.py, on LocalStack."""

from tests.contracts.test_subscriptions import *  # noqa: F403
