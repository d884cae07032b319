"""Routes of single files, without a job."""

from __future__ import annotations

import random
import time

from chalicelib.api import schemas
from chalicelib.api.answers import CheckAnswer, StartAnswer
from chalicelib.api.endpoint import Answer, Call
from chalicelib.api.new_job import key_of
from chalicelib.api.request import json_body, query
from chalicelib.checking.ports import StoredObject
from chalicelib.errors import RequestTimedOut

DEPRECATED_SINCE = 1_767_225_600  # 2026-01-01, as RFC 9745 writes dates


def check(call: Call) -> Answer:
    if schemas.flag("sentry_test", query(call.request, "sentry_test")):
        raise RuntimeError("raised on purpose, to prove that errors are tracked (sentry_test=true)")
    body = schemas.check_request(json_body(call.request))
    key, stored = _look(call, body.file_id)
    if stored is None:
        return Answer(200, CheckAnswer(body.file_id, available=False, s3_key=None, size=None))
    return Answer(200, CheckAnswer(body.file_id, available=True, s3_key=key, size=stored.size))


def start(call: Call) -> Answer:
    """Waits for one file, as clients of old expect."""
    began = time.monotonic()
    body = schemas.check_request(json_body(call.request))
    _demonstrate_waiting(call)
    key, stored = _look(call, body.file_id)
    link = call.services.minter(call.services.settings.presigned_url_expiry_seconds).link(key) if stored else None
    answer = StartAnswer(
        file_id=body.file_id,
        status="completed" if stored else "failed",
        download_url=link,
        size=stored.size if stored else None,
        processing_time_ms=int((time.monotonic() - began) * 1000),
        message="the file is there" if stored else f"there is no file {body.file_id}",
    )
    successor = f'<{call.base}/v1/download/initiate>; rel="successor-version"'
    return Answer(200, answer, {"Deprecation": f"@{DEPRECATED_SINCE}", "Link": successor})


def _look(call: Call, file_id: int) -> tuple[str, StoredObject | None]:
    """The file's key, and the object if it is there. Raises StorageError where the store does not say."""
    key = key_of(file_id, call.services.settings)
    stored = call.services.source.head(key)
    if stored is None:
        call.services.source.confirm_bucket()
    return key, stored


def _demonstrate_waiting(call: Call) -> None:
    """Off by default. Whoever waits for longer than a gateway does is cut off, which is why jobs exist."""
    settings = call.services.settings
    if not settings.download_delay_enabled:
        return
    wait = random.uniform(settings.download_delay_min_ms, settings.download_delay_max_ms)
    call.services.sleep(min(wait, settings.request_timeout_ms) / 1000)
    if wait >= settings.request_timeout_ms:
        raise RequestTimedOut(milliseconds=settings.request_timeout_ms)
