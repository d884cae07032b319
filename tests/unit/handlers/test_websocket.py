"""The functions behind the WebSocket API, called as API Gateway calls them."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from chalicelib import container
from chalicelib.handlers import websocket
from tests.events import Event, recorded
from tests.support.events import CONTEXT
from tests.support.logs import logged
from tests.unit.handlers.services import BASE, ONE, DeliveryServices

CONNECTION = "Fconnection="
ALICE = {"Authorization": "Bearer alice"}


@pytest.fixture
def services() -> Iterator[DeliveryServices]:
    made = DeliveryServices()
    container.use(made)  # type: ignore[arg-type]
    yield made
    container.use(None)


def connecting(headers: dict[str, str] | None = None, query: dict[str, str] | None = None) -> Event:
    event = recorded("websocket_connect")
    return {**event, "headers": {**event["headers"], **(headers or {})}, "queryStringParameters": query}


def saying(body: str | None) -> Event:
    return {**recorded("websocket_message"), "body": body}


SUBSCRIBE = json.dumps({"action": "subscribe", "jobId": ONE})


def test_a_client_connects_subscribes_and_leaves(services: DeliveryServices) -> None:
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 200}
    assert websocket.message(saying(SUBSCRIBE), CONTEXT) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["data"]["links"]["status"] == f"{BASE}/v1/download/status/{ONE}"
    assert websocket.disconnect(recorded("websocket_disconnect"), CONTEXT) == {"statusCode": 200}
    assert services.table.connections == {}


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer forged"}])
def test_a_client_without_valid_credentials_is_refused(services: DeliveryServices, headers: dict[str, str]) -> None:
    assert websocket.connect(connecting(headers), CONTEXT) == {"statusCode": 401}
    assert services.table.connections == {}


def test_a_client_over_the_rate_limit_is_not_served(services: DeliveryServices) -> None:
    services.allowed = 2
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 200}
    assert websocket.message(saying('{"action": "ping"}'), CONTEXT) == {"statusCode": 200}
    assert websocket.message(saying('{"action": "ping"}'), CONTEXT) == {"statusCode": 429}
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 429}
    assert services.counted[1:3] == [f"connection {CONNECTION}"] * 2
    assert services.counted[0] == services.counted[3] and services.counted[0].startswith("address ")


def test_a_client_may_connect_with_a_ticket_only(services: DeliveryServices) -> None:
    ticket = services.auth.tickets.issue(ONE)
    assert websocket.connect(connecting(query={"ticket": ticket}), CONTEXT) == {"statusCode": 200}
    websocket.message(saying(SUBSCRIBE), CONTEXT)
    assert services.push.last(CONNECTION)["event"] == "progress"


def test_tickets_and_bodies_are_in_no_log(services: DeliveryServices) -> None:
    with logged() as lines:
        websocket.connect(connecting(query={"ticket": "hidden-in-url"}), CONTEXT)
        websocket.connect(connecting(ALICE, query={"ticket": "hidden-in-url"}), CONTEXT)
        subscribe = json.dumps({"action": "subscribe", "jobId": ONE, "ticket": "hidden-in-body"})
        websocket.message(saying(subscribe), CONTEXT)
        websocket.message(saying('{"ticket": "hidden-in-nonsense"'), CONTEXT)
    assert lines.getvalue().count('"message":"websocket"') == 4
    assert "hidden" not in lines.getvalue()


def test_an_empty_message_is_answered(services: DeliveryServices) -> None:
    assert websocket.message(saying(None), CONTEXT) == {"statusCode": 200}
    assert services.push.last(CONNECTION)["error"] == "invalid_request"


def test_in_an_outage_no_client_connects_and_leaving_is_reported_as_failed(services: DeliveryServices) -> None:
    services.table.down = True
    assert websocket.connect(connecting(ALICE), CONTEXT) == {"statusCode": 503}
    assert websocket.disconnect(recorded("websocket_disconnect"), CONTEXT) == {"statusCode": 503}


def test_a_bug_is_answered_without_details(services: DeliveryServices) -> None:
    def broken() -> None:
        raise RuntimeError("a bug")

    websocket.connect(connecting(ALICE), CONTEXT)
    services.push.sends = broken
    assert websocket.message(saying(SUBSCRIBE), CONTEXT) == {"statusCode": 500}
