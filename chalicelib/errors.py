"""Every error Lorry raises on purpose.

    LorryError
    ├── RequestError   InvalidRequest, UnsupportedMediaType, RequestTooLarge, TooManyFiles, RouteNotFound,
    │                  MethodNotAllowed, Unauthenticated, OperatorOnly, TooManyRequests, IdempotencyKeyReused,
    │                  RequestTimedOut, UnsafeCallbackUrl
    ├── JobError       JobNotFound, JobNotReady, JobAlreadyEnded, JobExpired, NothingToRetry, NoSuchResult
    ├── StorageError   StorageUnavailable, StorageThrottled, StorageForbidden, ObjectRefused, SourceChanged,
    │                  ChecksumsMissing, UploadGone, UploadRefused, UploadPending, OutOfTime
    ├── Unavailable    TableUnavailable, QueueUnavailable, LinksUnavailable, KeysUnavailable, SecretUnavailable
    └── ArchiveTooLarge, UnknownFormat, WebhookUnreachable, WebhookFailed, WebhookLimited, UnreadableMessage,
        InvalidSettings

`str(error)` is its `template` filled with its values: what happened, to what, what the reader can do. `code` is a part
of the public contract; `retryable` work may succeed later. An `outage` is no fault of the work that met it, which waits
until it is over. The HTTP status of each is in chalicelib.api.problems.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple, dataclass_transform


@dataclass_transform()
class LorryError(Exception):
    """A subclass annotates its values; they are the arguments of its constructor, in this order."""

    code = "internal_error"
    retryable = False
    outage = False
    template = "{cause}"
    fields: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, *, code: str = "", retryable: bool | None = None) -> None:
        cls.code = code or cls.code
        cls.retryable = cls.retryable if retryable is None else retryable
        cls.fields += tuple(name for name in cls.__annotations__ if name not in cls.fields)

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given)
        self.__dict__.update(zip(self.fields, given, strict=False), **named)

    def __str__(self) -> str:
        return self.template.format_map({name: getattr(self, name) for name in self.fields})


class RequestError(LorryError):
    """The request cannot be served as it is."""


class FieldProblem(NamedTuple):
    """One invalid place of a request: a JSON pointer (RFC 6901) and what is wrong there."""

    pointer: str
    detail: str


class InvalidRequest(RequestError, code="invalid_request"):
    """Invalid JSON or invalid values. `problems` names each invalid field."""

    problems: Sequence[FieldProblem]

    def __str__(self) -> str:
        return "; ".join(f"{problem.pointer or 'body'}: {problem.detail}" for problem in self.problems)


class UnsupportedMediaType(RequestError, code="unsupported_media_type"):
    """The body is not declared as JSON."""

    template = "Content-Type is {content_type!r}; send application/json"
    content_type: str


class RequestTooLarge(RequestError, code="request_too_large"):
    """The body exceeds the limit. Sizes are bytes."""

    template = "the body has {size:,} bytes; at most {limit:,} are accepted"
    size: int
    limit: int


class TooManyFiles(RequestError, code="too_many_files"):
    """A request names more files than a job takes."""

    template = "{count:,} files were requested; a job takes at most {limit:,}, so split the request"
    count: int
    limit: int


class RouteNotFound(RequestError, code="not_found"):
    """No route has this path."""

    template = "no route matches {path}; GET / lists the main ones"
    path: str


class MethodNotAllowed(RequestError, code="method_not_allowed"):
    """The path exists, but not for this method."""

    template = "{method} is not allowed on {path}; use {allowed}"
    method: str
    path: str
    allowed: str


class Unauthenticated(RequestError, code="unauthenticated"):
    """Credentials are missing or invalid. `reason` reveals nothing about keys; `shown` is False if there were none."""

    template = "{reason}"
    reason: str
    shown: bool = True


class OperatorOnly(RequestError, code="operator_only"):
    """Callers are not distinguished and share this, so only the operator may read it."""

    template = (
        "callers are not distinguished here (AUTH_MODE none) and share {what}; the operator reads it by `{command}`"
    )
    what: str
    command: str


class TooManyRequests(RequestError, code="too_many_requests", retryable=True):
    """The caller has used up its requests. `window` and `retry_after` are seconds."""

    template = "more than {limit:,} requests in {window:,} s; retry in {retry_after:,} s"
    limit: int
    window: int
    retry_after: int


class IdempotencyKeyReused(RequestError, code="idempotency_key_reused"):
    """One Idempotency-Key, two different requests."""

    template = "Idempotency-Key {key!r} was used for a different request; use a new key for a new request"
    key: str


class RequestTimedOut(RequestError, code="timeout", retryable=True):
    """A request that waits for its file has waited too long."""

    template = "not finished within {milliseconds:,} ms; POST /v1/download/initiate returns at once"
    milliseconds: int


class UnsafeCallbackUrl(RequestError, code="unsafe_callback_url"):
    """Nothing is sent to this URL. `reason` follows "the callback URL" and names no resolved address."""

    template = "the callback URL {reason}"
    reason: str


class JobError(LorryError):
    """The job is missing, in the wrong state, or not visible to this caller."""

    job_id: str


class JobNotFound(JobError, code="job_not_found"):
    """There is no such job, or it belongs to another caller."""

    template = "there is no job with jobId {job_id!r}"


class JobNotReady(JobError, code="job_not_ready"):
    """The job has no results. `reason` follows its status; `retry_after` is seconds, None if it never has any."""

    template = "job {job_id} is {status}{reason}; there is nothing to download"
    status: str
    reason: str = ""
    retry_after: int | None = None


class JobAlreadyEnded(JobError, code="job_already_ended"):
    """An ended job cannot be cancelled."""

    template = "job {job_id} has already ended as {status}"
    status: str


class JobExpired(JobError, code="job_expired"):
    """The job and its links have expired."""

    template = "job {job_id} and its links have expired; start a new job"


class NothingToRetry(JobError, code="nothing_to_retry"):
    """Nothing in the job failed in a way that a retry could fix."""

    template = "job {job_id} is {status} and has no failure that a retry could fix"
    status: str


class NoSuchResult(JobError, code="no_such_result"):
    """A file or archive of a job cannot be downloaded. `what` names it, `reason` says why."""

    template = "{what} of job {job_id} cannot be downloaded: {reason}"
    what: str
    reason: str


class StorageError(LorryError, retryable=True):
    """The object store did not say whether an object exists. Never to be read as "missing"."""

    template = "the store failed on {key!r}: {cause}"
    key: str
    cause: str


class StorageUnavailable(StorageError, code="storage_unavailable"):
    """The store failed or did not answer; no `outage`: its answer is about this request alone."""

    outage: bool = True


class StorageThrottled(StorageError, code="storage_throttled"):
    """The store asked to slow down."""

    outage = True
    template = "the store throttled requests at {key!r}: {cause}"


class StorageForbidden(StorageError, code="storage_forbidden"):
    """The store refused access."""

    template = "the store refused access to {key!r}: {cause}"


class ObjectRefused(StorageForbidden):
    """The store refuses to read one object, by its own code in `cause`. `reason` is that of the file."""

    template = "the store refused {key!r}: {cause}"
    reason: str


class SourceChanged(StorageError, code="source_changed", retryable=False):
    """An object is not the one that was planned with. `entry` is its number in the archive, -1 if unknown."""

    template = "{key!r} changed while it was being read: {cause}"
    entry: int = -1


class ChecksumsMissing(StorageError, code="checksums_missing", retryable=False):
    """CRC-32s were to come from the copies, and the store does not return them."""


class UploadGone(StorageError, code="upload_gone", retryable=False):
    """A multipart upload was completed or aborted by another worker."""

    refused = False


class UploadRefused(UploadGone, code="upload_refused", retryable=False):
    """The store will not complete a multipart upload, which is gone."""

    refused = True


class UploadPending(StorageError, code="upload_pending"):
    """A multipart upload is being completed, which may take the store minutes."""

    outage = True
    template = "the store has not yet completed {key!r}: {cause}"


class OutOfTime(StorageError, code="out_of_time"):
    """A worker stopped before its time was over; what it has done of its message is kept."""

    outage = True
    template = "the time of a worker was too short for {key!r}: {cause}"


class UnknownFormat(LorryError, code="unknown_format", retryable=True):
    """A stored plan is of a version that this code does not read, as after a roll-back; newer code may read it."""

    template = "a stored {kind} cannot be read by this version of the code: {cause}"
    kind: str
    cause: str


class ArchiveTooLarge(LorryError, code="archive_too_large"):
    """S3 cannot hold the archive in one object. Sizes are bytes."""

    template = "the archive would have {size:,} bytes; one object takes at most {limit:,}: split it"
    size: int
    limit: int


class Unavailable(LorryError, retryable=True):
    """A service that Lorry depends on failed or did not answer."""

    outage = True
    cause: str


class TableUnavailable(Unavailable, code="table_unavailable"):
    """The job table failed or did not answer."""


class QueueUnavailable(Unavailable, code="queue_unavailable"):
    """A queue failed or did not answer."""


class LinksUnavailable(Unavailable, code="links_unavailable"):
    """No credentials that live long enough to sign links with."""


class KeysUnavailable(Unavailable, code="keys_unavailable"):
    """The issuer's keys cannot be fetched, and none are cached."""


