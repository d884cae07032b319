"""No client waits so long that its function is ended before it can say so."""

from __future__ import annotations

from typing import Any

import pytest

from chalicelib.assembly.builder import RESERVE_SECONDS
from chalicelib.aws.clients import Clients
from chalicelib.handlers import queues
from chalicelib.settings import Settings
from tests.infra.conftest import Template
from tests.support.services import ENVIRONMENT

# What a function asks last but one: the service whose answer its work needs.
SLOWEST = {"APIHandler": "store", "Dispatch": "queue", "Check": "store", "DeadLetters": "queue", "Notify": "queue"}


@pytest.fixture
def clients() -> Clients:
    keys = {"S3_REGION": "us-east-1", "S3_ACCESS_KEY_ID": "a", "S3_SECRET_ACCESS_KEY": "b"}
    return Clients(Settings.from_environment({**ENVIRONMENT, **keys, "TABLE_NAME": "jobs"}))


def longest(client: Any) -> float:
    """Seconds until a call fails that nothing answers: all attempts, and the longest pauses between them."""
    config = client.meta.config
    attempts = config.retries["total_max_attempts"]
    pauses = sum(2.0**attempt for attempt in range(attempts - 1))
    return float(attempts * (config.connect_timeout + config.read_timeout) + pauses)


def to_report(clients: Clients) -> float:
    """Seconds to note in the table that a run failed, and to let its message come back, if neither answers."""
    return longest(clients.table) + longest(clients.visibility)


@pytest.mark.parametrize("function", SLOWEST)
def test_a_function_outlives_a_service_that_does_not_answer(
    resources: dict[str, Template], clients: Clients, function: str
) -> None:
    waits = longest(getattr(clients, SLOWEST[function])) + to_report(clients)
    assert waits < resources[function]["Properties"]["Timeout"]


def test_a_chunk_begins_nothing_that_its_function_could_not_report(
    resources: dict[str, Template], clients: Clients
) -> None:
    assert longest(clients.archive_store) + to_report(clients) < RESERVE_SECONDS
    assert resources["Assemble"]["Properties"]["Timeout"] / 1.5 > RESERVE_SECONDS


def test_the_sweeper_begins_no_job_that_it_could_not_finish(clients: Clients) -> None:
    assert longest(clients.table) + longest(clients.queue) < queues.RESERVE_MS / 1000
