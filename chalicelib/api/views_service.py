"""Views of the service itself and its documentation, and of single files without a job."""

from __future__ import annotations

import functools
from typing import NoReturn

import msgspec

from chalicelib import __version__
from chalicelib.api import rendering, requests
from chalicelib.api.answers import CheckAnswer, HealthDocument, IndexDocument, StartAnswer, WebhookSecrets
from chalicelib.api.middleware import Answer, Call, Text
from chalicelib.archive.names import file_name
from chalicelib.checking.checker import look_up_one
from chalicelib.errors import FieldProblem, InvalidRequest, OperatorOnly, RequestTimedOut
from chalicelib.jobs.model import FileResult, FileState
from chalicelib.settings import Settings

LINKS = {
    "dashboard": "/dashboard",
    "docs": "/docs",
    "openapi": "/openapi",
    "health": "/health",
    "limits": "/v1/limits",
    "initiate": "/v1/download/initiate",
}
RETRY_AFTER_UNHEALTHY = "5"  # seconds
START_DEPRECATED = "@1767225600"  # 2026-01-01, as RFC 9745 writes dates

# --- the service ------------------------------------------------------------------------


def index(call: Call) -> Answer:
    """Name, version and links."""
    links = {name: call.base + path for name, path in LINKS.items()}
    if call.services.settings.websocket_url:
        links["websocket"] = call.services.settings.websocket_url
    return Answer(200, IndexDocument("lorry", __version__, links))


def health(call: Call) -> Answer:
    """The result of every check."""
    checks = call.services.health.check()
    healthy = set(checks.values()) == {"ok"}
    if not healthy:
        return Answer(503, HealthDocument("unhealthy", checks), {"Retry-After": RETRY_AFTER_UNHEALTHY})
    return Answer(200, HealthDocument("healthy", checks))


def limits(call: Call) -> Answer:
    """Every limit that the service enforces."""
    return Answer(200, rendering.limits(call.services.settings))


def webhook_secret(call: Call) -> Answer:
    """What the caller verifies webhooks with."""
    if call.services.settings.auth_mode == "none":
        raise OperatorOnly("the secret of webhooks", "make secret")
    return Answer(200, WebhookSecrets(list(call.services.webhook_secrets(call.admission.principal))))


def openapi(call: Call) -> Answer:
    """The OpenAPI document of this deployment."""
    return Answer(200, Text(_document(call.base, call.services.settings), "application/json"))


@functools.lru_cache(maxsize=8)
def _document(base: str, settings: Settings) -> str:
    from chalicelib.api.openapi import document  # most containers are never asked for it

    return msgspec.json.encode(document(settings, base)).decode()


# --- single files -----------------------------------------------------------------------


def check(call: Call) -> Answer:
    """Whether a file exists."""
    if requests.flag("sentry_test", call.query("sentry_test")):
        _fail_on_purpose(call.services.settings)
    body = requests.check_request(call.json_body())
    key, found = _look_up(call, body.file_id)
    if found.state is FileState.AVAILABLE:
        return Answer(200, CheckAnswer(body.file_id, available=True, s3_key=key, size=found.size))
    reason = found.reason if found.state is FileState.FAILED and found.reason else msgspec.UNSET
    return Answer(200, CheckAnswer(body.file_id, available=False, s3_key=None, size=None, reason=reason))


def start(call: Call) -> Answer:
    """Waits for one file, as clients of the original service expect."""
    clock = call.services.system.monotonic
    began = clock()
    body = requests.check_request(call.json_body())
    _delay(call)
    key, found = _look_up(call, body.file_id)
    there = found.state is FileState.AVAILABLE
    minter = call.services.minter(call.services.settings.presigned_url_expiry_seconds)
    answer = StartAnswer(
        file_id=body.file_id,
        status="completed" if there else "failed",
        download_url=minter.link(key, filename=file_name(key)) if there else None,
        size=found.size if there else None,
        processing_time_ms=int((clock() - began) * 1000),
        message=_sentence(body.file_id, found),
    )
    successor = f'<{call.base}/v1/download/initiate>; rel="successor-version"'
    return Answer(200, answer, {"Deprecation": START_DEPRECATED, "Link": successor})


def _fail_on_purpose(settings: Settings) -> NoReturn:
    if not settings.sentry_test:
        raise InvalidRequest([FieldProblem("/sentry_test", "is refused here: the parameter SentryTest is false")])
    raise RuntimeError("raised on purpose, to test error tracking (sentry_test=true)")


def _look_up(call: Call, file_id: int) -> tuple[str, FileResult]:
    """The file's key, and what became of it. Raises StorageError if the store does not say."""
    key = requests.key_of(file_id, call.services.settings)
    return key, look_up_one(call.services.source, key)


def _sentence(file_id: int, found: FileResult) -> str:
    match found.state:
        case FileState.AVAILABLE:
            return "the file exists"
        case FileState.MISSING:
            return f"there is no file {file_id}"
    return f"file {file_id} cannot be read: {found.reason}"


def _delay(call: Call) -> None:
    """Off by default. A caller who waits longer than a gateway does is cut off, which is why jobs exist."""
    settings = call.services.settings
    if not settings.download_delay_enabled:
        return
    wait = call.services.system.uniform(settings.download_delay_min_ms, settings.download_delay_max_ms)
    call.services.system.sleep(min(wait, settings.request_timeout_ms) / 1000)
    if wait >= settings.request_timeout_ms:
        raise RequestTimedOut(milliseconds=settings.request_timeout_ms)
