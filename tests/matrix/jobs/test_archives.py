"""tests/integration/test_archives.py, on stacks without Lambda."""

from tests.integration.test_archives import *  # noqa: F403
