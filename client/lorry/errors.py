"""Every error that this package raises on purpose.

    LorryError
    ├── ServiceAddressUnknown       no address was given and none was found
    ├── ConfigInvalid               the configuration file or the profile cannot be used
    ├── TokenUnavailable            there is no token, or it cannot be sent
    ├── LorryUnreachable            no answer arrived, even after retries
    ├── UnexpectedAnswer            the answer is not one of Lorry's
    ├── LorryProblem                the service refused: detail, errors, retry_after
    │   └── IdempotencyKeyReused    the key belongs to a different request
    ├── JobNotReady                 the job has not ended yet
    ├── JobFailed                   the job failed or was cancelled
    ├── WaitTimedOut                the job did not end in time; it keeps running
    ├── NoArchive                   the job was started without an archive
    ├── TargetUnusable              the folder cannot be written to, or the disk is full
    ├── ArchiveUnreadable           entries of an archive cannot be read from the store
    ├── DownloadFailed              files could not be downloaded: report.missing, report.failed
    ├── ArchivesIncomplete          archives could not be downloaded, or lack files: report
    └── WebhookUnverified           a webhook is not genuine, or too old

Errors carry values; `str(error)` renders the class's `template` with them. No error holds a token, a secret or a link.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from lorry.models import FieldError, FileOutcome, Job
from lorry.names import printable
from lorry.retries import RETRIED_STATUSES

if TYPE_CHECKING:
    from lorry.reports import ArchiveDownload, Download

FOREIGN_CODE = "http_"
"""Begins the codes of refusals that are not the service's own, such as the HTML pages of proxies: http_403."""

NAMED_FILES = 10
"""How many files a message names before it only counts the rest."""


class LorryError(Exception):
    """Base of every error of this package.

    `code` is stable and meant for programs. `status` (of HTTP) and `request_id` are those of the response that caused
    the error, None without one. `retryable`: the same call may succeed later. `template` makes the message.
    """

    code: str = "lorry_error"
    status: int | None = None
    request_id: str | None = None
    retryable: bool = False
    template: ClassVar[str] = "{reason}"
    reason: str = ""

    def __str__(self) -> str:
        return self.template.format_map(_Attributes(self))

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self}>"


class _Attributes(dict[str, Any]):
    """The attributes of an error by name, for `str.format_map`."""

    def __init__(self, error: LorryError) -> None:
        super().__init__()
        self._error = error

    def __missing__(self, name: str) -> Any:
        return getattr(self._error, name)


@dataclass(eq=False, repr=False)
class ServiceAddressUnknown(LorryError):
    """No address of the service was given, or it is not a URL; `reason` says where it was looked for."""

    reason: str = "no service address is known"
    code = "service_address_unknown"


@dataclass(eq=False, repr=False)
class ConfigInvalid(LorryError):
    """The configuration file cannot be read, or the profile or setting does not exist; `reason` says which."""

    reason: str
    code = "config_invalid"


@dataclass(eq=False, repr=False)
class TokenUnavailable(LorryError):
    """There is no token, or it cannot be sent; `reason` never contains the token."""

    reason: str = "no token is available"
    code = "token_unavailable"


@dataclass(eq=False, repr=False, kw_only=True)
class LorryUnreachable(LorryError):
    """No response arrived from `url` in `attempts` attempts: refused, timed out or cut off."""

    url: str
    reason: str
    attempts: int
    retryable: bool = True
    code = "unreachable"
    template = "cannot reach {url} (tried {times}): {reason}"

    @property
    def times(self) -> str:
        """The number of attempts in words."""
        return "once" if self.attempts == 1 else f"{self.attempts} times"


@dataclass(eq=False, repr=False, kw_only=True)
class UnexpectedAnswer(LorryError):
    """The server at `url` is not Lorry, or not a version that this client understands."""

    url: str
    reason: str
    code = "unexpected_answer"
    template = "{url} is not a Lorry service ({reason}); use the ApiUrl of the stack, with its path (such as /lorry)"


@dataclass(eq=False, repr=False, kw_only=True)
class LorryProblem(LorryError):
    """The service refused a request, with problem+json (RFC 9457).

    `detail` is for people; `errors` names the invalid members of the request; `retry_after` is in seconds, None when
    the service gave no time.
    """

    status: int
    code: str
    detail: str
    errors: tuple[FieldError, ...] = ()
    request_id: str | None = None
    retry_after: float | None = None
    template = "{status} {code}: {detail}{places}{request}"

    def __post_init__(self) -> None:
        self.retryable = self.status in RETRIED_STATUSES

    @property
    def genuine(self) -> bool:
        """False for a refusal without a code of the service, as by a proxy in front of it."""
        return not self.code.startswith(FOREIGN_CODE)

    @property
    def places(self) -> str:
        """The invalid members that `detail` does not name, each after a semicolon."""
        places = (f"{error.pointer}: {error.detail}" for error in self.errors)
        return "".join(f"; {place}" for place in places if place not in self.detail)

    @property
    def request(self) -> str:
        """The request id in brackets, for the operator of the service."""
        return f" [request {self.request_id}]" if self.request_id else ""


