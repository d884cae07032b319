"""The functions behind the WebSocket API, called as API Gateway calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from chalicelib.handlers import websocket
from tests.events import Event, recorded
from tests.support.delivering import BASE, ONE, delivering
from tests.support.events import CONTEXT
from tests.support.logs import logged

CONNECTION = "Fconnection="
ALICE = {"Authorization": "Bearer token-of-alice"}


@pytest.fixture
def services() -> Iterator[Any]:
    with delivering() as services:
        yield services


def connecting(headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Event:
    event = recorded("websocket_connect")
    return {**event, "headers": {**event["headers"], **(headers or {})}, "queryStringParameters": query}


def saying(body: str | None) -> Event:
    return {**recorded("websocket_message"), "body": body}


SUBSCRIBE = json.dumps({"action": "subscribe", "jobId": ONE})


def test_a_client_connects_subscribes_and_leaves(services: Any) -> None:
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 200}
    assert websocket.message(saying(SUBSCRIBE), CONTEXT) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["data"]["links"]["status"] == f"{BASE}/v1/download/status/{ONE}"
    assert websocket.disconnect(recorded("websocket_disconnect"), CONTEXT) == {"statusCode": 200}
    assert services.subscription_table.connections == {}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}])
def test_a_client_without_valid_credentials_is_refused(services: Any, headers: dict[str, str]) -> None:
    assert websocket.connect(connecting(headers), CONTEXT) == {"statusCode": 401}
    assert services.subscription_table.connections == {}


def test_a_client_over_the_rate_limit_is_not_served() -> None:
    """Messages count for their connection, attempts to connect for their address."""
    with delivering(RATE_LIMIT_MAX_REQUESTS="1"):
        assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 200}
        assert websocket.message(saying('{"action": "ping"}'), CONTEXT) == {"statusCode": 200}
        assert websocket.message(saying('{"action": "ping"}'), CONTEXT) == {"statusCode": 429}
        assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 429}


def test_a_client_may_connect_with_a_ticket_only(services: Any) -> None:
    ticket = services.tickets.issue(ONE)
    assert websocket.connect(connecting(query={"ticket": ticket}), CONTEXT) == {"statusCode": 200}
    websocket.message(saying(SUBSCRIBE), CONTEXT)
    assert services.push.last(CONNECTION)["event"] == "progress"


def test_tickets_and_bodies_are_in_no_log(services: Any) -> None:
    with logged() as lines:
        websocket.connect(connecting(query={"ticket": "hidden-in-url"}), CONTEXT)
        websocket.connect(connecting(ALICE, query={"ticket": "hidden-in-url"}), CONTEXT)
        subscribe = json.dumps({"action": "subscribe", "jobId": ONE, "ticket": "hidden-in-body"})
        websocket.message(saying(subscribe), CONTEXT)
        websocket.message(saying('{"ticket": "hidden-in-nonsense"'), CONTEXT)
    assert lines.getvalue().count('"message":"websocket"') == 4
    assert "hidden" not in lines.getvalue()


def test_an_empty_message_is_answered(services: Any) -> None:
    assert websocket.message(saying(None), CONTEXT) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["error"] == "invalid_request"


def test_in_an_outage_no_client_connects_and_leaving_is_reported_as_failed(services: Any) -> None:
    services.subscription_table.down = True
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 503}
    assert websocket.disconnect(recorded("websocket_disconnect"), CONTEXT) == {"statusCode": 503}


def test_a_bug_is_answered_without_details(services: Any) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    websocket.connect(connecting(ALICE), CONTEXT)
    services.push.sends = broken
    assert websocket.message(saying(SUBSCRIBE), CONTEXT) == {"statusCode": 500}
