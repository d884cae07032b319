"""Lorry's client: name files, start a job, wait, download.

    from lorry import Lorry

    with Lorry("http://127.0.0.1:4566/lorry") as lorry:
        job = lorry.start(file_ids=[70000, 70001])
        lorry.wait(job.id)
        lorry.download(job.id, "out")

In reading order: `client` (what you call) -> `models` and `events` (what it returns) -> `errors` (what it raises)
-> `operations` (each call of the service) -> `transport`, `retries` and `access` (how requests are sent) -> `download`
and `archives` (a whole job) -> `reports` (their results) -> `transfer` (one file) -> `local_files` (the disk).
`webhooks` is for their receivers. `command` is the `lorry` command line.
"""

from lorry import webhooks
from lorry.access import Token
from lorry.async_client import AsyncLorry
from lorry.client import Lorry
from lorry.errors import (
    ArchivesIncomplete,
    ArchiveUnreadable,
    ConfigInvalid,
    DownloadFailed,
    IdempotencyKeyReused,
    JobFailed,
    JobNotReady,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TargetUnusable,
    TokenUnavailable,
    UnexpectedAnswer,
    WaitTimedOut,
    WebhookUnverified,
)
from lorry.events import JobChange, JobEvent
from lorry.models import (
    Archive,
    Availability,
    Counts,
    FieldError,
    FileOutcome,
    Job,
    JobBytes,
    JobError,
    Limits,
    Page,
    StartedJob,
    StoredObject,
)
from lorry.operations import ArchiveOptions
from lorry.reports import ArchiveDownload, ArchiveEnding, Download, DownloadListener, FileEnding
from lorry.retries import RetryPolicy
from lorry.verification import Verification, verify
from lorry.version import VERSION as __version__  # noqa: N811

__all__ = [
    "Archive",
    "ArchiveDownload",
    "ArchiveEnding",
    "ArchiveOptions",
    "ArchiveUnreadable",
    "ArchivesIncomplete",
    "AsyncLorry",
    "Availability",
    "ConfigInvalid",
    "Counts",
    "Download",
    "DownloadFailed",
    "DownloadListener",
    "FieldError",
    "FileEnding",
    "FileOutcome",
    "IdempotencyKeyReused",
    "Job",
    "JobBytes",
    "JobChange",
    "JobError",
    "JobEvent",
    "JobFailed",
    "JobNotReady",
    "Limits",
    "Lorry",
    "LorryError",
    "LorryProblem",
    "LorryUnreachable",
    "NoArchive",
    "Page",
    "RetryPolicy",
    "ServiceAddressUnknown",
    "StartedJob",
    "StoredObject",
    "TargetUnusable",
    "Token",
    "TokenUnavailable",
    "UnexpectedAnswer",
    "Verification",
    "WaitTimedOut",
    "WebhookUnverified",
    "__version__",
    "verify",
    "webhooks",
]
