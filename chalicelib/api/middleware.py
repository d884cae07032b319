"""What surrounds every view: request id, admission, errors as problems, headers, one log line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from chalice.app import Response
from msgspec import Struct

from chalicelib.api import problems, rendering
from chalicelib.api.auth import Admission, admit
from chalicelib.api.contract import ANONYMOUS, PUBLIC, AccessPolicy, Operation, resolve
from chalicelib.api.operations import OPERATIONS
from chalicelib.api.requests import MAX_REPORTED_KEYS
from chalicelib.container import Services, services
from chalicelib.errors import (
    FieldProblem,
    InvalidRequest,
    InvalidSettings,
    LorryError,
    MethodNotAllowed,
    RequestTooLarge,
    RouteNotFound,
    UnsupportedMediaType,
)
from chalicelib.jobs.model import Actor
from chalicelib.limits import MAX_BODY_BYTES
from chalicelib.observability import count, logger, metrics
from chalicelib.system import MACHINE, System

MAX_LOGGED_PATH = 200  # characters
SIGNATURE = "X-Amz-"  # with these parameters a caller signs a URL instead of headers

# W3C Trace Context, section 3.2: a malformed or all-zero value is treated as absent.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?"
)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


class Call(Struct, frozen=True):
    """An admitted request, as views see it. `base` is the URL that stands before the routes in links."""

    request: Any
    services: Services
    actor: Actor
    base: str
    admission: Admission

    def query(self, name: str) -> str | None:
        """A query parameter, None if it is absent."""
        value: str | None = (self.request.query_params or {}).get(name)
        return value

    def header(self, name: str) -> str:
        """A request header, empty if it is absent."""
        value: str = self.request.headers.get(name, "")
        return value

    def json_body(self) -> bytes:
        """The raw body. Raises UnsupportedMediaType, RequestTooLarge and InvalidRequest."""
        content_type = self.header("content-type")
        if content_type.split(";")[0].strip().lower() != "application/json":
            raise UnsupportedMediaType(content_type)
        try:
            body: bytes = self.request.raw_body
        except UnicodeEncodeError as error:  # lone surrogates, which have no UTF-8
            raise InvalidRequest([FieldProblem("", f"the body is not valid UTF-8: {error.reason}")]) from error
        if len(body) > MAX_BODY_BYTES:
            raise RequestTooLarge(size=len(body), limit=MAX_BODY_BYTES)
        return body


class Text(Struct, frozen=True):
    """A body that is sent as it is."""

    content: str
    content_type: str


class Answer(Struct, frozen=True):
    """What a view returns. A `body` of None sends none; any but Text is sent as JSON."""

    status: int
    body: Any = None
    headers: dict[str, str] = {}


View = Callable[..., Answer]


class _Request(Struct):
    """A request on its way: Chalice's own, its id, the arguments from its path, and what its log line says."""

    request: Any
    request_id: str
    arguments: dict[str, str]
    log: dict[str, Any] = {}


def respond(request: Any, *, path: str, arguments: dict[str, str], system: System = MACHINE) -> Response:
    """Serves a request for a path of the table, or for one that is not in it."""
    started = system.monotonic()
    given = request.headers.get("x-request-id", "")
    arrived = _Request(request, given if _SAFE_ID.fullmatch(given) else system.new_id(), arguments)
    view, access = _view(path, request.method)
    answer = _answer(arrived, view, access=access)
    _log(arrived, status=answer.status, seconds=system.monotonic() - started)
    return _response(answer, _common_headers(arrived))


# --- which view -------------------------------------------------------------------------


def _view(path: str, method: str) -> tuple[View, AccessPolicy]:
    """The view of this method of the path, and who may call it."""
    operations = {operation.method: operation for operation in OPERATIONS if operation.path == path}
    if not operations:
        return _not_found, ANONYMOUS
    allowed = _allowed(operations.values())
    if method in operations:
        return _checked(operations[method]), operations[method].access
    if method == "OPTIONS":
        return _preflight(allowed), PUBLIC  # a browser asks before it may send credentials
    if method == "HEAD" and method in allowed:
        return _without_body(_checked(operations["GET"])), operations["GET"].access
    return _not_allowed(allowed), ANONYMOUS


def _checked(operation: Operation) -> View:
    """The operation's view, which a query parameter that the operation does not have keeps from being called."""
    view: View = resolve(operation.view)
    if operation.access is PUBLIC:
        return view
    known = {parameter.name for parameter in operation.parameters if parameter.place == "query"}
    known |= {"ticket"} if operation.access.tickets else set()

    def checked(call: Call, **arguments: str) -> Answer:
        names = [name for name in call.request.query_params or () if not name.startswith(SIGNATURE)]
        unknown = [name[:MAX_LOGGED_PATH] for name in names if name not in known]
        if unknown:
            detail = f"is not a parameter here; there are {', '.join(sorted(known)) or 'none'}"
            raise InvalidRequest([FieldProblem(f"/{name}", detail) for name in unknown[:MAX_REPORTED_KEYS]])
        return view(call, **arguments)

    return checked


