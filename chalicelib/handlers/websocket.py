"""Entry points of the WebSocket API. Neither query strings nor bodies are logged: they may hold tickets."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from chalicelib.calls.addresses import rate_limit_key
from chalicelib.container import services
from chalicelib.errors import LorryError, Unauthenticated
from chalicelib.handlers.batch import Event
from chalicelib.handlers.changes import Summary
from chalicelib.observability import count, logger, metrics


def connect(event: Event, context: Any) -> Event:
    """Let a client in, or refuse it: 401, 429 if too many came from there, 503 where nobody can tell who it is."""

    def opened(connection_id: str) -> HTTPStatus:
        if not services().counts_socket(_address(event)):
            return HTTPStatus.TOO_MANY_REQUESTS
        query = event.get("queryStringParameters") or {}
        services().subscriptions.connect(connection_id, event.get("headers") or {}, query.get("ticket", ""))
        return HTTPStatus.OK

    return _answer(event, "WebsocketsOpened", opened)


def message(event: Event, context: Any, summary: Summary) -> Event:
    """Do what a client asks for; the answer goes out by the connection."""
    base = services().settings.public_url

    def received(connection_id: str) -> HTTPStatus:
        if not services().counts_socket(f"connection {connection_id}"):
            return HTTPStatus.TOO_MANY_REQUESTS  # not worth another message
        services().subscriptions.receive(connection_id, event.get("body") or "", lambda job: summary(job, base))
        return HTTPStatus.OK

    return _answer(event, "WebsocketMessages", received)


def disconnect(event: Event, context: Any) -> Event:
    """Forget a client. API Gateway does not always get to tell; then its rows expire."""

    def closed(connection_id: str) -> HTTPStatus:
        services().subscriptions.disconnect(connection_id)
        return HTTPStatus.OK

    return _answer(event, "WebsocketsClosed", closed)


def _address(event: Event) -> str:
    """Whom the gateway talks to; behind a proxy that is trusted, whom that proxy talks to."""
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    settings = services().settings
    seen = settings.source_address or event["requestContext"].get("identity", {}).get("sourceIp") or ""
    return rate_limit_key(seen, headers.get("x-forwarded-for", ""), settings.trusted_proxies)


def _answer(event: Event, metric: str, act: Callable[[str], HTTPStatus]) -> Event:
    """What API Gateway is told. A body would be sent to the client by some, and to nobody by others: there is none."""
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
        logger.exception("connection crashed", connection_id=connection_id)
    finally:
        metrics.flush_metrics()
    logger.info("websocket", connection_id=connection_id, happened=metric, status=int(status))
    return {"statusCode": int(status)}
