"""tests/contracts/test_job_trail.py, on LocalStack."""

from tests.contracts.test_job_trail import *  # noqa: F403
