"""tests/contracts/test_job_table.py, on LocalStack."""

from tests.contracts.test_job_table import *  # noqa: F403
