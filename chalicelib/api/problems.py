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
    """How one kind of error is told over HTTP."""

    status: HTTPStatus
    title: str
    retry_after: int | None = None


PROBLEMS: dict[type[errors.LorryError], Problem] = {
    errors.InvalidRequest: Problem(HTTPStatus.BAD_REQUEST, "The request is not valid"),
    errors.UnsupportedMediaType: Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The body must be JSON"),
    errors.RequestTooLarge: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The body is too large"),
    errors.TooManyFiles: Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Too many files for one job"),
    errors.RouteNotFound: Problem(HTTPStatus.NOT_FOUND, "There is nothing here"),
    errors.MethodNotAllowed: Problem(HTTPStatus.METHOD_NOT_ALLOWED, "This method is not possible here"),
    errors.Unauthenticated: Problem(HTTPStatus.UNAUTHORIZED, "Who are you?"),
    errors.TooManyRequests: Problem(HTTPStatus.TOO_MANY_REQUESTS, "Too many requests"),
    errors.IdempotencyKeyReused: Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The Idempotency-Key is another request's"),
    errors.RequestInProgress: Problem(HTTPStatus.CONFLICT, "The first such request is still being served", 1),
    errors.RequestTimedOut: Problem(HTTPStatus.GATEWAY_TIMEOUT, "The service took too long", RETRY_AFTER_SECONDS),
    errors.JobNotFound: Problem(HTTPStatus.NOT_FOUND, "There is no such job"),
    errors.JobNotReady: Problem(HTTPStatus.CONFLICT, "The job has nothing to download"),
    errors.JobAlreadyEnded: Problem(HTTPStatus.CONFLICT, "The job has already ended"),
    errors.JobExpired: Problem(HTTPStatus.GONE, "The job has expired"),
    errors.NothingToRetry: Problem(HTTPStatus.CONFLICT, "There is nothing to retry"),
    errors.NoSuchResult: Problem(HTTPStatus.NOT_FOUND, "The job has no such result"),
    errors.StorageError: Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The store does not answer", RETRY_AFTER_SECONDS),
    errors.TableUnavailable: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The job table does not answer", RETRY_AFTER_SECONDS
    ),
    errors.QueueUnavailable: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The work queue does not answer", RETRY_AFTER_SECONDS
    ),
    errors.KeysUnavailable: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The issuer of tokens does not answer", RETRY_AFTER_SECONDS
    ),
    errors.SecretUnavailable: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The secret store does not answer", RETRY_AFTER_SECONDS
    ),
    errors.LinksUnavailable: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "Links cannot be signed at the moment", RETRY_AFTER_SECONDS
    ),
}

INTERNAL = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong inside")
INTERNAL_DETAIL = "an unexpected error occurred; it has been logged under this requestId"

# What a caller may read of these would be internal: only the title is told.
_PRIVATE = (
    errors.TableUnavailable,
    errors.QueueUnavailable,
    errors.StorageError,
    errors.KeysUnavailable,
    errors.SecretUnavailable,
    errors.LinksUnavailable,
)


# What API Gateway answers by itself (infra/gateway_responses.py) beside codes of the table above.
GATEWAY = {
    "forbidden": Problem(HTTPStatus.FORBIDDEN, "This is not allowed"),
    "unavailable": Problem(HTTPStatus.SERVICE_UNAVAILABLE, "The service does not answer", RETRY_AFTER_SECONDS),
    "timeout": Problem(HTTPStatus.GATEWAY_TIMEOUT, "The service took too long", RETRY_AFTER_SECONDS),
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
    problem = problem_of(error)
    extra = {"Content-Type": "application/problem+json"}
    if problem.retry_after is not None:
        extra["Retry-After"] = str(problem.retry_after)
    if isinstance(error, errors.TooManyRequests):
        extra["Retry-After"] = str(error.retry_after)
    if isinstance(error, errors.Unauthenticated):
        extra["WWW-Authenticate"] = 'Bearer error="invalid_token"' if error.shown else "Bearer"
    if isinstance(error, errors.MethodNotAllowed):
        extra["Allow"] = ", ".join(error.allowed)
    return extra


def _detail(error: Exception, problem: Problem) -> str:
    if problem is INTERNAL:
        return INTERNAL_DETAIL
    if isinstance(error, _PRIVATE):
        return f"{problem.title}; nothing was lost, try again in {problem.retry_after} seconds"
    return str(error)
