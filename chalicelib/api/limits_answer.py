"""The answer of GET /v1/limits as types. Sizes are bytes, times are seconds."""

from __future__ import annotations

from chalicelib.delivery.job_summary import Body, Size


class FileLimits(Body, frozen=True):
    """`idMin` to `idMax` are the numbers that a file may have."""

    per_job: int
    id_min: int
    id_max: int


class BodyLimits(Body, frozen=True):
    max_bytes: Size


class KeyLimits(Body, frozen=True):
    max_bytes: Size
    allowed_prefix: str


class PageLimits(Body, frozen=True):
    """Most entries of one page."""

    files: int
    jobs: int
    events: int


class LinkLimits(Body, frozen=True):
    """The range of `linkTtlSeconds`."""

    ttl_min_seconds: int
    ttl_max_seconds: int


class JobLimits(Body, frozen=True):
    """How long a job is there after it ended."""

    ttl_seconds: int


class ArchiveLimits(Body, frozen=True):
    """A larger archive is split into several."""

    max_bytes: Size


class CallbackUrlLimits(Body, frozen=True):
    max_characters: int


class IdempotencyKeyLimits(Body, frozen=True):
    """`ttlSeconds` is how long a key is remembered."""

    max_characters: int
    ttl_seconds: int


class RateLimits(Body, frozen=True):
    """Requests of one caller in a window; those for event streams are counted apart."""

    requests: int
    window_seconds: int
    stream_requests: int


class WebsocketLimits(Body, frozen=True):
    """Jobs that one connection may watch."""

    subscriptions: int


class LimitsDocument(Body, frozen=True):
    """Every limit that the service enforces."""

    files: FileLimits
    body: BodyLimits
    keys: KeyLimits
    pages: PageLimits
    links: LinkLimits
    jobs: JobLimits
    archive: ArchiveLimits
    callback_url: CallbackUrlLimits
    idempotency_key: IdempotencyKeyLimits
    rate: RateLimits
    websocket: WebsocketLimits
