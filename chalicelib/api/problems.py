"""The one table that maps errors to HTTP, and the problem+json (RFC 9457) that they become."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus

from msgspec import UNSET

from chalicelib import errors
from chalicelib.api.answers import OffendingField, ProblemDocument

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Problem:
    """How an error is answered over HTTP."""

    status: HTTPStatus
    title: str
    retry_after: int | None = None


PROBLEMS: dict[type[errors.LorryError], Problem] = {
    errors.InvalidRequest: Problem(HTTPStatus.BAD_REQUEST, "Invalid request"),
    errors.UnsupportedMediaType: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Unsupported media type"),
    errors.RequestTooLarge: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request body too large"),
    errors.TooManyFiles: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files"),
    errors.RouteNotFound: Problem(HTTPStatus.NOT_FOUND, "Not found"),
    errors.MethodNotAllowed: Problem(HTTPStatus.METHOD_NOT_ALLOWED, "Method not allowed"),
    errors.Unauthenticated: Problem(HTTPStatus.UNAUTHORIZED, "Authentication required"),
    errors.TooManyRequests: Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    errors.IdempotencyKeyReused: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Idempotency-Key already used"),
    errors.RequestInProgress: Problem(HTTPStatus.CONFLICT, "Request in progress", 1),
    errors.RequestTimedOut: Problem(HTTPStatus.GATEWAY_TIMEOUT, "Timed out", RETRY_AFTER_SECONDS),
    errors.JobNotFound: Problem(HTTPStatus.NOT_FOUND, "Job not found"),
    errors.JobNotReady: Problem(HTTPStatus.CONFLICT, "Job not ready"),
    errors.JobAlreadyEnded: Problem(HTTPStatus.CONFLICT, "Job already ended"),
    errors.JobExpired: Problem(HTTPStatus.GONE, "Job expired"),
    errors.NothingToRetry: Problem(HTTPStatus.CONFLICT, "Nothing to retry"),
    errors.NoSuchResult: Problem(HTTPStatus.NOT_FOUND, "Result not found"),
    errors.StorageError: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Storage unavailable", RETRY_AFTER_SECONDS),
    errors.TableUnavailable: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Job table unavailable", RETRY_AFTER_SECONDS),
    errors.QueueUnavailable: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Work queue unavailable", RETRY_AFTER_SECONDS),
    errors.KeysUnavailable: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Token issuer unavailable", RETRY_AFTER_SECONDS),
    errors.SecretUnavailable: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Secret store unavailable", RETRY_AFTER_SECONDS),
    errors.LinksUnavailable: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Links unavailable", RETRY_AFTER_SECONDS),
}

INTERNAL = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")
INTERNAL_DETAIL = "an unexpected error occurred; it has been logged under this requestId"

# Their messages are internal: callers read only the title.
_PRIVATE = (errors.StorageError, errors.Unavailable)


# What API Gateway answers by itself (infra/gateway_responses.py) beside codes of the table above.
GATEWAY = {
    "forbidden": Problem(HTTPStatus.FORBIDDEN, "Forbidden"),
    "unavailable": Problem(HTTPStatus.SERVICE_UNAVAILABLE, "Service unavailable", RETRY_AFTER_SECONDS),
    "timeout": Problem(HTTPStatus.GATEWAY_TIMEOUT, "Timed out", RETRY_AFTER_SECONDS),
}


def codes(kind: type[errors.LorryError]) -> list[str]:
    """The codes of a row of the table: a base class stands for its subclasses."""
    subclasses = kind.__subclasses__()
    return [code for subclass in subclasses for code in codes(subclass)] if subclasses else [kind.code]


def problem_of(error: Exception) -> Problem:
    """The table's row for the error or its nearest base class."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return INTERNAL


def document(error: Exception, *, path: str, request_id: str) -> ProblemDocument:
    """The body of an error answer."""
    problem = problem_of(error)
    code = error.code if problem is not INTERNAL and isinstance(error, errors.LorryError) else "internal_error"
    detail = _detail(error, problem)
    places = error.problems if isinstance(error, errors.InvalidRequest) else None
    return ProblemDocument(
        type=f"urn:lorry:problem:{code}",
        title=problem.title,
        status=int(problem.status),
        detail=detail,
        instance=path,
        error=code,
        message=detail,
        request_id=request_id,
        errors=UNSET if places is None else [OffendingField(place.pointer, place.detail) for place in places],
    )


def headers(error: Exception) -> dict[str, str]:
    """What an error answer carries beside the usual headers."""
    extra = {"Content-Type": "application/problem+json"}
    retry_after = getattr(error, "retry_after", problem_of(error).retry_after)
    if retry_after is not None:
        extra["Retry-After"] = str(retry_after)
    if isinstance(error, errors.Unauthenticated):
        extra["WWW-Authenticate"] = 'Bearer error="invalid_token"' if error.shown else "Bearer"
    if isinstance(error, errors.MethodNotAllowed):
        extra["Allow"] = ", ".join(error.allowed)
    return extra


def _detail(error: Exception, problem: Problem) -> str:
    if problem is INTERNAL:
        return INTERNAL_DETAIL
    if isinstance(error, _PRIVATE):
        return f"{problem.title}; nothing was lost, retry in {problem.retry_after} s"
    return str(error)
