"""tests/contracts/test_work_queue.py, on LocalStack."""

from tests.contracts.test_work_queue import *  # noqa: F403
