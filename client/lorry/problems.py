"""Reads a refusal of the service, problem+json (RFC 9457), into an error."""

from __future__ import annotations

from typing import Any

import httpx

from lorry.errors import IdempotencyKeyReused, LorryProblem
from lorry.model import FieldError
from lorry.retries import retry_after_of


def problem_of(response: httpx.Response) -> LorryProblem:
    """The refusal as an error; also for a proxy's page of HTML, which has no members to read."""
    body = _object(response)
    code = str(body.get("error") or f"http_{response.status_code}")
    kind = IdempotencyKeyReused if code == "idempotency_key_reused" else LorryProblem
    return kind(
        status=response.status_code,
        code=code,
        detail=str(body.get("detail") or body.get("message") or response.reason_phrase or "no reason given"),
        errors=_field_errors(body.get("errors")),
        request_id=body.get("requestId") or response.headers.get("X-Request-ID"),
        retry_after=retry_after_of(response.headers),
    )


def _object(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _field_errors(items: Any) -> tuple[FieldError, ...]:
    if not isinstance(items, list):
        return ()
    return tuple(
        FieldError(str(item.get("pointer", "")), str(item.get("detail", "")))
        for item in items
        if isinstance(item, dict)
    )
