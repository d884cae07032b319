"""Functions behind the WebSocket API. Query strings and bodies are never logged: they may hold tickets."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from chalicelib.callers import rate_limit_key
from chalicelib.container import services
from chalicelib.errors import LorryError, Unauthenticated
from chalicelib.observability import count, logger, metrics

Event = dict[str, Any]


def connect(event: Event, context: Any) -> Event:
    """Accepts a client, or refuses it: 401 without valid credentials, 429 over the rate limit, 503 in an outage."""

    def open_connection(connection_id: str) -> HTTPStatus:
        if not services().counts_socket(_address(event)):
            return HTTPStatus.TOO_MANY_REQUESTS
        query = event.get("queryStringParameters") or {}
        services().subscriptions.connect(connection_id, event.get("headers") or {}, ticket=query.get("ticket", ""))
        return HTTPStatus.OK

    return _answer(event, open_connection, metric="WebsocketsOpened")


def message(event: Event, context: Any) -> Event:
    """Serves a message of a client; the reply is sent through the connection."""

    def receive(connection_id: str) -> HTTPStatus:
        if not services().counts_socket(f"connection {connection_id}"):
            return HTTPStatus.TOO_MANY_REQUESTS  # without a reply, which would cost another message
        services().subscriptions.receive(connection_id, event.get("body") or "")
        return HTTPStatus.OK

    return _answer(event, receive, metric="WebsocketMessages")


def disconnect(event: Event, context: Any) -> Event:
    """Deletes a client's rows. API Gateway does not always call this; the rows expire then."""

    def close(connection_id: str) -> HTTPStatus:
        services().subscriptions.disconnect(connection_id)
        return HTTPStatus.OK

    return _answer(event, close, metric="WebsocketsClosed")


def _address(event: Event) -> str:
    """The client's address as the gateway reports it, or as a trusted proxy does."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    forwarded_for = headers.get("x-forwarded-for", "")
    return rate_limit_key(event["requestContext"], forwarded_for, settings=services().settings)


def _answer(event: Event, act: Callable[[str], HTTPStatus], *, metric: str) -> Event:
    """Runs `act` and returns its status. There is never a body: gateways disagree about whether the client gets it."""
    connection_id = str(event["requestContext"]["connectionId"])
    count(metric)
    try:
        status = act(connection_id)
    except Unauthenticated as error:
        status = HTTPStatus.UNAUTHORIZED
        logger.info("connection refused", connection_id=connection_id, reason=error.reason)
    except LorryError as error:
        status = HTTPStatus.SERVICE_UNAVAILABLE
        logger.warning("connection failed", connection_id=connection_id, code=error.code, error=str(error))
    except Exception:
        status = HTTPStatus.INTERNAL_SERVER_ERROR
        logger.exception("connection failed unexpectedly", connection_id=connection_id)
    finally:
        metrics.flush_metrics()
    logger.info("websocket", connection_id=connection_id, happened=metric, status=int(status))
    return {"statusCode": int(status)}
