"""Every operation of the API, once: what it takes, what it answers, and how it may fail.

chalicelib.api.openapi makes the OpenAPI document of this table; tests hold the routes and their answers to it.
"""

from __future__ import annotations

from typing import Annotated, Any

from chalicelib import errors
from chalicelib.api import answers, parameters, schemas
from chalicelib.api.description import Access, Operation, Reply
from chalicelib.api.limits_answer import LimitsDocument
from chalicelib.delivery.job_summary import JobSummary

# What paths and methods answer that are no operations; every path answers OPTIONS with 204.
ELSEWHERE = (errors.RouteNotFound, errors.MethodNotAllowed)
# What any call may meet, and what any that is not public may.
ANYWHERE = (errors.TooManyRequests,)
INSIDE = (errors.Unauthenticated, errors.KeysUnavailable)
WITH_TICKET = (errors.SecretUnavailable,)

_WITH_BODY = (errors.InvalidRequest, errors.UnsupportedMediaType, errors.RequestTooLarge)
_OF_JOB = (errors.JobNotFound, errors.JobExpired, errors.RouteNotFound, errors.TableUnavailable)
_KEYED = (errors.InvalidRequest, errors.IdempotencyKeyReused, errors.RequestInProgress)

TAGS = {
    "Jobs": "Ask for many files at once, and see how far they are.",
    "Results": "Stable addresses that lead to links minted at that moment.",
    "Single files": "One file, without a job.",
    "Service": "The service itself; public but for the limits.",
}

