"""Whether the store, the table and the queue answer, told within its time whatever they do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any

import boto3
import pytest

from chalicelib.aws.clients import Clients
from chalicelib.aws.health import PROBES, HealthProbe
from chalicelib.limits import HEALTH_TIMEOUT_SECONDS
from chalicelib.settings import Settings
from tests.support.aws import emulated_aws
from tests.support.servers import refusing, silent
from tests.support.services import ENVIRONMENT
from tests.support.tables import create_table


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """Of a deployment in which everything answers."""
    with emulated_aws():
        boto3.client("s3").create_bucket(Bucket="files")
        create_table(boto3.client("dynamodb"), "jobs")
        url = boto3.client("sqs").create_queue(QueueName="check")["QueueUrl"]
        yield {**ENVIRONMENT, "CHECK_QUEUE_URL": url}


def checked(environment: dict[str, str]) -> dict[str, str]:
    return probe_of(environment, clock=patient()).check()


def patient() -> Callable[[], float]:
    """A clock that goes back half a minute each time, so that a slow machine has the time that it takes."""
    return count(0.0, -30.0).__next__


def probe_of(environment: dict[str, str], clock: Callable[[], float] = time.monotonic) -> HealthProbe:
    settings = Settings.from_environment(environment)
    return HealthProbe(Clients(settings), settings, executor=ThreadPoolExecutor(PROBES), clock=clock)


def test_everything_that_answers_is_ok(environment: dict[str, str]) -> None:
    assert checked(environment) == {"storage": "ok", "table": "ok", "queue": "ok"}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({"SOURCE_BUCKET": "gone"}, "storage"),
        ({"TABLE_NAME": "gone"}, "table"),
        ({"CHECK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/gone"}, "queue"),
    ],
)
def test_what_does_not_answer_is_named(environment: dict[str, str], change: dict[str, str], failed: str) -> None:
    verdicts = checked({**environment, **change})
    assert [name for name, verdict in verdicts.items() if verdict != "ok"] == [failed]
    assert verdicts[failed] == "error"


def test_a_verdict_serves_the_callers_of_two_seconds(environment: dict[str, str]) -> None:
    settings = Settings.from_environment(environment)
    times, clients = [0.0], Clients(settings)
    assert clients.probes and clients.source_probe  # made beforehand, since that takes a while
    probe = HealthProbe(clients, settings, executor=ThreadPoolExecutor(PROBES), clock=lambda: max(times))
    assert probe.check()["storage"] == "ok"
    boto3.client("s3").delete_bucket(Bucket="files")
    assert probe.check()["storage"] == "ok"
    times.append(2.0)
    assert probe.check()["storage"] == "error"


@pytest.mark.parametrize("broken", [refusing, silent])
def test_a_verdict_comes_in_time_even_if_nothing_answers(monkeypatch: pytest.MonkeyPatch, broken: Any) -> None:
    with broken() as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", address)
        probe = probe_of({**ENVIRONMENT, "S3_ENDPOINT": address})
        started = time.monotonic()
        assert probe.check() == {"storage": "error", "table": "error", "queue": "error"}
        assert time.monotonic() - started < 10 * HEALTH_TIMEOUT_SECONDS  # the SDK alone would wait for minutes
