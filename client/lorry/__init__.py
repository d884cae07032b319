"""Lorry's client: name files, get a job, wait, download.

    from lorry import Lorry

    with Lorry("http://127.0.0.1:4566/lorry") as lorry:
        job = lorry.start(file_ids=[70000, 70001])
        lorry.wait(job.id)
        lorry.download(job.id, "out")

In reading order: `client` (what you call) -> `model`, `trail` and `limits` (what you get) -> `errors` (what is raised)
-> `initiate` and `idempotency` (what a job is asked for) -> `reading` and `watching` (what is asked of it then) ->
`transport`, `credentials`, `problems` and `retries` (how a request is sent) -> `download` (a whole job to a folder) and
`archive_download` (its ZIPs) -> `report` (what they tell) -> `links` and `transfer` (one file) -> `part_file`, `names`
and `zip_check` (the disk). `webhooks` is for those who receive them. `command` is the `lorry` command line.
"""

from lorry import webhooks
from lorry.client import Lorry
from lorry.credentials import Token
from lorry.errors import (
    ArchivesIncomplete,
    DownloadFailed,
    IdempotencyKeyReused,
    JobFailed,
    JobNotReady,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    TokenUnavailable,
    UnexpectedAnswer,
    WaitTimedOut,
    WebhookUnverified,
)
from lorry.initiate import ArchiveOptions
from lorry.limits import Limits
from lorry.model import (
    Archive,
    Availability,
    Counts,
    FieldError,
    FileOutcome,
    Job,
    JobBytes,
    JobError,
    Page,
    StartedJob,
)
from lorry.report import ArchiveDownload, ArchiveEnding, Download, DownloadListener, FileEnding
from lorry.retries import RetryPolicy
from lorry.trail import JobChange, JobEvent
from lorry.version import VERSION as __version__

__all__ = [
    "Archive",
    "ArchiveDownload",
    "ArchiveEnding",
    "ArchiveOptions",
    "ArchivesIncomplete",
    "Availability",
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
    "Token",
    "TokenUnavailable",
    "UnexpectedAnswer",
    "WaitTimedOut",
    "WebhookUnverified",
    "__version__",
    "webhooks",
]
