"""What the table of operations is written in: access policies, parameters, headers and replies.

Types and views are given by name, such as "answers.JobStarted". Every function imports the table, because app.py
registers the routes; only the function of the API needs what the names stand for.
"""

from __future__ import annotations

import pkgutil
import re
from typing import Any

from msgspec import Struct

from chalicelib.errors import LorryError

JSON = "application/json"


class AccessPolicy(Struct, frozen=True):
    """Who may call an operation, and how its calls are counted.

    `credentials` are asked for where AUTH_MODE is not none; a ticket for the job in the path is as good with `tickets`.
    `counter` names the rate limit.
    """

    credentials: bool = True
    tickets: bool = False
    counter: str = "default"


AUTHENTICATED = AccessPolicy()
LINK = AccessPolicy(tickets=True)
STREAM = AccessPolicy(tickets=True, counter="streams")
ANONYMOUS = AccessPolicy(credentials=False)
PUBLIC = AccessPolicy(credentials=False, counter="public")


class Parameter(Struct, frozen=True):
    """A parameter in the `place` path, query or header. `type` names a type, or a number of chalicelib.api.requests."""

    name: str
    place: str
    type: str
    description: str
    default: Any = None


class Reply(Struct, frozen=True):
    """A reply that is no problem. `body` names its type; `headers` are those beside what every reply carries.

    `links` are the ids of operations to continue with, with their parameters.
    """

    description: str
    body: str = ""
    headers: tuple[str, ...] = ()
    media_type: str = JSON
    links: dict[str, dict[str, str]] = {}


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one path: its `route`. `errors` are those beside what every operation may answer."""

    route: str
    view: str
    tag: str
    summary: str
    description: str = ""
    access: AccessPolicy = AUTHENTICATED
    parameters: tuple[Parameter, ...] = ()
    body: str = ""
    examples: dict[str, Any] = {}
    replies: dict[int, Reply]
    errors: tuple[type[LorryError], ...] = ()
    deprecated: bool = False

    @property
    def id(self) -> str:
        """The name of its view, in camelCase."""
        return camel_case(self.view.partition(".")[2])

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.route.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path, with names of parameters as Chalice has them: {job_id}."""
        return self.route.partition(" ")[2]

    @property
    def answers_head(self) -> bool:
        """Whether monitors and download managers may ask with HEAD."""
        return self.method == "GET" and self.access in (PUBLIC, LINK)


def camel_case(name: str) -> str:
    """jobId for job_id, as names in JSON are."""
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), name)


def resolve(name: str) -> Any:
    """What a name in the table stands for."""
    module, _, attribute = name.rpartition(".")
    return pkgutil.resolve_name(f"chalicelib.api.{module}:{attribute}" if module else f"builtins:{attribute}")


# --- parameters -------------------------------------------------------------------------

JOB_ID = Parameter("job_id", "path", "answers.JobId", "`jobId` of the job, as in the answer that started it.")
NUMBER = Parameter("number", "path", "answers.FileNumber", "`index` of the file or archive, counted from 0.")
ASSET = Parameter("asset", "path", "requests.Asset", "A file of the page.")
DASHBOARD_PART = Parameter("part", "path", "str", "A page of the dashboard, or a file of its pages.")
DASHBOARD_JOB = Parameter("page", "path", "str", "`jobId` of the job to show.")
IDEMPOTENCY_KEY = Parameter(
    "Idempotency-Key",
    "header",
    "requests.IdempotencyKey",
    "Any text of your own. Requests with the same key have the effect of one.",
)
IF_NONE_MATCH = Parameter("If-None-Match", "header", "str", "`ETag` of the answer you have.")
LAST_EVENT_ID = Parameter("Last-Event-ID", "header", "str", "`id` of the last event you have; browsers send it.")
STATUS = Parameter("status", "query", "answers.JobStatus", "Only jobs with this status.")
LABEL = Parameter("label", "query", "requests.Label", "Only jobs with exactly this label.")
CREATED_AFTER = Parameter("createdAfter", "query", "answers.Moment", "Only jobs created then or later; with a zone.")
CREATED_BEFORE = Parameter("createdBefore", "query", "answers.Moment", "Only jobs created then or earlier.")
STATE = Parameter("state", "query", "answers.FileState", "Only files in this state: a page may hold few, even none.")
BROWSED = Parameter("prefix", "query", "str", "What keys begin with; absent: everything that requests may name.")
DELIMITER = Parameter("delimiter", "query", "requests.Delimiter", "`/`: what has another one is a folder.")
OBJECTS_LIMIT = Parameter("limit", "query", "requests.FILES_LIMIT", "Maximum number of objects and folders.")
FORMAT = Parameter("format", "query", "answers.ListFormat", "What the list is written for.", "curl")
LINKS = Parameter("links", "query", "answers.LinkKind", "Links, or addresses of this API with a ticket.", "direct")
TICKET_TTL = Parameter("ticketTtlSeconds", "query", "requests.TICKET_TTL", "How long tickets of addresses are valid.")
OPAQUE_CURSOR = Parameter("cursor", "query", "str", "`nextCursor` of the previous page.")
SENTRY_TEST = Parameter(
    "sentry_test",
    "query",
    "bool",
    "`true` raises an error on purpose, to test error tracking, where the parameter SentryTest is true.",
    False,
)
INLINE = Parameter("inline", "query", "requests.ShortFlag", "`1`: a browser shows the file instead of saving it.", "0")
PURGE = Parameter(
    "purge", "query", "bool", "`true`: also removes archives, files and links, of a job that has ended, too.", False
)
FILES_CURSOR = Parameter(
    "cursor", "query", "requests.FILES_CURSOR", "`nextCursor` of the previous page: the index of a file."
)
FILES_LIMIT = Parameter("limit", "query", "requests.FILES_LIMIT", "Maximum number of files in the page.")
JOBS_LIMIT = Parameter("limit", "query", "requests.JOBS_LIMIT", "Maximum number of jobs in the page.")
EVENTS_LIMIT = Parameter("limit", "query", "requests.EVENTS_LIMIT", "Maximum number of events in the page.")
