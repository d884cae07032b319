"""What answers are made of: the headers of every response, and documents about jobs and limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from chalicelib import limits as known
from chalicelib.api.answers import ArchiveDocument, EventDocument, FileDocument, JobDocument, JobStarted
from chalicelib.api.requests import max_link_ttl
from chalicelib.archive.names import file_name
from chalicelib.assembly.model import Archive
from chalicelib.callers import Verdict
from chalicelib.delivery.job_summary import job_links, job_summary, known_total, timestamp
from chalicelib.delivery.presign import Minter
from chalicelib.jobs.model import FileResult, FileState, Job, JobEvent, RequestedFile, is_linkable
from chalicelib.settings import Settings

# --- headers ----------------------------------------------------------------------------

SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "SAMEORIGIN",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
EXPOSED = (
    "Location, Retry-After, X-Request-ID, Allow, ETag, Idempotency-Replayed, Deprecation, Link, WWW-Authenticate, "
    "RateLimit, RateLimit-Policy, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset"
)
PREFLIGHT = {
    "Access-Control-Allow-Headers": (
        "Authorization, Content-Type, X-Request-ID, traceparent, Idempotency-Key, If-None-Match, Last-Event-ID"
    ),
    "Access-Control-Max-Age": "600",
}


def common_headers(cors_origins: tuple[str, ...], *, request_id: str, origin: str) -> dict[str, str]:
    """Headers of every response. `origin` is the caller's, empty for one that is no browser."""
    return {**SECURITY, "X-Request-ID": request_id, **_cors_headers(cors_origins, origin)}


def rate_limit_headers(verdict: Verdict) -> dict[str, str]:
    """The usual three, and those of draft-ietf-httpapi-ratelimit-headers."""
    policy = verdict.policy
    return {
        "RateLimit-Limit": str(policy.limit),
        "RateLimit-Remaining": str(verdict.remaining),
        "RateLimit-Reset": str(verdict.reset),
        "RateLimit-Policy": f'"{policy.name}";q={policy.limit};w={-(-policy.window // 1000)}',
        "RateLimit": f'"{policy.name}";r={verdict.remaining};t={verdict.reset}',
    }


def preflight_headers(methods: Sequence[str]) -> dict[str, str]:
    """What an answer to OPTIONS carries besides the common headers."""
    allowed = ", ".join(methods)
    return {"Allow": allowed, "Access-Control-Allow-Methods": allowed, **PREFLIGHT}


def _cors_headers(allowed: tuple[str, ...], origin: str) -> dict[str, str]:
    if "*" in allowed:
        return {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": EXPOSED}
    if origin in allowed:
        return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED, "Vary": "Origin"}
    return {"Vary": "Origin"}


_TEXT = {"type": "string"}
_WHOLE_NUMBER = {"type": "integer", "minimum": 0}
_SECONDS = {**_WHOLE_NUMBER, "description": "seconds"}
RATE_LIMIT = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset", "RateLimit-Policy", "RateLimit")
CORS = ("Access-Control-Allow-Origin", "Access-Control-Expose-Headers", "Vary")
ALWAYS = ("X-Request-ID", *SECURITY)
USUAL = (*ALWAYS, *RATE_LIMIT, *CORS)  # of every answer; gateways and proxies add their own
# Present wherever an answer names them; the others only sometimes.
_REQUIRED = {*ALWAYS, "Location", "Allow", "Deprecation"}


def _header(name: str, description: str, *, schema: dict[str, Any] = _TEXT, example: Any = None) -> dict[str, Any]:
    shown = {} if example is None else {"example": example}
    return {name: {"description": description, "schema": schema, **shown, "required": name in _REQUIRED}}


HEADERS: dict[str, dict[str, Any]] = {
    **_header("X-Request-ID", "Yours if it has 1 to 128 safe characters, else a new UUID; quote it in questions."),
    **_header("RateLimit-Limit", "Requests that you may send in a window.", schema=_WHOLE_NUMBER, example=2000),
    **_header("RateLimit-Remaining", "Requests left in this window.", schema=_WHOLE_NUMBER, example=1999),
    **_header("RateLimit-Reset", "Time until the window ends.", schema=_SECONDS, example=60),
    **_header("RateLimit-Policy", "`RateLimit-Limit` with the length of the window.", example='"default";q=2000;w=60'),
    **_header("RateLimit", "`RateLimit-Remaining` and `RateLimit-Reset`.", example='"default";r=1999;t=60'),
    **{
        name: header
        for security, value in SECURITY.items()
        for name, header in _header(security, "The same for nearly every answer.", example=value).items()
    },
    **_header("Access-Control-Allow-Origin", "Origin whose scripts may read this.", example="*"),
    **_header("Access-Control-Expose-Headers", "Headers that they may read."),
    **_header("Vary", "The answer depends on the origin.", example="Origin"),
    **_header("Location", "Where to continue.", schema={"type": "string", "format": "uri-reference"}),
    **_header("Retry-After", "How long to wait before the next request.", schema=_SECONDS, example=1),
    **_header("ETag", "Version of the job; send it as `If-None-Match`. Absent once the answer has links."),
    **_header("Allow", "Methods of this path.", example="GET, OPTIONS"),
    **_header("WWW-Authenticate", "How to authenticate.", example='Bearer error="invalid_token"'),
    **_header(
        "Idempotency-Replayed", "This is the answer to an earlier request with the same key.", schema={"const": "true"}
    ),
    **_header("Deprecation", "Deprecated since then (RFC 9745).", example="@1767225600"),
    **_header("Link", "What to use instead, or the next page.", example='</v1/jobs?cursor=5>; rel="next"'),
}


