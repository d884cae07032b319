"""The limits of a service, as it tells them itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lorry.model import Answer


@dataclass(frozen=True)
class Limits:
    """Figures that the service enforces; one that it left out is None.

    Sizes are bytes and times seconds. A job may have `job_files` files; `page_*` are the most entries of one page, and
    links live for `link_seconds_min` to `link_seconds_max`. A caller may send `requests` in `rate_seconds`, beside
    `stream_requests` for event streams. `answer` is the service's own JSON object.
    """

    job_files: int | None = None
    file_id_min: int | None = None
    file_id_max: int | None = None
    body_bytes: int | None = None
    key_bytes: int | None = None
    key_prefix: str | None = None
    page_files: int | None = None
    page_jobs: int | None = None
    page_events: int | None = None
    link_seconds_min: int | None = None
    link_seconds_max: int | None = None
    job_seconds: int | None = None
    archive_bytes: int | None = None
    callback_url_characters: int | None = None
    idempotency_key_characters: int | None = None
    idempotency_key_seconds: int | None = None
    requests: int | None = None
    rate_seconds: int | None = None
    stream_requests: int | None = None
    subscriptions: int | None = None
    answer: Answer = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def from_answer(cls, answer: Answer) -> Limits:
        """Reads the answer of limits."""
        told = {name: _group(answer, group).get(member) for name, (group, member) in PLACES.items()}
        return cls(**told, answer=answer)


PLACES: Mapping[str, tuple[str, str]] = {
    "job_files": ("files", "perJob"),
    "file_id_min": ("files", "idMin"),
    "file_id_max": ("files", "idMax"),
    "body_bytes": ("body", "maxBytes"),
    "key_bytes": ("keys", "maxBytes"),
    "key_prefix": ("keys", "allowedPrefix"),
    "page_files": ("pages", "files"),
    "page_jobs": ("pages", "jobs"),
    "page_events": ("pages", "events"),
    "link_seconds_min": ("links", "ttlMinSeconds"),
    "link_seconds_max": ("links", "ttlMaxSeconds"),
    "job_seconds": ("jobs", "ttlSeconds"),
    "archive_bytes": ("archive", "maxBytes"),
    "callback_url_characters": ("callbackUrl", "maxCharacters"),
    "idempotency_key_characters": ("idempotencyKey", "maxCharacters"),
    "idempotency_key_seconds": ("idempotencyKey", "ttlSeconds"),
    "requests": ("rate", "requests"),
    "rate_seconds": ("rate", "windowSeconds"),
    "stream_requests": ("rate", "streamRequests"),
    "subscriptions": ("websocket", "subscriptions"),
}
"""Where each figure stands in the answer: its group, and its name there."""


def _group(answer: Answer, name: str) -> Answer:
    group = answer.get(name) or {}
    if not isinstance(group, Mapping):
        raise TypeError(f"{name} is no object")
    return group