def _allowed(operations: Iterable[Operation]) -> tuple[str, ...]:
    heads = ["HEAD" for operation in operations if operation.answers_head]
    return tuple(sorted({"OPTIONS", *heads, *(operation.method for operation in operations)}))


def _not_found(call: Call, proxy: str = "") -> Answer:
    raise RouteNotFound(path_of(call.request))


def _preflight(allowed: tuple[str, ...]) -> View:
    return lambda call, **_: Answer(204, None, rendering.preflight_headers(allowed))


def _not_allowed(allowed: tuple[str, ...]) -> View:
    def view(call: Call, **_: str) -> Answer:
        raise MethodNotAllowed(method=call.request.method, path=path_of(call.request), allowed=", ".join(allowed))

    return view


def _without_body(view: View) -> View:
    return lambda call, **arguments: msgspec.structs.replace(view(call, **arguments), body=None)


# --- the answer -------------------------------------------------------------------------


def _answer(arrived: _Request, view: View, *, access: AccessPolicy) -> Answer:
    counted: dict[str, str] = {}
    try:
        admission = admit(arrived.request, services(), access=access, arguments=arrived.arguments)
        counted = rendering.rate_limit_headers(admission.verdict)
        arrived.log["caller"] = admission.rate_limit_key
        answer = _serve(arrived, view, admission=admission)
    except LorryError as error:
        if problems.problem_of(error).status >= 500:
            logger.warning("request failed", request_id=arrived.request_id, error=str(error), code=error.code)
        answer = _problem(error, arrived)
    except Exception as error:
        logger.exception("request failed unexpectedly", request_id=arrived.request_id)
        answer = _problem(error, arrived)
    return msgspec.structs.replace(answer, headers={**counted, **answer.headers})


def _serve(arrived: _Request, view: View, *, admission: Admission) -> Answer:
    if admission.refused:
        raise admission.refused
    request = arrived.request
    trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", "").strip())
    actor = Actor(admission.principal, arrived.request_id, trace["trace"] if trace else "")
    arrived.log["trace_id"] = actor.trace_id
    base = _base_url(request, services().settings.public_url)
    return view(Call(request, services(), actor, base, admission), **arrived.arguments)


def _problem(error: Exception, arrived: _Request) -> Answer:
    body = problems.document(error, path=path_of(arrived.request), request_id=arrived.request_id)
    arrived.log["error"] = body.error
    return Answer(body.status, body, problems.headers(error))


def path_of(request: Any) -> str:
    """The path as it was called; Chalice's own `request.path` is the route's pattern."""
    path: str = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    return path.partition("?")[0]  # an encoded question mark may hide a ticket


def _base_url(request: Any, public_url: str) -> str:
    """The configured address, or the path of the stage, such as "/api"."""
    if public_url:
        return public_url
    full: str = request.context.get("path", "")
    path = path_of(request)
    return full.removesuffix(path).rstrip("/") if full.endswith(path) else ""


def _common_headers(arrived: _Request) -> dict[str, str]:
    try:
        origins = services().settings.cors_origins
    except InvalidSettings:
        origins = ()  # unknown, so that no origin may read the answer
    return rendering.common_headers(
        origins, request_id=arrived.request_id, origin=arrived.request.headers.get("origin", "")
    )


def _response(answer: Answer, common: dict[str, str]) -> Response:
    headers: dict[str, str | list[str]] = {**common, **answer.headers}
    if answer.body is None:
        return Response(body="", status_code=answer.status, headers=headers)
    body = answer.body
    if not isinstance(body, Text):
        body = Text(msgspec.json.encode(body).decode(), "application/json")
    return Response(body.content, {"Content-Type": body.content_type, **headers}, answer.status)


def _log(arrived: _Request, *, status: int, seconds: float) -> None:
    """One line a request: who called what, about which job. It holds no credentials and no links."""
    count("Requests")
    if status >= 500:
        count("ServerErrors")
    logger.info(
        "request",
        method=arrived.request.method,
        path=path_of(arrived.request)[:MAX_LOGGED_PATH],
        job_id=arrived.arguments.get("job_id", "")[:36],
        status=status,
        request_id=arrived.request_id,
        milliseconds=round(seconds * 1000, 1),
        **arrived.log,
    )
    metrics.flush_metrics()
