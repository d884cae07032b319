"""What surrounds every route: request id, errors as problems, headers, one log line."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
from chalice.app import Blueprint, Response

from chalicelib.api import headers, problems
from chalicelib.api.request import base_url, origin_of, path_of, request_id_of
from chalicelib.bootstrap import Services, services
from chalicelib.errors import InvalidSettings, LorryError, MethodNotAllowed
from chalicelib.jobs.model import Origin
from chalicelib.observability import count, logger, metrics

ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a route."""

    request: Any
    services: Services
    origin: Origin
    base: str

    @property
    def request_id(self) -> str:
        return self.origin.request_id


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route returns; `body` None means no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


View = Callable[..., Answer]


def resource(api: Blueprint, path: str, **views: View) -> None:
    """Serve `path`: one view per method; OPTIONS and 405 come with it."""
    allowed = tuple(sorted({*views, "OPTIONS"}))
    for method in ALL_METHODS:
        view = views.get(method) or (_options(allowed) if method == "OPTIONS" else _not_allowed(method, allowed))
        wrapped = _endpoint(api, view, name=f"{path} {method}")
        api.route(path, methods=[method], content_types=["*/*"], name=wrapped.__name__)(wrapped)


def _options(allowed: tuple[str, ...]) -> View:
    return lambda call, **_: Answer(204, None, headers.preflight(allowed))


def _not_allowed(method: str, allowed: tuple[str, ...]) -> View:
    def view(call: Call, **_: str) -> Answer:
        raise MethodNotAllowed(method=method, path=path_of(call.request), allowed=allowed)

    return view


def _endpoint(api: Blueprint, view: View, *, name: str) -> Callable[..., Response]:
    @functools.wraps(view)
    def endpoint(**arguments: str) -> Response:
        started = time.perf_counter()
        request = api.current_request
        request_id = request_id_of(request)
        answer = _answer(view, request, request_id, arguments)
        _log(request, request_id, answer.status, time.perf_counter() - started)
        return _render(answer, {**_common_headers(request, request_id), **answer.headers})

    endpoint.__name__ = name
    return endpoint


def _answer(view: View, request: Any, request_id: str, arguments: dict[str, str]) -> Answer:
    try:
        origin = origin_of(request, request_id)
        return view(Call(request, services(), origin, base_url(request, services().settings.public_url)), **arguments)
    except LorryError as error:
        if problems.problem_of(error).status >= 500:
            logger.warning("request failed", request_id=request_id, error=str(error), code=error.code)
        return _problem(error, request, request_id)
    except Exception as error:
        logger.exception("request crashed", request_id=request_id)
        return _problem(error, request, request_id)


def _common_headers(request: Any, request_id: str) -> dict[str, str]:
    """Without settings nobody can say which origins may read the answer."""
    try:
        origins = services().settings.cors_origins
    except InvalidSettings:
        origins = ()
    return headers.common(origins, request_id=request_id, origin=request.headers.get("origin", ""))


def _problem(error: Exception, request: Any, request_id: str) -> Answer:
    body = problems.document(error, path=path_of(request), request_id=request_id)
    return Answer(body["status"], body, problems.headers(error))


def _render(answer: Answer, merged: dict[str, str]) -> Response:
    if answer.body is None:
        return Response(body="", status_code=answer.status, headers={**merged})
    body = msgspec.json.encode(answer.body).decode()
    return Response(body=body, status_code=answer.status, headers={"Content-Type": "application/json", **merged})


def _log(request: Any, request_id: str, status: int, seconds: float) -> None:
    count("Requests")
    if status >= 500:
        count("ServerErrors")
    logger.info(
        "request",
        method=request.method,
        path=path_of(request),
        status=status,
        request_id=request_id,
        milliseconds=round(seconds * 1000, 1),
    )
    metrics.flush_metrics()
