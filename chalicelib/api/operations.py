"""The HTTP API as a table: every operation once, with its access, parameters, bodies, headers and errors.

chalicelib.api.routes serves it, chalicelib.api.openapi describes it, infra makes the gateway's part of it.
"""

from __future__ import annotations

from chalicelib import errors
from chalicelib.api import contract
from chalicelib.api.contract import LINK, STREAM, Operation, Reply
from chalicelib.api.operations_service import SERVICE, WITH_BODY

TAGS = {
    "Jobs": "Request many files at once and follow the progress.",
    "Results": "Stable addresses that redirect to a fresh link.",
    "Single files": "One file, without a job.",
    "Service": "The service itself. Public, except for the limits.",
}

_OF_JOB = (errors.JobNotFound, errors.JobExpired, errors.RouteNotFound, errors.TableUnavailable)

_SAME_JOB = {"jobId": "$response.body#/jobId"}
_OF_STARTED_JOB = dict.fromkeys(("status", "cancel", "download", "events", "stream", "retry"), _SAME_JOB)
_TO_LINK = Reply(
    "Redirect to the link, which needs no credentials and expires soon. For HEAD, the link is signed for HEAD.",
    headers=("Location",),
)

_JOBS: tuple[Operation, ...] = (
    Operation(
        route="POST /v1/download/initiate",
        view="views_jobs.initiate",
        tag="Jobs",
        summary="Start a job",
        description=(
            "Answers as soon as the job is durable; from then on it ends in `ready`, `failed` or `cancelled`. "
            "Name the files by exactly one of `file_ids`, `keys` and `prefix`."
        ),
        parameters=(contract.IDEMPOTENCY_KEY,),
        body="requests.Initiate",
        examples={
            "numbers": {"file_ids": [70000, 70001]},
            "an archive": {"file_ids": [70000, 70001], "archive": {"filename": "photos.zip"}, "linkTtlSeconds": 600},
        },
        replies={
            202: Reply(
                "The job is durable.",
                "answers.JobStarted",
                headers=("Location", "Retry-After", "Idempotency-Replayed"),
                links=_OF_STARTED_JOB,
            )
        },
        errors=(
            *WITH_BODY,
            errors.TooManyFiles,
            errors.IdempotencyKeyReused,
            errors.JobExpired,
            errors.TableUnavailable,
            errors.QueueUnavailable,
        ),
    ),
    Operation(
        route="GET /v1/download/status/{job_id}",
        view="views_jobs.status",
        tag="Jobs",
        summary="Read a job",
        description="Once the job is ready, each read returns fresh links. More than 1,000 files come in pages.",
        parameters=(
            contract.JOB_ID,
            contract.STATE,
            contract.FILES_CURSOR,
            contract.FILES_LIMIT,
            contract.IF_NONE_MATCH,
        ),
        replies={
            200: Reply(
                "The job and a page of its files.",
                "answers.JobDocument",
                headers=("Retry-After", "ETag"),
                links={
                    **_OF_STARTED_JOB,
                    "downloadFile": {**_SAME_JOB, "number": "0"},
                    "downloadArchive": {**_SAME_JOB, "number": "0"},
                },
            ),
            304: Reply("Nothing has changed. Never for a job that has ended.", headers=("Retry-After", "ETag")),
        },
        errors=(errors.InvalidRequest, *_OF_JOB, errors.LinksUnavailable),
    ),
    Operation(
        route="GET /v1/download/stream/{job_id}",
        view="views_jobs.stream",
        tag="Jobs",
        summary="Follow a job",
        description=(
            "Server-sent events: `progress`, `ready`, `failed`, `cancelled`, each with a job as `data`. The response "
            "ends at the first change or after some seconds; an EventSource reconnects by itself."
        ),
        access=STREAM,
        parameters=(contract.JOB_ID, contract.LAST_EVENT_ID),
        replies={
            200: Reply("Events as described by the schema.", "answers.StreamedEvent", media_type="text/event-stream"),
            204: Reply("The final event was sent before: do not reconnect."),
        },
        errors=(errors.InvalidRequest, *_OF_JOB),
    ),
    Operation(
        route="DELETE /v1/download/{job_id}",
        view="views_jobs.cancel",
        tag="Jobs",
        summary="Cancel or purge a job",
        description=(
            "Workers stop within seconds. Cancelling twice is not an error. With `?purge=true` the job, which may have "
            "ended, counts as expired from then on, and only its audit trail stays. Purging twice is not an error."
        ),
        parameters=(contract.JOB_ID, contract.PURGE),
        replies={
            202: Reply("The job is cancelled.", "answers.JobSummary"),
            204: Reply("The job is purged."),
        },
        errors=(*_OF_JOB, errors.InvalidRequest, errors.JobAlreadyEnded, errors.QueueUnavailable),
    ),
    Operation(
        route="POST /v1/download/{job_id}/retry",
        view="views_jobs.retry",
        tag="Jobs",
        summary="Retry what failed",
        description=(
            "Also of a ready job that lacks files which may be readable by now: archived, forbidden, changed. They are "
            "looked up again, and a new archive is built."
        ),
        parameters=(contract.JOB_ID, contract.IDEMPOTENCY_KEY),
        replies={
            202: Reply("The job continues.", "answers.JobSummary", headers=("Retry-After", "Idempotency-Replayed")),
        },
        errors=(*_OF_JOB, errors.InvalidRequest, errors.NothingToRetry, errors.QueueUnavailable),
    ),
    Operation(
        route="GET /v1/download/jobs",
        view="views_jobs.jobs",
        tag="Jobs",
        summary="List your jobs, newest first",
        parameters=(
            contract.STATUS,
            contract.LABEL,
            contract.CREATED_AFTER,
            contract.CREATED_BEFORE,
            contract.JOBS_LIMIT,
            contract.OPAQUE_CURSOR,
        ),
        replies={200: Reply("A page of jobs.", "answers.JobsPage")},
        errors=(errors.InvalidRequest, errors.TableUnavailable),
    ),
    Operation(
        route="GET /v1/download/{job_id}/events",
        view="views_jobs.events",
        tag="Jobs",
        summary="Read the audit trail of a job",
        description="Every transition, every retry, and reads that returned links: what, when, who, which request. "
        "Reads of one caller in five minutes are one line.",
        parameters=(contract.JOB_ID, contract.EVENTS_LIMIT, contract.OPAQUE_CURSOR),
        replies={200: Reply("A page of events, oldest first.", "answers.EventsPage")},
        errors=(errors.InvalidRequest, errors.JobNotFound, errors.RouteNotFound, errors.TableUnavailable),
    ),
    Operation(
        route="GET /v1/download/{job_id}/manifest",
        view="views_lists.manifest",
        tag="Results",
        summary="List a job for other tools",
        description=(
            "`curl -K`, `aria2c -i`, `wget --content-disposition -i` and PowerShell fetch what the list names; "
            "`csv` and `jsonl` have every file. `sha256sum` has what the store knows, and names the files of which it "
            "knows nothing."
        ),
        parameters=(
            contract.JOB_ID,
            contract.FORMAT,
            contract.LINKS,
            contract.TICKET_TTL,
            contract.FILES_CURSOR,
            contract.FILES_LIMIT,
        ),
        replies={200: Reply("A page of the list.", "str", headers=("Link",), media_type="text/*")},
        errors=(
            errors.InvalidRequest,
            *_OF_JOB,
            errors.JobNotReady,
            errors.LinksUnavailable,
            errors.SecretUnavailable,
            errors.StorageError,
        ),
    ),
    Operation(
        route="GET /v1/download/{job_id}",
        view="views_jobs.download",
        tag="Results",
        summary="Download the result of a job",
        access=LINK,
        parameters=(contract.JOB_ID, contract.INLINE),
        replies={
            200: Reply("Several archives or files: the list of their links.", "answers.JobDocument"),
            302: _TO_LINK,
        },
        errors=(errors.InvalidRequest, *_OF_JOB, errors.JobNotReady, errors.LinksUnavailable),
    ),
    Operation(
        route="GET /v1/download/{job_id}/files/{number}",
        view="views_jobs.download_file",
        tag="Results",
        summary="Download one file of a job",
        access=LINK,
        parameters=(contract.JOB_ID, contract.NUMBER, contract.INLINE),
        replies={302: _TO_LINK},
        errors=(errors.InvalidRequest, *_OF_JOB, errors.JobNotReady, errors.NoSuchResult, errors.LinksUnavailable),
    ),
    Operation(
        route="GET /v1/download/{job_id}/archives/{number}",
        view="views_jobs.download_archive",
        tag="Results",
        summary="Download one archive of a job",
        access=LINK,
        parameters=(contract.JOB_ID, contract.NUMBER, contract.INLINE),
        replies={302: _TO_LINK},
        errors=(errors.InvalidRequest, *_OF_JOB, errors.JobNotReady, errors.NoSuchResult, errors.LinksUnavailable),
    ),
)

OPERATIONS = (*_JOBS, *SERVICE)
