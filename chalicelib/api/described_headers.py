"""Every header that answers and webhooks carry, as the OpenAPI document describes it."""

from __future__ import annotations

from typing import Any

from chalicelib.api.headers import SECURITY

TEXT = {"type": "string"}
WHOLE_NUMBER = {"type": "integer", "minimum": 0}
SECONDS = {"type": "integer", "minimum": 0, "description": "seconds"}


# These stand on every answer that names them; the others only sometimes.
_REQUIRED = {"X-Request-ID", *SECURITY, "Location", "Allow", "Deprecation", "Link"}


def _described(headers: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {name: {**header, "required": name in _REQUIRED} for name, header in headers.items()}


def _header(description: str, schema: dict[str, Any], example: str | int | None = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {"description": description, "schema": schema, **shown}


HEADERS = _described(
    {
        "X-Request-ID": _header(
            "Yours if it is 1 to 128 safe characters, else a new UUID; quote it when you ask us.", TEXT
        ),
        "RateLimit-Limit": _header("Requests that you may send in a window.", WHOLE_NUMBER, 2000),
        "RateLimit-Remaining": _header("Requests that are left in this window.", WHOLE_NUMBER, 1999),
        "RateLimit-Reset": _header("When the window ends.", SECONDS, 60),
        "RateLimit-Policy": _header("The same as `RateLimit-Limit`, with the window.", TEXT, '"default";q=2000;w=60'),
        "RateLimit": _header("The same as `RateLimit-Remaining` and `-Reset`.", TEXT, '"default";r=1999;t=60'),
        **{name: _header("The same for nearly every answer.", TEXT, value) for name, value in SECURITY.items()},
        "Access-Control-Allow-Origin": _header("Which origins' scripts may read this, if any.", TEXT, "*"),
        "Access-Control-Expose-Headers": _header("Which headers they may read.", TEXT),
        "Vary": _header("That the answer depends on the origin.", TEXT, "Origin"),
        "Location": _header("Where to go on.", {"type": "string", "format": "uri-reference"}),
        "Retry-After": _header("How long to wait before the next request.", SECONDS, 1),
        "ETag": _header(
            "Names this state of the job; send it as `If-None-Match`. None once links are in the answer.", TEXT
        ),
        "Allow": _header("Methods that are possible here.", TEXT, "GET, OPTIONS"),
        "WWW-Authenticate": _header("How to say who you are.", TEXT, 'Bearer error="invalid_token"'),
        "Idempotency-Replayed": _header("The request was served before; this is the answer to it.", {"const": "true"}),
        "Deprecation": _header("Since when this is deprecated (RFC 9745).", TEXT, "@1767225600"),
        "Link": _header("What to use instead.", TEXT, '</v1/download/initiate>; rel="successor-version"'),
    }
)

# Beside these, gateways and proxies add their own.
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy", "RateLimit")
CORS = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary")
ALWAYS = ("X-Request-ID", *SECURITY)
OFTEN = (*RATE_LIMIT, *CORS)

# Standard Webhooks 1.0.0
WEBHOOK_HEADERS = {
    "webhook-id": "The same for each attempt: who has seen it, has seen the webhook.",
    "webhook-timestamp": "When this attempt was made, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA-256; several, with spaces between, while secrets change.",
}
