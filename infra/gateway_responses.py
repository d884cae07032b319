"""The answers that API Gateway gives by itself, as problems like all others (application/problem+json).

They are fixed texts: the gateway can fill in the request id, but knows no counters and not the caller's origin, so
that of several origins in CorsOrigins only the first can read them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from chalicelib.api.problems import GATEWAY, INTERNAL, INTERNAL_CODE, Problem, by_code, problem_type
from chalicelib.api.rendering import EXPOSED, SECURITY

PROBLEMS: dict[str, Problem] = {**GATEWAY, **by_code(), INTERNAL_CODE: INTERNAL}


@dataclass(frozen=True, slots=True)
class GatewayAnswer:
    """What the gateway answers for one of its reasons: the problem with this code, and a detail."""

    reason: str
    code: str
    detail: str
    retry_after: int | None = None

    @property
    def problem(self) -> Problem:
        """The problem's row in chalicelib.api.problems."""
        return PROBLEMS[self.code]


_A = GatewayAnswer
ANSWERS: tuple[GatewayAnswer, ...] = (
    _A("DEFAULT_4XX", "invalid_request", "the gateway could not accept the request"),
    _A("BAD_REQUEST_BODY", "invalid_request", "the body is malformed"),
    _A("BAD_REQUEST_PARAMETERS", "invalid_request", "a parameter is malformed"),
    _A("UNAUTHORIZED", "unauthenticated", "credentials are missing or not valid"),
    _A("EXPIRED_TOKEN", "unauthenticated", "the credentials have expired"),
    _A("ACCESS_DENIED", "forbidden", "these credentials do not allow the request"),
    _A("INVALID_API_KEY", "forbidden", "the API key is missing or not valid"),
    _A("INVALID_SIGNATURE", "forbidden", "the signature does not match the request"),
    _A("WAF_FILTERED", "forbidden", "a filter refused the request"),
    _A("MISSING_AUTHENTICATION_TOKEN", "not_found", "there is no such route"),
    _A("RESOURCE_NOT_FOUND", "not_found", "there is no such route"),
    _A("REQUEST_TOO_LARGE", "request_too_large", "the request is larger than 10 MB"),
    _A("UNSUPPORTED_MEDIA_TYPE", "unsupported_media_type", "send application/json"),
    _A("THROTTLED", "too_many_requests", "too many requests at once", retry_after=1),
    _A("QUOTA_EXCEEDED", "too_many_requests", "the quota is used up", retry_after=3600),
    _A("DEFAULT_5XX", INTERNAL_CODE, "the gateway could not serve the request"),
    _A("API_CONFIGURATION_ERROR", INTERNAL_CODE, "the gateway is misconfigured"),
    _A("AUTHORIZER_FAILURE", INTERNAL_CODE, "the authorizer failed"),
    _A("AUTHORIZER_CONFIGURATION_ERROR", INTERNAL_CODE, "the authorizer failed"),
    _A("INTEGRATION_FAILURE", "unavailable", "retry shortly"),
    _A("INTEGRATION_TIMEOUT", "timeout", "retry shortly"),
)
# API Gateway has one reason for a route that does not exist and for a request without a signature. Our own code answers
# unknown paths, so where callers sign, only the latter is left.
UNSIGNED = _A("MISSING_AUTHENTICATION_TOKEN", "unauthenticated", "sign the request (SigV4)")

# A fixed value stands in single quotes, and nothing documents what quotes inside of it do. JSON does without this one.
_QUOTED = {"Content-Security-Policy"}
HEADERS: dict[str, str] = {
    **{name: value for name, value in SECURITY.items() if name not in _QUOTED},
    "Content-Type": "application/problem+json",
    "Access-Control-Expose-Headers": EXPOSED,
}
_FIRST_ORIGIN = {"Fn::Select": [0, {"Fn::Split": [",", {"Ref": "CorsOrigins"}]}]}


def gateway_responses() -> dict[str, Any]:
    """Returns `x-amazon-apigateway-gateway-responses` of the API's Swagger document.

    SAM has a property for them, which takes no conditions.
    """
    responses = {answer.reason: _response(answer) for answer in ANSWERS}
    responses[UNSIGNED.reason] = _either(_response(UNSIGNED), responses[UNSIGNED.reason], condition="IamAuth")
    return responses


def _either(one: Any, other: Any, *, condition: str) -> Any:
    """Merges two structures of one form, with a choice wherever they differ."""
    if isinstance(one, dict):
        return {name: _either(one[name], other[name], condition=condition) for name in one}
    return one if one == other else {"Fn::If": [condition, one, other]}


def _response(answer: GatewayAnswer) -> dict[str, Any]:
    headers: dict[str, Any] = {name: f"'{value}'" for name, value in HEADERS.items()}
    headers["Access-Control-Allow-Origin"] = {"Fn::Sub": ["'${Origin}'", {"Origin": _FIRST_ORIGIN}]}
    headers["X-Request-ID"] = "context.requestId"
    retry_after = answer.retry_after or answer.problem.retry_after
    if retry_after is not None:
        headers["Retry-After"] = f"'{retry_after}'"
    return {
        "statusCode": answer.problem.status,
        "responseParameters": {f"gatewayresponse.header.{name}": value for name, value in headers.items()},
        "responseTemplates": {"application/json": _body(answer)},
    }


def _body(answer: GatewayAnswer) -> str:
    return json.dumps(
        {
            "type": problem_type(answer.code),
            "title": answer.problem.title,
            "status": answer.problem.status,
            "detail": answer.detail,
            "instance": "urn:uuid:$context.requestId",
            "error": answer.code,
            "message": answer.detail,
            "requestId": "$context.requestId",
        }
    )
