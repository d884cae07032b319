"""tests/contracts/test_job_dispatching.py, on LocalStack."""

from tests.contracts.test_job_dispatching import *  # noqa: F403
