"""What surrounds every route: request id, errors as problems, headers, one log line."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
from chalice.app import Blueprint, Response

from chalicelib.api import headers, problems
from chalicelib.api.admission import ANYBODY, LINKS, MEMBERS, PUBLIC, Admission, Door, admit
from chalicelib.api.request import actor_of, base_url, path_of, request_id_of
from chalicelib.container import Services, services
from chalicelib.errors import InvalidSettings, LorryError, MethodNotAllowed
from chalicelib.jobs.model import Actor
from chalicelib.observability import count, logger, metrics

LONGEST_PATH = 200  # characters of a path in the log
ALL_METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through a route."""

    request: Any
    services: Services
    actor: Actor
    base: str
    admission: Admission

    @property
    def by_ticket(self) -> bool:
        return self.admission.by_ticket


@dataclass(frozen=True, slots=True)
class Text:
    """A body that goes out as it is."""

    content: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What a route returns; `body` None means no body, and what is not Text becomes JSON."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


View = Callable[..., Answer]

DOORS: dict[tuple[str, str], Door] = {}  # of each path and method; the template asks the gateway to guard some


def resource(api: Blueprint, path: str, door: Door = MEMBERS, **views: View) -> None:
    """Serve `path`: one view per method, entered by `door`; OPTIONS and 405 come with it.

    Only GET and HEAD are entered by a ticket. HEAD is there for what monitors and download managers ask about.
    """
    if "GET" in views and door in (PUBLIC, LINKS):
        views = {"HEAD": _without_body(views["GET"]), **views}
    allowed = tuple(sorted({*views, "OPTIONS"}))
    for method in ALL_METHODS:
        view, entered = _view_of(method, views, allowed, door)
        DOORS[path, method] = entered
        wrapped = _endpoint(api, view, entered, name=f"{path} {method}")
        api.route(path, methods=[method], content_types=["*/*"], name=wrapped.__name__)(wrapped)


def _view_of(method: str, views: dict[str, View], allowed: tuple[str, ...], door: Door) -> tuple[View, Door]:
    if method in views:
        return views[method], door if method in ("GET", "HEAD") else replace(door, tickets=False)
    if method == "OPTIONS":
        return _options(allowed), PUBLIC  # a browser asks before it may send credentials
    return _not_allowed(method, allowed), ANYBODY


def _without_body(view: View) -> View:
    @functools.wraps(view)
    def headers_only(call: Call, **arguments: str) -> Answer:
        return replace(view(call, **arguments), body=None)

    return headers_only


def _options(allowed: tuple[str, ...]) -> View:
    return lambda call, **_: Answer(204, None, headers.preflight(allowed))


def _not_allowed(method: str, allowed: tuple[str, ...]) -> View:
    def view(call: Call, **_: str) -> Answer:
        raise MethodNotAllowed(method=method, path=path_of(call.request), allowed=allowed)

    return view


def _endpoint(api: Blueprint, view: View, door: Door, *, name: str) -> Callable[..., Response]:
    @functools.wraps(view)
    def endpoint(**arguments: str) -> Response:
        started = time.perf_counter()
        request = api.current_request
        request_id = request_id_of(request)
        arrival = Arrival(request, request_id, arguments)
        answer = _answer(view, door, arrival)
        _log(arrival, answer.status, time.perf_counter() - started)
        return _render(answer, {**_common_headers(request, request_id), **answer.headers})

    endpoint.__name__ = name
    return endpoint


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came, and what is learnt of it on the way for the log."""

    request: Any
    request_id: str
    arguments: dict[str, str]
    learnt: dict[str, Any] = field(default_factory=dict)


def _answer(view: View, door: Door, arrival: Arrival) -> Answer:
    counted: dict[str, str] = {}
    try:
        admission = admit(arrival.request, services(), door, arrival.arguments)
        counted = headers.rate_limit(admission.verdict)
        arrival.learnt["caller"] = admission.rate_limit_key
        answer = _served(view, arrival, admission)
    except LorryError as error:
        if problems.problem_of(error).status >= 500:
            logger.warning("request failed", request_id=arrival.request_id, error=str(error), code=error.code)
        answer = _problem(error, arrival)
    except Exception as error:
        logger.exception("request crashed", request_id=arrival.request_id)
        answer = _problem(error, arrival)
    return replace(answer, headers={**counted, **answer.headers})


def _served(view: View, arrival: Arrival, admission: Admission) -> Answer:
    if admission.refused:
        raise admission.refused
    actor = actor_of(arrival.request, arrival.request_id, admission.principal)
    base = base_url(arrival.request, services().settings.public_url)
    arrival.learnt["trace_id"] = actor.trace_id
    return view(Call(arrival.request, services(), actor, base, admission), **arrival.arguments)


def _common_headers(request: Any, request_id: str) -> dict[str, str]:
    """Without settings nobody can say which origins may read the answer."""
    try:
        origins = services().settings.cors_origins
    except InvalidSettings:
        origins = ()
    return headers.common(origins, request_id=request_id, origin=request.headers.get("origin", ""))


def _problem(error: Exception, arrival: Arrival) -> Answer:
    body = problems.document(error, path=path_of(arrival.request), request_id=arrival.request_id)
    arrival.learnt["error"] = body.error
    return Answer(body.status, body, problems.headers(error))


def _render(answer: Answer, merged: dict[str, str]) -> Response:
    if answer.body is None:
        return Response(body="", status_code=answer.status, headers={**merged})
    text = answer.body
    if not isinstance(text, Text):
        text = Text(msgspec.json.encode(text).decode(), "application/json")
    return Response(body=text.content, status_code=answer.status, headers={"Content-Type": text.content_type, **merged})


def _log(arrival: Arrival, status: int, seconds: float) -> None:
    """One line a request: enough to tell who asked what of which job, and nothing that opens anything."""
    count("Requests")
    if status >= 500:
        count("ServerErrors")
    logger.info(
        "request",
        method=arrival.request.method,
        path=path_of(arrival.request)[:LONGEST_PATH],
        job_id=arrival.arguments.get("job_id", "")[:36],
        status=status,
        request_id=arrival.request_id,
        milliseconds=round(seconds * 1000, 1),
        **arrival.learnt,
    )
    metrics.flush_metrics()
