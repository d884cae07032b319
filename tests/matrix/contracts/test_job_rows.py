"""tests/contracts/test_job_rows.py, on LocalStack."""

from tests.contracts.test_job_rows import *  # noqa: F403
