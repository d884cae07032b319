"""Push on the management API of API Gateway."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from chalicelib.aws.websockets import WebsocketPush
from chalicelib.observability import metrics
from tests.support.servers import refusing, silent


def client_at(address: str) -> Any:
    config = Config(connect_timeout=0.3, read_timeout=0.3, retries={"total_max_attempts": 1})
    return boto3.client("apigatewaymanagementapi", endpoint_url=address, config=config)


@pytest.fixture(autouse=True)
def _no_metrics() -> None:
    metrics.clear_metrics()


def failures() -> int:
    """How many failures were counted."""
    return len(metrics.metric_set.get("PushesFailed", {}).get("Value", []))


@pytest.fixture
def stubbed() -> Iterator[tuple[WebsocketPush, Stubber]]:
    client = client_at("https://api.test/api")
    with Stubber(client) as stub:
        yield WebsocketPush(client), stub


def test_a_message_is_posted_to_its_connection(stubbed: tuple[WebsocketPush, Stubber]) -> None:
    push, stub = stubbed
    stub.add_response("post_to_connection", {}, {"ConnectionId": "a=", "Data": b"{}"})
    assert push.send("a=", b"{}")
    stub.assert_no_pending_responses()


def test_a_connection_that_is_gone_is_reported(stubbed: tuple[WebsocketPush, Stubber]) -> None:
    push, stub = stubbed
    stub.add_client_error("post_to_connection", "GoneException", http_status_code=410)
    assert not push.send("a", b"{}")
    assert failures() == 0  # clients leave all the time


@pytest.mark.parametrize(
    ("code", "status"), [("LimitExceededException", 429), ("ForbiddenException", 403), ("", 500), ("x", 413)]
)
def test_any_other_refusal_says_nothing_about_the_connection(
    stubbed: tuple[WebsocketPush, Stubber], code: str, status: int
) -> None:
    push, stub = stubbed
    stub.add_client_error("post_to_connection", code, http_status_code=status)
    assert push.send("a", b"{}")
    assert failures() == 1


@pytest.mark.parametrize("broken", [refusing, silent])
def test_a_gateway_that_does_not_answer_raises_nothing(broken: Any) -> None:
    with broken() as address:
        assert WebsocketPush(client_at(address)).send("a", b"{}")
    assert failures() == 1
