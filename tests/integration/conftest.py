"""One embedded stack for all integration tests that do not need one of their own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.stack import RunningStack, running_stack

# Short pauses, so that a retry is seen within a test; as deployed otherwise.
QUICK = {"RetryBaseSeconds": "0.2", "RetryCapSeconds": "2", "SweepAfterSeconds": "5"}


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """Shared: a test leaves no worker stopped, no store cut off and no parameter changed."""
    with running_stack(tmp_path_factory.mktemp("stack"), parameters=QUICK) as running:
        yield running