class SecretUnavailable(Unavailable, code="secret_unavailable"):
    """The secret that signs tickets and webhooks cannot be read."""


class WebhookUnreachable(LorryError, code="webhook_unreachable", retryable=True):
    """The receiver sent no HTTP answer. `reason` names neither addresses nor internals."""

    template = "the receiver of the webhook did not answer: {reason}"
    reason: str


class WebhookFailed(LorryError, code="webhook_failed", retryable=True):
    """The receiver answered with an HTTP status that is not 2xx."""

    template = "the receiver of the webhook answered HTTP {status}{hint}"
    status: int

    def __str__(self) -> str:
        hint = "; redirects are not followed" if 300 <= self.status < 400 else ""
        return self.template.format(status=self.status, hint=hint)


class WebhookLimited(LorryError, code="webhook_limited", retryable=True):
    """So many webhooks were sent for one caller, or to one host, that others wait."""

    template = "{what}: {limit:,} were sent within this minute (WEBHOOK_RATE_LIMIT); this one is sent later"
    what: str
    limit: int


class UnreadableMessage(LorryError, code="unreadable_message"):
    """A queue message that is not one of chalicelib.messages. Retrying cannot help."""

    cause: str


class InvalidSettings(LorryError, code="invalid_settings"):
    """The environment does not make valid settings. Names each variable and what it should hold."""

    cause: str