class IdempotencyKeyReused(LorryProblem):
    """The idempotency key was used for a different request before. This request did nothing."""

    template = LorryProblem.template + "; nothing was done: use a new key, or repeat the first request exactly"


@dataclass(eq=False, repr=False)
class JobNotReady(LorryError):
    """The files of `job` cannot be downloaded before it ends. `Lorry.wait` waits for it."""

    job: Job
    code = "job_not_ready"
    retryable = True
    template = "job {job.id} is {job.status} ({job.progress}%), not ready"


@dataclass(eq=False, repr=False)
class JobFailed(LorryError):
    """`job` failed (`job.error` says why, `code` is its code) or was cancelled."""

    job: Job
    template = "job {job.id} {ending}{reason}"

    def __post_init__(self) -> None:
        error = self.job.error
        self.code = error.code if error else f"job_{self.job.status}"
        self.reason = f": {error.message} ({error.code})" if error else ""

    @property
    def ending(self) -> str:
        """How the job ended, as a verb."""
        return "was cancelled" if self.job.status == "cancelled" else "failed"


@dataclass(eq=False, repr=False)
class WaitTimedOut(LorryError, TimeoutError):
    """`job` has not ended after `seconds`. It keeps running; you can wait again."""

    job: Job
    seconds: float
    code = "wait_timed_out"
    retryable = True
    template = "job {job.id} is still {job.status} ({job.progress}%) after {seconds:g} s"


@dataclass(eq=False, repr=False)
class NoArchive(LorryError):
    """`job` was started without an archive: download its files one by one."""

    job: Job
    code = "no_archive"
    template = "job {job.id} was started without an archive; download its files instead"


@dataclass(eq=False, repr=False)
class TargetUnusable(LorryError, OSError):
    """Files cannot be written to the folder `path`: it is missing, read-only or full."""

    path: Path
    reason: str
    code = "target_unusable"
    template = "cannot write to {path}: {reason}"


@dataclass(eq=False, repr=False)
class ArchiveUnreadable(LorryError):
    """The entries of an archive cannot be read from the store."""

    reason: str
    code = "archive_unreadable"
    template = "cannot read the archive: {reason}"


@dataclass(eq=False, repr=False)
class DownloadFailed(LorryError):
    """Some files of a job could not be downloaded. `report` names them; all other files are in the folder."""

    report: Download
    code = "download_failed"
    template = "{lost} of {report.total} files could not be downloaded: {names}"

    def __post_init__(self) -> None:
        self.retryable = bool(self.report.failed)

    @property
    def lost(self) -> int:
        """How many files are missing or failed."""
        return len(self.report.missing) + len(self.report.failed)

    @property
    def names(self) -> str:
        """The first of those files with their reasons."""
        return _named([*self.report.missing, *self.report.failed])


@dataclass(eq=False, repr=False)
class ArchivesIncomplete(LorryError):
    """An archive could not be downloaded, or files of the job are in no archive. `report` names both.

    The archives at `report.paths` are complete.
    """

    report: ArchiveDownload
    code = "archives_incomplete"

    def __post_init__(self) -> None:
        self.retryable = bool(self.report.broken)
        self.reason = "; ".join(self._reasons())

    def _reasons(self) -> Iterator[str]:
        report, lost = self.report, [*self.report.missing, *self.report.failed]
        if report.broken:
            named = ", ".join(f"{ending.path} ({ending.reason})" for ending in report.broken)
            yield f"{len(report.broken)} of {len(report.archives)} archives could not be downloaded: {named}"
        if lost:
            yield f"{len(lost)} of {report.total} files are in no archive: {_named(lost)}"


@dataclass(eq=False, repr=False)
class WebhookUnverified(LorryError):
    """A webhook that must not be trusted: answer it with 400 and do nothing else. `reason` says what is wrong."""

    reason: str = "the webhook is not genuine"
    code = "webhook_unverified"


def _named(files: Sequence[FileOutcome]) -> str:
    named = ", ".join(
        f"{printable(file.label)} ({printable(file.reason or file.state)})" for file in files[:NAMED_FILES]
    )
    return named + (f" and {len(files) - NAMED_FILES} more" if len(files) > NAMED_FILES else "")
