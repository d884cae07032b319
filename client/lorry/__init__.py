"""Lorry's client: name files, get a job, wait, download.

    from lorry import Lorry

    with Lorry("http://127.0.0.1:4566/lorry") as lorry:
        job = lorry.start(file_ids=[70000, 70001])
        lorry.wait(job.id)
        lorry.download(job.id, "out")

In reading order: `client` (what you call) -> `model` (what you get) -> `errors` (what is raised) ->
`initiate` (what a job is asked for) -> `transport` and `retries` (how a request is sent) -> `download` (a whole job
to a folder) and `archive_download` (its ZIPs) -> `report` (what they tell) -> `links` and `transfer` (one file) ->
`part_file`, `names` and `zip_check` (the disk). `command` is the `lorry` command line.
"""

from lorry.client import Lorry
from lorry.errors import (
    ArchivesIncomplete,
    DownloadFailed,
    JobFailed,
    JobNotReady,
    LorryError,
    LorryProblem,
    LorryUnreachable,
    NoArchive,
    ServiceAddressUnknown,
    UnexpectedAnswer,
    WaitTimedOut,
)
from lorry.initiate import ArchiveOptions
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
    "Job",
    "JobBytes",
    "JobError",
    "JobFailed",
    "JobNotReady",
    "Lorry",
    "LorryError",
    "LorryProblem",
    "LorryUnreachable",
    "NoArchive",
    "Page",
    "RetryPolicy",
    "ServiceAddressUnknown",
    "StartedJob",
    "UnexpectedAnswer",
    "WaitTimedOut",
    "__version__",
]
