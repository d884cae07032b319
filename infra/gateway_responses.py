"""The answers that API Gateway gives by itself, in the shape of all others: application/problem+json.

They are fixed texts: the gateway can fill in the request id, but knows no counters and no origin.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.api.headers import EXPOSED, SECURITY


@dataclass(frozen=True, slots=True)
class GatewayProblem:
    """One of the gateway's reasons to answer by itself."""

    reason: str
    status: int
    error: str
    title: str
    detail: str
    retry_after: int | None = None


_P = GatewayProblem
PROBLEMS: tuple[GatewayProblem, ...] = (
    _P("DEFAULT_4XX", 400, "invalid_request", "Invalid request", "the gateway could not accept the request"),
    _P("BAD_REQUEST_BODY", 400, "invalid_request", "Invalid request", "the body is malformed"),
    _P("BAD_REQUEST_PARAMETERS", 400, "invalid_request", "Invalid request", "a parameter is malformed"),
    _P("UNAUTHORIZED", 401, "unauthenticated", "Authentication required", "credentials are missing or not valid"),
    _P("EXPIRED_TOKEN", 401, "unauthenticated", "Authentication required", "the credentials have expired"),
    _P("ACCESS_DENIED", 403, "forbidden", "Forbidden", "these credentials do not allow the request"),
    _P("INVALID_API_KEY", 403, "forbidden", "Forbidden", "the API key is missing or not valid"),
    _P("INVALID_SIGNATURE", 403, "forbidden", "Forbidden", "the signature does not match the request"),
    _P("WAF_FILTERED", 403, "forbidden", "Forbidden", "a filter refused the request"),
    _P("MISSING_AUTHENTICATION_TOKEN", 404, "not_found", "Not found", "there is no such route"),
    _P("RESOURCE_NOT_FOUND", 404, "not_found", "Not found", "there is no such route"),
    _P("REQUEST_TOO_LARGE", 413, "request_too_large", "Request body too large", "the request is larger than 10 MB"),
    _P("UNSUPPORTED_MEDIA_TYPE", 415, "unsupported_media_type", "Unsupported media type", "send application/json"),
    _P("THROTTLED", 429, "too_many_requests", "Too many requests", "too many requests at once", retry_after=1),
    _P("QUOTA_EXCEEDED", 429, "too_many_requests", "Too many requests", "the quota is used up", retry_after=3600),
    _P("DEFAULT_5XX", 500, "internal_error", "Internal server error", "the gateway could not serve the request"),
    _P("API_CONFIGURATION_ERROR", 500, "internal_error", "Internal server error", "the gateway is misconfigured"),
    _P("AUTHORIZER_FAILURE", 500, "internal_error", "Internal server error", "the authorizer failed"),
    _P("AUTHORIZER_CONFIGURATION_ERROR", 500, "internal_error", "Internal server error", "the authorizer failed"),
    _P("INTEGRATION_FAILURE", 503, "unavailable", "Service unavailable", "try again soon", retry_after=5),
    _P("INTEGRATION_TIMEOUT", 504, "timeout", "Timed out", "try again soon", retry_after=5),
)
# API Gateway has one reason for a route that is not there and for a request without a signature. Our own code answers
# every unknown path, so that where callers sign nothing but the latter is left.
UNSIGNED = _P(
    "MISSING_AUTHENTICATION_TOKEN", 401, "unauthenticated", "Authentication required", "sign the request (SigV4)"
)

HEADERS: dict[str, str] = {
    **SECURITY,
    "Content-Type": "application/problem+json",
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": EXPOSED,
}


def gateway_responses() -> dict[str, Any]:
    """What `x-amazon-apigateway-gateway-responses` of the API's Swagger document is.

    SAM has a property for them, which takes no choices.
    """
    responses = {problem.reason: _response(problem) for problem in PROBLEMS}
    responses[UNSIGNED.reason] = _either("IamAuth", _response(UNSIGNED), responses[UNSIGNED.reason])
    return responses


def _either(condition: str, one: Any, other: Any) -> Any:
    """Two structures of one form as one, with a choice wherever they differ."""
    if isinstance(one, dict):
        return {name: _either(condition, one[name], other[name]) for name in one}
    return one if one == other else {"Fn::If": [condition, one, other]}


def _response(problem: GatewayProblem) -> dict[str, Any]:
    headers = {name: f"'{value}'" for name, value in HEADERS.items()}
    headers["X-Request-ID"] = "context.requestId"
    if problem.retry_after is not None:
        headers["Retry-After"] = f"'{problem.retry_after}'"
    return {
        "statusCode": problem.status,
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": _body(problem)},
    }


def _body(problem: GatewayProblem) -> str:
    return json.dumps(
        {
            "type": f"urn:lorry:problem:{problem.error}",
            "title": problem.title,
            "status": problem.status,
            "detail": problem.detail,
            "instance": "urn:uuid:$context.requestId",
            "error": problem.error,
            "message": problem.detail,
            "requestId": "$context.requestId",
        }
    )
