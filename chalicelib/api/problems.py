"""The one table of error answers: which status, title and headers each error has over HTTP (RFC 9457)."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import UNSET, Struct

from chalicelib import errors
from chalicelib.api.answers import OffendingField, ProblemDocument

RETRY_AFTER_SECONDS = 5


class Problem(Struct, frozen=True):
    """How an error is answered. `headers` are those beside the usual ones; `retry_after` seconds adds Retry-After."""

    status: int
    title: str
    retry_after: int | None = None
    headers: tuple[str, ...] = ()


def _unavailable(title: str) -> Problem:
    return Problem(503, title, RETRY_AFTER_SECONDS)


PROBLEMS: dict[type[errors.LorryError], Problem] = {
    errors.InvalidRequest: Problem(400, "Invalid request"),
    errors.UnsupportedMediaType: Problem(415, "Unsupported media type"),
    errors.RequestTooLarge: Problem(413, "Request body too large"),
    errors.TooManyFiles: Problem(413, "Too many files"),
    errors.RouteNotFound: Problem(404, "Not found"),
    errors.MethodNotAllowed: Problem(405, "Method not allowed", headers=("Allow",)),
    errors.Unauthenticated: Problem(401, "Authentication required", headers=("WWW-Authenticate",)),
    errors.OperatorOnly: Problem(403, "For the operator only"),
    errors.TooManyRequests: Problem(429, "Too many requests", headers=("Retry-After",)),
    errors.IdempotencyKeyReused: Problem(422, "Idempotency-Key already used"),
    errors.RequestTimedOut: Problem(504, "Timed out", RETRY_AFTER_SECONDS),
    errors.JobNotFound: Problem(404, "Job not found"),
    errors.JobNotReady: Problem(409, "Job not ready", headers=("Retry-After",)),
    errors.JobAlreadyEnded: Problem(409, "Job already ended"),
    errors.JobExpired: Problem(410, "Job expired"),
    errors.NothingToRetry: Problem(409, "Nothing to retry"),
    errors.NoSuchResult: Problem(404, "Result not found"),
    errors.StorageError: _unavailable("Storage unavailable"),
    errors.TableUnavailable: _unavailable("Job table unavailable"),
    errors.QueueUnavailable: _unavailable("Work queue unavailable"),
    errors.KeysUnavailable: _unavailable("Token issuer unavailable"),
    errors.SecretUnavailable: _unavailable("Secret store unavailable"),
    errors.LinksUnavailable: _unavailable("Links unavailable"),
}
INTERNAL_CODE = "internal_error"
INTERNAL = Problem(500, "Internal server error")
INTERNAL_DETAIL = "an unexpected error occurred; it has been logged under this requestId"

# Codes of their own that API Gateway answers by itself (infra/gateway_responses.py).
GATEWAY = {
    "forbidden": Problem(403, "Forbidden"),
    "unavailable": Problem(503, "Service unavailable", RETRY_AFTER_SECONDS),
    "timeout": Problem(504, "Timed out", RETRY_AFTER_SECONDS),
}

# Their messages are internal: callers read only the title.
_PRIVATE = (errors.StorageError, errors.Unavailable)


def by_code(kinds: Iterable[type[errors.LorryError]] = PROBLEMS) -> dict[str, Problem]:
    """The rows of the table for these errors, by their codes: a base class stands for its subclasses."""
    return {code: PROBLEMS[kind] for kind in kinds for code in _codes(kind)}


def _codes(kind: type[errors.LorryError]) -> list[str]:
    subclasses = kind.__subclasses__()
    return [code for subclass in subclasses for code in _codes(subclass)] if subclasses else [kind.code]


def problem_of(error: Exception) -> Problem:
    """The table's row for the error or its nearest base class."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return INTERNAL


def document(error: Exception, *, path: str, request_id: str) -> ProblemDocument:
    """The body of an error answer."""
    problem = problem_of(error)
    code = error.code if problem is not INTERNAL and isinstance(error, errors.LorryError) else INTERNAL_CODE
    detail = _detail(error, problem)
    places = error.problems if isinstance(error, errors.InvalidRequest) else None
    return ProblemDocument(
        type=problem_type(code),
        title=problem.title,
        status=problem.status,
        detail=detail,
        instance=path,
        error=code,
        message=detail,
        request_id=request_id,
        errors=UNSET if places is None else [OffendingField(place.pointer, place.detail) for place in places],
    )


def problem_type(code: str) -> str:
    """The URI that `type` has for a code."""
    return f"urn:lorry:problem:{code}"


def headers(error: Exception) -> dict[str, str]:
    """The headers of an error answer, beside the usual ones."""
    extra = {"Content-Type": "application/problem+json"}
    retry_after = getattr(error, "retry_after", problem_of(error).retry_after)
    if retry_after is not None:
        extra["Retry-After"] = str(retry_after)
    if isinstance(error, errors.Unauthenticated):
        extra["WWW-Authenticate"] = 'Bearer error="invalid_token"' if error.shown else "Bearer"
    if isinstance(error, errors.MethodNotAllowed):
        extra["Allow"] = error.allowed
    return extra


def _detail(error: Exception, problem: Problem) -> str:
    if problem is INTERNAL:
        return INTERNAL_DETAIL
    if isinstance(error, _PRIVATE):
        return f"{problem.title}; nothing was lost, retry in {problem.retry_after} s"
    return str(error)