_SAME_JOB = {"jobId": "$response.body#/jobId"}
_OF_STARTED_JOB = dict.fromkeys(("status", "cancel", "download", "events", "stream", "retry"), _SAME_JOB)
_TO_LINK = Reply("To the link; it needs no credentials and dies soon.", headers=("Location",))

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        id="initiate",
        method="POST",
        path="/v1/download/initiate",
        tag="Jobs",
        summary="Start a job",
        description=(
            "Answers as soon as the job is durable; from then on it ends in `ready`, `failed` or `cancelled`. "
            "Name the files by exactly one of `file_ids`, `keys` and `prefix`."
        ),
        parameters=(parameters.IDEMPOTENCY_KEY,),
        body=Annotated[schemas.InitiateRequest, schemas.EXACTLY_ONE],
        examples={
            "numbers": {"file_ids": [70000, 70001]},
            "an archive": {"file_ids": [70000, 70001], "archive": {"filename": "photos.zip"}, "linkTtlSeconds": 600},
        },
        replies={
            202: Reply(
                "The job is durable.",
                answers.JobStarted,
                headers=("Location", "Retry-After", "Idempotency-Replayed"),
                next=_OF_STARTED_JOB,
            )
        },
        errors=(
            *_WITH_BODY,
            *_KEYED,
            errors.TooManyFiles,
            errors.TableUnavailable,
            errors.QueueUnavailable,
        ),
    ),
    Operation(
        id="status",
        method="GET",
        path="/v1/download/status/{jobId}",
        tag="Jobs",
        summary="Read a job",
        description="Once the job is ready, links are minted at each read. More than 1,000 files come in pages.",
        parameters=(parameters.JOB_ID, parameters.FILES_CURSOR, parameters.FILES_LIMIT, parameters.IF_NONE_MATCH),
        replies={
            200: Reply(
                "The job as it stands.",
                answers.JobDocument,
                headers=("Retry-After", "ETag"),
                next={
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
        id="stream",
        method="GET",
        path="/v1/download/stream/{jobId}",
        tag="Jobs",
        summary="Watch a job",
        description=(
            "Server-sent events: `progress`, `ready`, `failed`, `cancelled`, each with a job as `data`. The answer "
            "ends at the first change or after some seconds; an EventSource comes back by itself."
        ),
        access=Access.TICKET,
        parameters=(parameters.JOB_ID, parameters.LAST_EVENT_ID),
        replies={
            200: Reply("Events, each as the schema has it.", answers.StreamedEvent, media_type="text/event-stream"),
            204: Reply("The last event was sent before: do not come back."),
        },
        errors=_OF_JOB,
    ),
    Operation(
        id="cancel",
        method="DELETE",
        path="/v1/download/{jobId}",
        tag="Jobs",
        summary="Cancel a job",
        description="Workers stop within seconds. Cancelling twice is fine.",
        parameters=(parameters.JOB_ID,),
        replies={202: Reply("The job is cancelled.", JobSummary)},
        errors=(*_OF_JOB, errors.JobAlreadyEnded, errors.QueueUnavailable),
    ),
    Operation(
        id="retry",
        method="POST",
        path="/v1/download/{jobId}/retry",
        tag="Jobs",
        summary="Run again what failed",
        parameters=(parameters.JOB_ID, parameters.IDEMPOTENCY_KEY),
        replies={
            202: Reply("The job goes on.", JobSummary, headers=("Retry-After", "Idempotency-Replayed")),
        },
        errors=(*_OF_JOB, *_KEYED, errors.NothingToRetry, errors.QueueUnavailable),
    ),
    Operation(
        id="jobs",
        method="GET",
        path="/v1/download/jobs",
        tag="Jobs",
        summary="List your jobs, newest first",
        parameters=(parameters.STATUS, parameters.JOBS_LIMIT, parameters.OPAQUE_CURSOR),
        replies={200: Reply("A page of jobs.", answers.JobsPage)},
        errors=(errors.InvalidRequest, errors.TableUnavailable),
    ),
    Operation(
        id="events",
        method="GET",
        path="/v1/download/{jobId}/events",
        tag="Jobs",
        summary="Read the audit trail of a job",
        description="Every transition, retry and read that issued links: what, when, by whom, by which request.",
        parameters=(parameters.JOB_ID, parameters.EVENTS_LIMIT, parameters.OPAQUE_CURSOR),
        replies={200: Reply("A page of events, oldest first.", answers.EventsPage)},
        errors=(errors.InvalidRequest, *_OF_JOB),
    ),
    Operation(
        id="download",
        method="GET",
        path="/v1/download/{jobId}",
        tag="Results",
        summary="Download what a job made",
        access=Access.TICKET,
        parameters=(parameters.JOB_ID,),
        replies={
            200: Reply("Several archives or files: the list of their links.", answers.JobDocument),
            302: _TO_LINK,
        },
        errors=(*_OF_JOB, errors.JobNotReady, errors.LinksUnavailable),
    ),
    Operation(
        id="downloadFile",
        method="GET",
        path="/v1/download/{jobId}/files/{number}",
        tag="Results",
        summary="Download one file of a job",
        access=Access.TICKET,
        parameters=(parameters.JOB_ID, parameters.NUMBER),
        replies={302: _TO_LINK},
        errors=(*_OF_JOB, errors.JobNotReady, errors.NoSuchResult, errors.LinksUnavailable),
    ),
    Operation(
        id="downloadArchive",
        method="GET",
        path="/v1/download/{jobId}/archives/{number}",
        tag="Results",
        summary="Download one archive of a job",
        access=Access.TICKET,
        parameters=(parameters.JOB_ID, parameters.NUMBER),
        replies={302: _TO_LINK},
        errors=(*_OF_JOB, errors.JobNotReady, errors.NoSuchResult, errors.LinksUnavailable),
    ),
    Operation(
        id="check",
        method="POST",
        path="/v1/download/check",
        tag="Single files",
        summary="See whether a file is there",
        parameters=(parameters.SENTRY_TEST,),
        body=schemas.CheckRequest,
        examples={"a file": {"file_id": 70000}},
        replies={200: Reply("Whether it is there.", answers.CheckAnswer)},
        errors=(*_WITH_BODY, errors.StorageError),
    ),
    Operation(
        id="start",
        method="POST",
        path="/v1/download/start",
        tag="Single files",
        summary="Wait for one file",
        description="Use `POST /v1/download/initiate` instead, which does not wait.",
        deprecated=True,
        body=schemas.CheckRequest,
        examples={"a file": {"file_id": 70000}},
        replies={200: Reply("What became of it.", answers.StartAnswer, headers=("Deprecation", "Link"))},
        errors=(*_WITH_BODY, errors.StorageError, errors.LinksUnavailable, errors.RequestTimedOut),
    ),
    Operation(
        id="limits",
        method="GET",
        path="/v1/limits",
        tag="Service",
        summary="Read the limits",
        replies={200: Reply("Every limit that the service enforces.", LimitsDocument)},
    ),
    Operation(
        id="index",
        method="GET",
        path="/",
        tag="Service",
        summary="See what this is",
        access=Access.PUBLIC,
        replies={200: Reply("Name, version, links.", answers.IndexDocument)},
    ),
    Operation(
        id="health",
        method="GET",
        path="/health",
        tag="Service",
        summary="See whether everything works",
        description="Answers within 3 seconds.",
        access=Access.PUBLIC,
        replies={
            200: Reply("Everything works.", answers.HealthDocument),
            503: Reply("Something does not: `error` stands at what failed.", answers.HealthDocument),
        },
    ),
    Operation(
        id="openapi",
        method="GET",
        path="/openapi",
        tag="Service",
        summary="Read this document",
        access=Access.PUBLIC,
        replies={200: Reply("OpenAPI 3.1.", dict[str, Any])},
    ),
    Operation(
        id="docs",
        method="GET",
        path="/docs",
        tag="Service",
        summary="Read and try this document in a browser",
        access=Access.PUBLIC,
        replies={200: Reply("A page.", str, media_type="text/html")},
    ),
    Operation(
        id="docsAsset",
        method="GET",
        path="/docs/{asset}",
        tag="Service",
        summary="Load a file of the page",
        access=Access.PUBLIC,
        parameters=(parameters.ASSET,),
        replies={200: Reply("A script or a style sheet.", str, media_type="text/*")},
        errors=(errors.RouteNotFound,),
    ),
)
