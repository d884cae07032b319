"""tests/contracts/test_secrets_and_sessions.py, on LocalStack."""

from tests.contracts.test_secrets_and_sessions import *  # noqa: F403
