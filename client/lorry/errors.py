"""Every error that this package raises on purpose.

    LorryError
    ├── ServiceAddressUnknown   no URL was given and none could be found
    ├── TokenUnavailable        there is no usable token to call with
    ├── LorryUnreachable        nobody answered, also after retries
    ├── UnexpectedAnswer        somebody answered, but not as Lorry does
    ├── LorryProblem            the service refused: detail, errors, retry_after
    │   └── IdempotencyKeyReused    the key belongs to another request
    ├── JobNotReady             a download of a job that has not ended
    ├── JobFailed               the job ended as failed or cancelled
    ├── WaitTimedOut            the job did not end in time (it goes on)
    ├── NoArchive               the job was started without an archive
    ├── DownloadFailed          some files could not be had: report.missing, report.failed
    ├── ArchivesIncomplete      an archive could not be had (report.broken), or lacks files (report.missing, .failed)
    └── WebhookUnverified       a webhook is not what Lorry sent, or is too old (`lorry.webhooks`)

Errors carry values; `str(error)` is the sentence that a person reads. No error holds a token, a secret or a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lorry.model import FieldError, FileOutcome, Job
from lorry.retries import RETRIED_STATUSES

if TYPE_CHECKING:
    from lorry.report import ArchiveDownload, Download

IN_PROGRESS = "request_in_progress"
"""The code of the service for: the first request with this idempotency key is still being served."""

NAMED_FILES = 10
"""How many files the sentence of an error names before it goes on with a count."""


class LorryError(Exception):
    """Base of every error of this package.

    `code` is stable and meant for programs. `status` (of HTTP) and `request_id` are those of the answer that it comes
    from, None where it comes from none. `retryable`: the same call may succeed later, with nothing changed in it.
    """

    code: str = "lorry_error"
    status: int | None = None
    request_id: str | None = None
    retryable: bool = False


class ServiceAddressUnknown(LorryError):
    """No URL of the service was given, and none stands in the environment or in outputs.json."""

    code = "service_address_unknown"


class TokenUnavailable(LorryError):
    """The token cannot be had, or cannot be sent; the message is the reason and never shows the token."""

    code = "token_unavailable"


class LorryUnreachable(LorryError):
    """No answer came from `url`: refused, timed out or cut off, `attempts` times."""

    code = "unreachable"

    def __init__(self, *, url: str, reason: str, attempts: int, retryable: bool = True) -> None:
        self.url = url
        self.reason = reason
        self.attempts = attempts
        self.retryable = retryable
        times = "once" if attempts == 1 else f"{attempts} times"
        super().__init__(f"cannot reach {url} (tried {times}): {reason}")


class UnexpectedAnswer(LorryError):
    """`url` answered, but not as Lorry does: most often the address of something else."""

    code = "unexpected_answer"

    def __init__(self, *, url: str, reason: str) -> None:
        self.url = url
        self.reason = reason
        super().__init__(f"{url} did not answer as Lorry does ({reason}); is this the ApiUrl?")


class LorryProblem(LorryError):
    """The service refused a request, with problem+json (RFC 9457).

    `detail` is meant for people; `errors` names the offending places of the request; `retry_after` is in seconds,
    None when the service gave no time.
    """

    status: int

    def __init__(
        self,
        *,
        status: int,
        code: str,
        detail: str,
        errors: tuple[FieldError, ...] = (),
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = errors
        self.request_id = request_id
        self.retry_after = retry_after
        self.retryable = status in RETRIED_STATUSES or code == IN_PROGRESS
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        told = [f"{error.pointer}: {error.detail}" for error in self.errors]
        places = "".join(f"; {place}" for place in told if place not in self.detail)
        request = f" [request {self.request_id}]" if self.request_id else ""
        return f"{self.status} {self.code}: {self.detail}{places}{request}"


class IdempotencyKeyReused(LorryProblem):
    """The idempotency key was used for another request before. This request did nothing."""

    def _sentence(self) -> str:
        advice = "nothing was done; give a key of its own to each new request, or repeat the first one exactly"
        return f"{super()._sentence()}; {advice}"


class JobNotReady(LorryError):
    """The files of `job` cannot be downloaded yet: it has not ended. `Lorry.wait` waits for it."""

    code = "job_not_ready"
    retryable = True

    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__(f"job {job.id} is {job.status} ({job.progress}%), not ready")


class JobFailed(LorryError):
    """`job` ended without links: it failed (`job.error` says why, and gives the `code`) or was cancelled."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.code = job.error.code if job.error else f"job_{job.status}"
        reason = f": {job.error.message} ({job.error.code})" if job.error else ""
        verb = "was cancelled" if job.status == "cancelled" else "failed"
        super().__init__(f"job {job.id} {verb}{reason}")


class WaitTimedOut(LorryError, TimeoutError):
    """`job` had not ended when the time to wait was over. It goes on; wait again when you like."""

    code = "wait_timed_out"
    retryable = True

    def __init__(self, job: Job, seconds: float) -> None:
        self.job = job
        self.seconds = seconds
        super().__init__(f"job {job.id} is still {job.status} ({job.progress}%) after {seconds:g} s")


class DownloadFailed(LorryError):
    """Some files of a job are not in the folder. All the others are: `report` has the names and the figures."""

    code = "download_failed"

    def __init__(self, report: Download) -> None:
        self.report = report
        self.retryable = bool(report.failed)
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        wrong = [*self.report.missing, *self.report.failed]
        return f"{len(wrong)} of {self.report.total} files could not be downloaded: {_named(wrong)}"


class NoArchive(LorryError):
    """`job` was started without an archive: its files can be downloaded one by one."""

    code = "no_archive"

    def __init__(self, job: Job) -> None:
        self.job = job
        super().__init__(f"job {job.id} has no archive: it was started without one; download its files instead")


class ArchivesIncomplete(LorryError):
    """An archive could not be had, or files of the job are not in the archives. `report` has both.

    The archives at `report.paths` are whole and kept.
    """

    code = "archives_incomplete"

    def __init__(self, report: ArchiveDownload) -> None:
        self.report = report
        self.retryable = bool(report.broken)
        super().__init__("; ".join(filter(None, [self._broken(), self._lost()])))

    def _broken(self) -> str:
        broken = self.report.broken
        named = ", ".join(f"{ending.path} ({ending.reason})" for ending in broken)
        return f"{len(broken)} of {len(self.report.archives)} archives could not be had: {named}" if broken else ""

    def _lost(self) -> str:
        lost = [*self.report.missing, *self.report.failed]
        return f"{len(lost)} of {self.report.total} files are in no archive: {_named(lost)}" if lost else ""


class WebhookUnverified(LorryError):
    """A webhook that must not be believed: answer it with 400 and do nothing else. The message says what is wrong."""

    code = "webhook_unverified"


def _named(files: Sequence[FileOutcome]) -> str:
    named = ", ".join(f"{file.label} ({file.reason or file.state})" for file in files[:NAMED_FILES])
    return named + (f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else "")
