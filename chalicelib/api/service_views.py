"""Routes of the service itself."""

from __future__ import annotations

from chalicelib import __version__
from chalicelib.api import documents
from chalicelib.api.answers import HealthDocument, IndexDocument
from chalicelib.api.endpoint import Answer, Call
from chalicelib.api.request import path_of
from chalicelib.errors import RouteNotFound

LINKS = {
    "docs": "/docs",
    "openapi": "/openapi",
    "health": "/health",
    "limits": "/v1/limits",
    "initiate": "/v1/download/initiate",
}
LOOK_AGAIN_SECONDS = "5"


def index(call: Call) -> Answer:
    links = {name: call.base + path for name, path in LINKS.items()}
    if call.services.settings.websocket_url:
        links["websocket"] = call.services.settings.websocket_url
    return Answer(200, IndexDocument("lorry", __version__, links))


def health(call: Call) -> Answer:
    checks = call.services.health.check()
    healthy = set(checks.values()) == {"ok"}
    if not healthy:
        return Answer(503, HealthDocument("unhealthy", checks), {"Retry-After": LOOK_AGAIN_SECONDS})
    return Answer(200, HealthDocument("healthy", checks))


def limits(call: Call) -> Answer:
    return Answer(200, documents.limits_document(call.services.settings))


def nothing(call: Call, proxy: str = "") -> Answer:
    raise RouteNotFound(path_of(call.request))
