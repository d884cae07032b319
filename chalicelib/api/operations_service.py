"""The operations that are about no job: single files, and the service itself. Part of the table in operations.py."""

from __future__ import annotations

from chalicelib import errors
from chalicelib.api import contract
from chalicelib.api.contract import PUBLIC, Operation, Reply

WITH_BODY = (errors.InvalidRequest, errors.UnsupportedMediaType, errors.RequestTooLarge)
_PAGE = {
    200: Reply("A page, a script, a style sheet or an image.", "str", headers=("ETag",), media_type="text/*"),
    304: Reply("The page that you have is current.", headers=("ETag",)),
}

SERVICE: tuple[Operation, ...] = (
    Operation(
        route="POST /v1/download/check",
        view="views_service.check",
        tag="Single files",
        summary="Check whether a file exists",
        parameters=(contract.SENTRY_TEST,),
        body="requests.CheckRequest",
        examples={"a file": {"file_id": 70000}},
        replies={200: Reply("Whether the file exists.", "answers.CheckAnswer")},
        errors=(*WITH_BODY, errors.StorageError),
    ),
    Operation(
        route="GET /v1/objects",
        view="views_lists.objects",
        tag="Single files",
        summary="Browse what requests may name",
        description="A page may hold fewer entries than `limit`, and still have a successor.",
        parameters=(contract.BROWSED, contract.DELIMITER, contract.OBJECTS_LIMIT, contract.OPAQUE_CURSOR),
        replies={200: Reply("A page of objects and folders.", "answers.ObjectsPage")},
        errors=(errors.InvalidRequest, errors.StorageError),
    ),
    Operation(
        route="POST /v1/download/start",
        view="views_service.start",
        tag="Single files",
        summary="Wait for one file",
        description="Use `POST /v1/download/initiate` instead, which does not wait.",
        deprecated=True,
        body="requests.CheckRequest",
        examples={"a file": {"file_id": 70000}},
        replies={200: Reply("The outcome.", "answers.StartAnswer", headers=("Deprecation", "Link"))},
        errors=(*WITH_BODY, errors.StorageError, errors.LinksUnavailable, errors.RequestTimedOut),
    ),
    Operation(
        route="GET /v1/limits",
        view="views_service.limits",
        tag="Service",
        summary="Read the limits",
        replies={200: Reply("Every limit that the service enforces.", "rendering.limits")},
    ),
    Operation(
        route="GET /v1/webhook-secret",
        view="views_service.webhook_secret",
        tag="Service",
        summary="Read the secret that your webhooks are signed with",
        description="Each caller has its own. With `AUTH_MODE` none all share one, which only the operator reads.",
        replies={200: Reply("The caller's secrets.", "answers.WebhookSecrets")},
        errors=(errors.OperatorOnly, errors.SecretUnavailable),
    ),
    Operation(
        route="GET /",
        view="views_service.index",
        tag="Service",
        summary="Name, version and links of the service",
        access=PUBLIC,
        replies={200: Reply("Name, version, links.", "answers.IndexDocument")},
    ),
    Operation(
        route="GET /health",
        view="views_service.health",
        tag="Service",
        summary="Check whether the service works",
        description="Answers within 3 seconds.",
        access=PUBLIC,
        replies={
            200: Reply("Every check passed.", "answers.HealthDocument"),
            503: Reply("A check failed: it says `error`.", "answers.HealthDocument"),
        },
    ),
    Operation(
        route="GET /openapi",
        view="views_service.openapi",
        tag="Service",
        summary="Read this document",
        access=PUBLIC,
        replies={200: Reply("OpenAPI 3.1.", "dict")},
    ),
    Operation(
        route="GET /docs",
        view="views_pages.docs",
        tag="Service",
        summary="Read and try this document in a browser",
        access=PUBLIC,
        replies={200: Reply("A page.", "str", media_type="text/html")},
    ),
    Operation(
        route="GET /docs/{asset}",
        view="views_pages.docs_asset",
        tag="Service",
        summary="Load a file of the page",
        access=PUBLIC,
        parameters=(contract.ASSET, contract.IF_NONE_MATCH),
        replies={
            200: Reply("A script or a style sheet.", "str", headers=("ETag",), media_type="text/*"),
            304: Reply("The browser has it.", headers=("ETag",)),
        },
        errors=(errors.RouteNotFound,),
    ),
    Operation(
        route="GET /dashboard",
        view="views_pages.dashboard",
        tag="Service",
        summary="Use the service in a browser",
        description="Start downloads, follow them, fetch their results.",
        access=PUBLIC,
        parameters=(contract.IF_NONE_MATCH,),
        replies=_PAGE,
    ),
    Operation(
        route="GET /dashboard/{part}",
        view="views_pages.dashboard_part",
        tag="Service",
        summary="Open a page of the dashboard, or load a file of it",
        access=PUBLIC,
        parameters=(contract.DASHBOARD_PART, contract.IF_NONE_MATCH),
        replies=_PAGE,
        errors=(errors.RouteNotFound,),
    ),
    Operation(
        route="GET /dashboard/jobs/{page}",
        view="views_pages.dashboard_job",
        tag="Service",
        summary="Open a job in the dashboard",
        access=PUBLIC,
        parameters=(contract.DASHBOARD_JOB, contract.IF_NONE_MATCH),
        replies=_PAGE,
    ),
)
