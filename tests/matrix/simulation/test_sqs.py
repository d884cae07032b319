"""tests/contracts/simulation/test_sqs.py, against MiniStack."""

from __future__ import annotations

import pytest

from tests.contracts.simulation.comparing import Reference
from tests.contracts.simulation.test_sqs import seen_elsewhere, test_the_same_is_seen  # noqa: F401
from tests.matrix.simulation.conftest import client_of

MINISTACK = {
    "entries_of_a_batch_fail_by_themselves": "takes any delay",
    "messages_are_refused": "takes any delay",
    "timeouts_over_twelve_hours_are_refused": "takes any timeout",
    "a_message_is_deleted_twice": "knows no handle of what is gone",
    "what_is_not_in_flight_cannot_be_hidden": "hides what is visible",
}


@pytest.fixture(scope="module")
def reference(ministack: str) -> Reference:
    return Reference(client_of("sqs", ministack), MINISTACK)
