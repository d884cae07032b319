"""What schemathesis cannot know of valid requests, as no schema can say it. Invalid ones are left as they are."""

from __future__ import annotations

import uuid
from typing import Any

import schemathesis
from schemathesis import GenerationMode

from chalicelib.api.routes import METHODS

NOBODY = "https://callback.invalid/"


@schemathesis.hook
def filter_case(context: Any, case: Any) -> bool:
    """What API Gateway knows no route for, it answers by itself, such as TRACE; nor is failing on purpose a failure."""
    on_purpose = str((case.query or {}).get("sentry_test")).lower() == "true"
    return case.method.upper() in METHODS and not on_purpose


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
        return
    if case.operation.path in ("/v1/download/jobs", "/v1/download/{jobId}/events"):
        (case.query or {}).pop("cursor", None)  # the service tells its own cursors from others
    if case.operation.path == "/v1/objects":
        for name in ("cursor", "prefix"):  # a prefix begins with the allowed one
            (case.query or {}).pop(name, None)
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = str(uuid.uuid4())  # one key names one request
    case.body = _without_fractions(case.body)
    if isinstance(case.body, dict) and "callbackUrl" in case.body:
        case.body["callbackUrl"] = NOBODY  # the stack would really call strangers


def _without_fractions(value: Any) -> Any:
    """To JSON Schema 70000.0 is an integer; the service takes no number that is written as a fraction."""
    if isinstance(value, dict):
        return {name: _without_fractions(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_without_fractions(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
