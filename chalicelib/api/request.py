"""A request as the routes see it: Chalice's, with the checks that every route shares."""

from __future__ import annotations

import re
import uuid
from typing import Any

from chalicelib.errors import FieldProblem, InvalidRequest, JobNotFound, RequestTooLarge, UnsupportedMediaType
from chalicelib.jobs.model import Actor
from chalicelib.limits import MAX_BODY_BYTES

_JOB_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# W3C Trace Context, section 3.2: what is not well formed, or all zeros, is as good as absent.
_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.{0,200})?"
)
_SAFE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")


def request_id_of(request: Any) -> str:
    """The caller's X-Request-ID if it is safe to repeat, else a new UUID."""
    given = request.headers.get("x-request-id", "")
    return given if _SAFE_ID.fullmatch(given) else str(uuid.uuid4())


def actor_of(request: Any, request_id: str, principal: str) -> Actor:
    """Who asks, for ownership and the audit trail."""
    trace = _TRACEPARENT.fullmatch(request.headers.get("traceparent", "").strip())
    return Actor(by=principal, request_id=request_id, trace_id=trace["trace"] if trace else "")


def json_body(request: Any) -> bytes:
    """The raw body. Raises UnsupportedMediaType and RequestTooLarge."""
    content_type = request.headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(content_type)
    try:
        body: bytes = request.raw_body
    except UnicodeEncodeError as error:  # lone surrogates, which have no UTF-8
        raise InvalidRequest([FieldProblem("", f"the body is not valid UTF-8: {error.reason}")]) from error
    if len(body) > MAX_BODY_BYTES:
        raise RequestTooLarge(size=len(body), limit=MAX_BODY_BYTES)
    return body


def query(request: Any, name: str) -> str | None:
    """A query parameter, None where it is absent."""
    value: str | None = (request.query_params or {}).get(name)
    return value


def job_id_from(text: str) -> str:
    """A job id in small letters. Raises JobNotFound: what is not a UUID names no job."""
    if not _JOB_ID.fullmatch(text):
        raise JobNotFound(text[:64])
    return text.lower()


def path_of(request: Any) -> str:
    """The path as it was called; Chalice's own `request.path` is the route's pattern."""
    path: str = request.path
    for name, value in (request.uri_params or {}).items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}+}}", value)
    return path.partition("?")[0]  # an encoded question mark may hide a ticket


def base_url(request: Any, public_url: str) -> str:
    """What stands before the routes in links: the configured address, else the path of the stage, such as "/api"."""
    if public_url:
        return public_url
    full: str = request.context.get("path", "")
    path = path_of(request)
    return full.removesuffix(path).rstrip("/") if full.endswith(path) else ""
