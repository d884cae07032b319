"""Views that list: a job for other tools, and the store for who is about to name files."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from urllib.parse import urlencode

from msgspec.structs import replace

from chalicelib.api import requests
from chalicelib.api.answers import ObjectDocument, ObjectsPage
from chalicelib.api.middleware import Answer, Call, Text
from chalicelib.api.views_jobs import note_links, ready_job
from chalicelib.archive.names import file_name
from chalicelib.delivery.file_lists import CONTENT_TYPES, PLAIN, LinkKind, ListedFile, ListFormat, local_name, rendered
from chalicelib.delivery.job_summary import timestamp
from chalicelib.errors import FieldProblem, InvalidRequest
from chalicelib.jobs.model import FileState, Job, is_linkable
from chalicelib.jobs.service import FilePage
from chalicelib.limits import MAX_PAGE_HASHES

NOT_OURS = FieldProblem("/cursor", "is not a cursor that this service gave out")


def manifest(call: Call, job_id: str) -> Answer:
    """Lists the files of a ready job for another program, page by page."""
    kind = requests.choice("format", call.query("format"), choices=ListFormat) or ListFormat.CURL
    links = requests.choice("links", call.query("links"), choices=LinkKind) or LinkKind.DIRECT
    first = requests.FILES_CURSOR.read(call.query("cursor"))
    limit = requests.FILES_LIMIT.read(call.query("limit"))
    ticket_ttl = requests.TICKET_TTL.read(call.query("ticketTtlSeconds"))
    job = ready_job(call, job_id)
    if kind is ListFormat.SHA256SUM:
        limit = min(limit, MAX_PAGE_HASHES)
    page = call.services.jobs.files(job, first=first, limit=limit)
    tickets = replace(call.services.tickets, ttl=ticket_ttl)
    ticket = tickets.issue(job_id) if links is LinkKind.STABLE else None
    files = list(_with_urls(call, job, page=page, ticket=ticket))
    if kind is ListFormat.SHA256SUM:
        files = _with_hashes(call, files)
    elif links is LinkKind.DIRECT:
        note_links(call, job, count=sum(file.url is not None for file in files))
    text = Text(rendered(files, kind), CONTENT_TYPES.get(kind, PLAIN))
    return Answer(200, text, _next(call, job, cursor=page.next_index))


def objects(call: Call) -> Answer:
    """Lists objects and folders below a prefix, never outside the allowed one."""
    prefix = call.query("prefix") or call.services.settings.s3_allowed_prefix
    requests.check_keys([prefix], call.services.settings.s3_allowed_prefix, pointer="/prefix")
    delimiter = call.query("delimiter") or ""
    if delimiter not in ("", "/"):
        raise InvalidRequest([FieldProblem("/delimiter", "must be `/`, or absent")])
    token = _token(call.query("cursor"))
    limit = requests.FILES_LIMIT.read(call.query("limit"))
    page = call.services.source.page_below(prefix, delimiter=delimiter, token=token, limit=limit)
    if page is None:
        raise InvalidRequest([NOT_OURS])
    found = [
        ObjectDocument(key, stored.size, timestamp(stored.modified), stored.archived) for key, stored in page.objects
    ]
    cursor = base64.urlsafe_b64encode(page.token.encode()).decode() if page.token else None
    return Answer(200, ObjectsPage(prefix, found, list(page.folders), cursor))


def _token(cursor: str | None) -> str | None:
    """The store's own token in a cursor. Raises InvalidRequest."""
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode() if cursor else None
    except ValueError as error:
        raise InvalidRequest([NOT_OURS]) from error


def _with_urls(call: Call, job: Job, *, page: FilePage, ticket: str | None) -> Iterator[ListedFile]:
    minter = call.services.minter(job.link_ttl)
    prefix = job.prefix or call.services.settings.s3_allowed_prefix
    for index, (file, result) in enumerate(page.files, start=page.first):
        url = None
        if result.state is FileState.AVAILABLE and is_linkable(file.key):
            url = (
                minter.link(file.key, filename=file_name(file.key))
                if ticket is None
                else f"{_address(call, job)}/files/{index}?{urlencode({'ticket': ticket})}"
            )
        yield ListedFile(index, file, result, local_name(file, index, prefix=prefix), url)


def _with_hashes(call: Call, files: list[ListedFile]) -> list[ListedFile]:
    """Asks the store for what it knows; it costs a HEAD for each file."""
    services = call.services

    def known(file: ListedFile) -> ListedFile:
        found = services.source.sha256(file.file.key, file.result.etag or "") if file.url else None
        return replace(file, sha256=found)

    with services.system.executor(services.settings.check_threads) as executor:
        return list(executor.map(known, files))


def _address(call: Call, job: Job) -> str:
    """The job's URL, as other programs need it: with a host."""
    base = call.base
    if "://" not in base:
        base = f"{call.header('x-forwarded-proto') or 'https'}://{call.header('host')}{base}"
    return f"{base}/v1/download/{job.job_id}"


def _next(call: Call, job: Job, *, cursor: int | None) -> dict[str, str]:
    """A Link header to the next page, if there is one."""
    if cursor is None:
        return {}
    query = {**(call.request.query_params or {}), "cursor": str(cursor)}
    return {"Link": f'<{_address(call, job)}/manifest?{urlencode(query)}>; rel="next"'}
