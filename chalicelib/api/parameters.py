"""Every parameter in a path, a query or a header, as operations share them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from chalicelib.api import answers, schemas
from chalicelib.api.description import Parameter
from chalicelib.delivery.job_summary import JobId
from chalicelib.jobs.model import JobStatus
from chalicelib.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS

JOB_ID = Parameter("jobId", "path", JobId, "As the job's first answer has it.")
NUMBER = Parameter("number", "path", answers.FileNumber, "`index` of the file or archive, counted from 0.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    Annotated[str, Meta(pattern=f"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}$")],
    "Any text of your own. However often a request is sent with it, it is served once, and its answer repeated.",
)
IF_NONE_MATCH = Parameter("If-None-Match", "header", str, "`ETag` of the answer you have.")
LAST_EVENT_ID = Parameter("Last-Event-ID", "header", str, "`id` of the last event you have; browsers send it.")
STATUS = Parameter("status", "query", JobStatus, "Only jobs in this status.")
OPAQUE_CURSOR = Parameter("cursor", "query", str, "`nextCursor` of the page before.")
SENTRY_TEST = Parameter("sentry_test", "query", bool, "`true` fails on purpose, to prove error tracking.", False)
ASSET = Parameter(
    "asset",
    "path",
    Annotated[str, Meta(extra_json_schema={"enum": ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"]})],
    "A file of the page.",
)


def _whole_number(number: schemas.WholeNumber, description: str) -> Parameter:
    kind = Annotated[int, Meta(ge=number.low, le=number.high)]
    return Parameter(number.name, "query", kind, description, number.default)


FILES_CURSOR = _whole_number(schemas.FILES_CURSOR, "`nextCursor` of the page before: the index of a file.")
FILES_LIMIT = _whole_number(schemas.FILES_LIMIT, "Most files of the page.")
JOBS_LIMIT = _whole_number(schemas.JOBS_LIMIT, "Most jobs of the page.")
EVENTS_LIMIT = _whole_number(schemas.EVENTS_LIMIT, "Most events of the page.")