# --- documents --------------------------------------------------------------------------

Row = tuple[RequestedFile, FileResult]


def job_started(job: Job, base: str, *, ticket: str | None) -> JobStarted:
    """The answer to a new job."""
    return JobStarted(
        job_id=job.job_id,
        status=job.status,
        total_file_ids=known_total(job),
        duplicates=job.duplicates,
        links=job_links(job, base),
        ticket=ticket,
    )


def job_document(job: Job, rows: Sequence[tuple[int, Row]], *, minter: Minter | None, base: str) -> JobDocument:
    """A job with some of its files, by index, and with their links if there is a minter.

    Without cursor, archives and ticket.
    """
    return JobDocument(
        **msgspec.structs.asdict(job_summary(job, base)),
        files=[_file(job, row, index=index, base=base) for index, row in rows],
        result_urls=[_link(minter, row) for _, row in rows] if minter else None,
        links_expire_at=timestamp(minter.expires_at) if minter else None,
        next_cursor=None,
        archives=[],
        ticket=None,
    )


def archive_documents(
    job: Job, archives: Sequence[Archive], *, minter: Minter | None, base: str
) -> list[ArchiveDocument]:
    """The archives of a job, with links if there is a minter."""
    return [
        ArchiveDocument(
            index=index,
            filename=archive.filename,
            size=archive.size,
            entries=archive.entries,
            manifest=archive.manifest or None,
            long_paths=archive.long_paths,
            parts=archive.parts,
            crc_source=archive.crc_source,
            verified=archive.verified,
            cost=archive.cost,
            url=minter.link(archive.key, filename=archive.filename) if minter else None,
            address=f"{base}/v1/download/{job.job_id}/archives/{index}",
        )
        for index, archive in enumerate(archives)
    ]


def event_document(event: JobEvent) -> EventDocument:
    """One event of a job's audit trail."""
    actor = event.actor
    return EventDocument(
        kind=event.kind,
        at=timestamp(event.at),
        by=actor.by,
        request_id=actor.request_id,
        trace_id=actor.trace_id,
        details=event.details,
    )


# What the groups of GET /v1/limits mean.
LIMIT_GROUPS = {
    "files": "`idMin` to `idMax` are the numbers that a file may have.",
    "pages": "Maximum number of entries in a page.",
    "links": "The range of `linkTtlSeconds`.",
    "jobs": "How long a job is kept after its end.",
    "archive": "A larger archive is split into several.",
    "idempotencyKey": "A key belongs to its job; `ttlSeconds` is how long both are kept after its end.",
    "rate": "Requests of one caller in a window; those for event streams are counted separately.",
    "websocket": "Jobs that one connection may watch.",
}


def limits(settings: Settings) -> dict[str, dict[str, int | str]]:
    """Every limit that the service enforces, in groups: the figures that the validators use."""
    return {
        "files": {"perJob": known.MAX_FILES_PER_JOB, "idMin": known.FILE_ID_MIN, "idMax": known.FILE_ID_MAX},
        "body": {"maxBytes": known.MAX_BODY_BYTES},
        "keys": {"maxBytes": known.S3_MAX_KEY_BYTES, "allowedPrefix": settings.s3_allowed_prefix},
        "pages": {"files": known.MAX_PAGE_FILES, "jobs": known.MAX_PAGE_JOBS, "events": known.MAX_PAGE_EVENTS},
        "links": {"ttlMinSeconds": known.LINK_TTL_MIN_SECONDS, "ttlMaxSeconds": max_link_ttl(settings)},
        "jobs": {"ttlSeconds": settings.job_ttl_seconds},
        "archive": {"maxBytes": settings.archive_max_bytes},
        "callbackUrl": {"maxCharacters": known.MAX_CALLBACK_URL_CHARACTERS},
        "idempotencyKey": {
            "maxCharacters": known.MAX_IDEMPOTENCY_KEY_CHARACTERS,
            "ttlSeconds": settings.job_ttl_seconds,
        },
        "rate": {
            "requests": settings.rate_limit_max_requests,
            "windowSeconds": -(-settings.rate_limit_window_ms // 1000),
            "streamRequests": settings.rate_limit_stream_requests,
        },
        "websocket": {"subscriptions": known.MAX_SUBSCRIPTIONS},
    }


def _file(job: Job, row: Row, *, index: int, base: str) -> FileDocument:
    file, result = row
    return FileDocument(
        index=index,
        id=file.file_id,
        key=file.key,
        state=result.state,
        size=result.size,
        reason=result.reason,
        etag=result.etag,
        content_encoding=result.encoding,
        address=f"{base}/v1/download/{job.job_id}/files/{index}",
    )


def _link(minter: Minter, row: Row) -> str | None:
    file, result = row
    if result.state is not FileState.AVAILABLE or not is_linkable(file.key):
        return None
    return minter.link(file.key, filename=file_name(file.key))
