"""Every error Lorry raises on purpose, with what the reader can do about it.

    LorryError                     code          retryable
    ├── RequestError
    │   ├── InvalidRequest         invalid_request        no
    │   ├── UnsupportedMediaType   unsupported_media_type no
    │   ├── RequestTooLarge        request_too_large      no
    │   ├── TooManyFiles           too_many_files         no
    │   ├── RouteNotFound          not_found              no
    │   ├── MethodNotAllowed       method_not_allowed     no
    │   ├── Unauthenticated        unauthenticated        no
    │   ├── TooManyRequests        too_many_requests      yes
    │   ├── IdempotencyKeyReused   idempotency_key_reused no
    │   ├── RequestInProgress      request_in_progress    yes
    │   └── RequestTimedOut        timeout                yes
    ├── JobError
    │   ├── JobNotFound            job_not_found          no
    │   ├── JobNotReady            job_not_ready          no
    │   ├── JobAlreadyEnded        job_already_ended      no
    │   ├── JobExpired             job_expired            no
    │   ├── NothingToRetry         nothing_to_retry       no
    │   └── NoSuchResult           no_such_result         no
    ├── StorageError
    │   ├── StorageUnavailable     storage_unavailable    yes
    │   ├── StorageThrottled       storage_throttled      yes
    │   ├── StorageForbidden       storage_forbidden      yes
    │   ├── SourceChanged          source_changed         no
    │   ├── ChecksumsNotTold       checksums_not_told     no
    │   ├── PlanChanged            plan_changed           no
    │   └── UploadGone             upload_gone            no
    ├── TableUnavailable           table_unavailable      yes
    ├── QueueUnavailable           queue_unavailable      yes
    ├── LinksUnavailable           links_unavailable      yes
    ├── KeysUnavailable            keys_unavailable       yes
    ├── SecretUnavailable          secret_unavailable     yes
    ├── UnreadableMessage          unreadable_message     no
    ├── WebhookUnreachable         webhook_unreachable    yes  (chalicelib.delivery.ports)
    ├── WebhookFailed              webhook_failed         yes  (chalicelib.delivery.webhooks)
    ├── UnsafeCallbackUrl          unsafe_callback_url    no   (chalicelib.delivery.callback_urls)
    ├── ArchiveTooLarge            archive_too_large      no   (chalicelib.archive.entries)
    └── InvalidSettings            invalid_settings       no

Errors carry values; `str(error)` is the sentence a person reads. `retryable` says whether the same work may
succeed later without anybody changing the request. Which HTTP status each becomes is decided in one place,
chalicelib.api.problems.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class LorryError(Exception):
    """Base of every error raised on purpose. `code` is stable and part of the public contract."""

    code = "internal_error"
    retryable = False


# --- what a caller asked for -------------------------------------------------


class RequestError(LorryError):
    """The request itself cannot be served, however often it is sent."""


@dataclass(frozen=True)
class FieldProblem:
    """One offending place of a request: a JSON pointer (RFC 6901) and what is wrong there."""

    pointer: str
    detail: str


class InvalidRequest(RequestError):
    """Bad JSON or bad values. `problems` names each offending field."""

    code = "invalid_request"

    def __init__(self, problems: Iterable[FieldProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{p.pointer or 'body'}: {p.detail}" for p in self.problems))


class UnsupportedMediaType(RequestError):
    code = "unsupported_media_type"

    def __init__(self, content_type: str) -> None:
        self.content_type = content_type
        super().__init__(f"Content-Type is {content_type!r}; send application/json")


class RequestTooLarge(RequestError):
    code = "request_too_large"

    def __init__(self, *, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"the body has {size:,} bytes; at most {limit:,} are accepted")


class TooManyFiles(RequestError):
    code = "too_many_files"

    def __init__(self, *, count: int, limit: int) -> None:
        self.count, self.limit = count, limit
        super().__init__(f"{count:,} files were asked for; one job takes at most {limit:,}, so split the request")


class RouteNotFound(RequestError):
    code = "not_found"

    def __init__(self, path: str) -> None:
        self.path = path
        super().__init__(f"there is nothing at {path}; GET / lists what there is")


class MethodNotAllowed(RequestError):
    code = "method_not_allowed"

    def __init__(self, *, method: str, path: str, allowed: Iterable[str]) -> None:
        self.method, self.path, self.allowed = method, path, tuple(sorted(allowed))
        super().__init__(f"{method} is not possible on {path}; use {', '.join(self.allowed)}")


class Unauthenticated(RequestError):
    """Nobody knows who is calling. `reason` says what is wrong with the credentials, and nothing about keys.

    `shown`: there were credentials, but they are not good.
    """

    code = "unauthenticated"

    def __init__(self, reason: str, *, shown: bool = True) -> None:
        self.reason, self.shown = reason, shown
        super().__init__(reason)


class TooManyRequests(RequestError):
    """The caller has used up its requests. `retry_after` is in seconds."""

    code = "too_many_requests"
    retryable = True

    def __init__(self, *, limit: int, window: int, retry_after: int) -> None:
        self.limit, self.window, self.retry_after = limit, window, retry_after
        super().__init__(f"more than {limit:,} requests in {window:,} s; go on in {retry_after:,} s")


class IdempotencyKeyReused(RequestError):
    code = "idempotency_key_reused"

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"Idempotency-Key {key!r} came with another request before; use a new key for a new request")


class RequestInProgress(RequestError):
    code = "request_in_progress"
    retryable = True

    def __init__(self, key: str) -> None:
        self.key = key
        super().__init__(f"the first request with Idempotency-Key {key!r} is still being served; send it again soon")


class RequestTimedOut(RequestError):
    code = "timeout"
    retryable = True

    def __init__(self, *, milliseconds: int) -> None:
        self.milliseconds = milliseconds
        super().__init__(f"not done within {milliseconds:,} ms; POST /v1/download/initiate does not wait at all")


# --- what became of a job ----------------------------------------------------


class JobError(LorryError):
    """The job exists no more, not yet, or not for this caller."""

    def __init__(self, job_id: str, sentence: str) -> None:
        self.job_id = job_id
        super().__init__(sentence)


class JobNotFound(JobError):
    code = "job_not_found"

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id, f"there is no job with jobId {job_id!r}")


class JobNotReady(JobError):
    code = "job_not_ready"

    def __init__(self, job_id: str, *, status: str, reason: str = "") -> None:
        self.status = status
        why = f": {reason}" if reason else ""
        super().__init__(job_id, f"job {job_id} is {status}{why}; there is nothing to download")


class JobAlreadyEnded(JobError):
    code = "job_already_ended"

    def __init__(self, job_id: str, *, status: str) -> None:
        self.status = status
        super().__init__(job_id, f"job {job_id} already ended as {status} and stays as it is")


class JobExpired(JobError):
    code = "job_expired"

    def __init__(self, job_id: str) -> None:
        super().__init__(job_id, f"job {job_id} has expired and its links are gone; start a new job")


class NothingToRetry(JobError):
    code = "nothing_to_retry"

    def __init__(self, job_id: str, *, status: str) -> None:
        self.status = status
        super().__init__(job_id, f"job {job_id} is {status} and nothing in it failed that another attempt could mend")


class NoSuchResult(JobError):
    """A file or an archive of a job that is not there. `what` names it, `reason` says why."""

    code = "no_such_result"

    def __init__(self, job_id: str, *, what: str, reason: str) -> None:
        self.what, self.reason = what, reason
        super().__init__(job_id, f"{what} of job {job_id} cannot be downloaded: {reason}")


# --- what Lorry stands on ----------------------------------------------------


class StorageError(LorryError):
    """The object store did not say whether an object is there. Never to be read as "missing"."""

    retryable = True

    def __init__(self, key: str, cause: str) -> None:
        self.key, self.cause = key, cause
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        return f"the store failed on {self.key!r}: {self.cause}"


class StorageUnavailable(StorageError):
    code = "storage_unavailable"


class StorageThrottled(StorageError):
    code = "storage_throttled"

    def _sentence(self) -> str:
        return f"the store asked to slow down at {self.key!r}: {self.cause}"


class StorageForbidden(StorageError):
    code = "storage_forbidden"

    def _sentence(self) -> str:
        return (
            f"the store refused access to {self.key!r}: {self.cause}; the role needs s3:GetObject on the objects "
            "and s3:ListBucket on the source bucket"
        )


class SourceChanged(StorageError):
    """An object is not the one that was planned with. `entry` is its number in the archive, -1 where nobody knows."""

    code = "source_changed"
    retryable = False

    def __init__(self, key: str, cause: str, *, entry: int = -1) -> None:
        self.entry = entry
        super().__init__(key, cause)

    def _sentence(self) -> str:
        return f"{self.key!r} changed while it was being read: {self.cause}"


class ChecksumsNotTold(StorageError):
    """CRC-32s were to come from the copies, and the store does not tell them."""

    code = "checksums_not_told"
    retryable = False


class PlanChanged(StorageError):
    """An archive that was begun under other settings or other code cannot be finished; it is planned anew."""

    code = "plan_changed"
    retryable = False


class UploadGone(StorageError):
    """A multipart upload was completed or aborted by somebody else."""

    code = "upload_gone"
    retryable = False


class TableUnavailable(LorryError):
    code = "table_unavailable"
    retryable = True


class QueueUnavailable(LorryError):
    code = "queue_unavailable"
    retryable = True


class KeysUnavailable(LorryError):
    """The issuer's keys cannot be fetched, and none are cached."""

    code = "keys_unavailable"
    retryable = True


class SecretUnavailable(LorryError):
    """The secret that tickets and webhooks are signed with cannot be read."""

    code = "secret_unavailable"
    retryable = True


class LinksUnavailable(LorryError):
    """There are no credentials to sign links with that live long enough."""

    code = "links_unavailable"
    retryable = True


class UnreadableMessage(LorryError):
    """A queue message that is not one of chalicelib.messages. No retry can help it."""

    code = "unreadable_message"


class InvalidSettings(LorryError):
    """The environment cannot be turned into settings. Names each variable and what it should hold."""

    code = "invalid_settings"
