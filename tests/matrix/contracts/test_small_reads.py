"""tests/contracts/test_small_reads.py, on LocalStack."""

from tests.contracts.test_small_reads import *  # noqa: F403
