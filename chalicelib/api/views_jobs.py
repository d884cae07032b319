"""Views of jobs and their results. A view parses, makes one call, and renders."""

from __future__ import annotations

import hashlib
import re
import uuid

import msgspec
from msgspec.structs import replace

from chalicelib.api import requests
from chalicelib.api.answers import EventsPage, JobDocument, JobsPage
from chalicelib.api.middleware import Answer, Call, Text
from chalicelib.api.rendering import archive_documents, event_document, job_document, job_started
from chalicelib.api.requests import job_id_from
from chalicelib.archive.names import file_name
from chalicelib.assembly.model import Archive
from chalicelib.checking.checker import wants_all
from chalicelib.delivery.job_summary import event_name, job_summary
from chalicelib.delivery.presign import Minter
from chalicelib.errors import FieldProblem, InvalidRequest, JobNotReady, NoSuchResult, SecretUnavailable
from chalicelib.jobs.model import NOT_LINKABLE, FileState, Job, JobStatus, is_linkable
from chalicelib.jobs.ports import JobFilter
from chalicelib.jobs.service import RequestKey
from chalicelib.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS, MAX_PAGE_FILES
from chalicelib.observability import logger

POLL_SECONDS = 1
NAMESPACE = uuid.UUID("5c2f7c0e-7d0a-4f6e-9d3b-6a6c1f0b8e21")  # of the jobs that an Idempotency-Key names
REPLAYED = {"Idempotency-Replayed": "true"}

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}")

# --- jobs -------------------------------------------------------------------------------


def initiate(call: Call) -> Answer:
    """Starts a job."""
    body = requests.initiate_request(call.json_body())
    request = requests.new_job(body, call.services.settings)
    key = request_key(call, route="initiate", content=_content_of(body))
    job, replayed = call.services.jobs.start(request, call.actor, key=key)
    answer = job_started(job, call.base, ticket=_ticket(call, job.job_id))
    headers = {"Location": answer.links.status, "Retry-After": str(POLL_SECONDS)}
    return Answer(202, answer, {**headers, **(REPLAYED if replayed else {})})


def status(call: Call, job_id: str) -> Answer:
    """Reads a job with a page of its files."""
    first = requests.FILES_CURSOR.read(call.query("cursor"))
    limit = requests.FILES_LIMIT.read(call.query("limit"))
    state = requests.choice("state", call.query("state"), choices=FileState)
    job = job_of(call, job_id)
    document = msgspec.structs.replace(
        document_of(call, job, first=first, limit=limit, state=state), ticket=_ticket(call, job.job_id)
    )
    headers = _polling(job.status)
    if not job.status.ended:  # an answer with links is never the same, because each read mints them again
        headers["ETag"] = f'W/"{hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:32]}"'
        if _matches(call.header("if-none-match"), headers["ETag"]):
            return Answer(304, None, headers)
    return Answer(200, document, headers)


def cancel(call: Call, job_id: str) -> Answer:
    """Cancels a job, or purges it."""
    if requests.flag("purge", call.query("purge")):
        call.services.jobs.purge(job_id_from(job_id), call.actor)
        return Answer(204)
    job = call.services.jobs.cancel(job_id_from(job_id), call.actor)
    return Answer(202, job_summary(job, call.base))


def retry(call: Call, job_id: str) -> Answer:
    """Retries what failed in a job."""
    key = request_key(call, route="retry", content=b"")
    job, replayed = call.services.jobs.retry(job_id_from(job_id), call.actor, key=key.job_id if key else "")
    return Answer(202, job_summary(job, call.base), {**_polling(job.status), **(REPLAYED if replayed else {})})


def jobs(call: Call) -> Answer:
    """Lists the caller's jobs."""
    limit = requests.JOBS_LIMIT.read(call.query("limit"))
    wanted = JobFilter(
        requests.choice("status", call.query("status"), choices=JobStatus),
        requests.converted("label", call.query("label"), kind=requests.Label),
        requests.moment("createdAfter", call.query("createdAfter")),
        requests.moment("createdBefore", call.query("createdBefore")),
    )
    page = call.services.jobs.jobs(call.actor.by, wanted=wanted, limit=limit, cursor=call.query("cursor"))
    return Answer(200, JobsPage([job_summary(job, call.base) for job in page.jobs], page.next_cursor))


def events(call: Call, job_id: str) -> Answer:
    """Reads a job's audit trail, which outlives the job."""
    limit = requests.EVENTS_LIMIT.read(call.query("limit"))
    job = call.services.jobs.known(job_id_from(job_id), None if call.admission.by_ticket else call.actor.by)
    page = call.services.jobs.events(job, limit=limit, cursor=call.query("cursor"))
    return Answer(200, EventsPage([event_document(event) for event in page.events], page.next_cursor))


def stream(call: Call, job_id: str) -> Answer:
    """Server-sent events. The id of the last event, a version of the job, says what the reader has seen."""
    last = call.header("last-event-id")
    seen = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else None
    update = call.services.long_poller.follow(
        job_of(call, job_id), seen, read=lambda: job_of(call, job_id), reader=call.admission.rate_limit_key
    )
    if update is None:
        return Answer(204)
    text = _event(call, update.job) if update.job else ": nothing new\n\n"
    return Answer(200, Text(f"retry: {update.reconnect_ms}\n\n{text}", "text/event-stream; charset=utf-8"))


def _event(call: Call, job: Job) -> str:
    data = msgspec.json.encode(job_summary(job, call.base)).decode()
    return f"event: {event_name(job)}\nid: {job.version}\ndata: {data}\n\n"


def _ticket(call: Call, job_id: str) -> str | None:
    """A ticket for the job; None if it cannot be signed now, because the answer is useful without it."""
    try:
        return call.services.tickets.issue(job_id)
    except SecretUnavailable as error:
        logger.warning("no ticket issued", job_id=job_id, error=str(error))
        return None


def _matches(if_none_match: str, etag: str) -> bool:
    """Compares weakly, as RFC 9110 says."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return if_none_match.strip() == "*" or etag.removeprefix("W/") in tags


def _polling(status: JobStatus) -> dict[str, str]:
    return {} if status.ended else {"Retry-After": str(POLL_SECONDS)}


# --- results ----------------------------------------------------------------------------


def download(call: Call, job_id: str) -> Answer:
    """Redirects to the only archive or file; lists the links of several."""
    job = ready_job(call, job_id)
    archives = call.services.archives_of(job)
    if len(archives) == 1:
        return _to_archive(call, job, archive=archives[0])
    if job.total == 1 and not archives:
        return _to_file(call, job, index=0)
    _inline(call)
    return Answer(200, document_of(call, job, first=0, limit=MAX_PAGE_FILES))


def download_file(call: Call, *, job_id: str, number: str) -> Answer:
    """The stable address of a file, which leads to it as soon as it is checked, unless the client wants all or none."""
    job = job_of(call, job_id)
    if job.status.ended or wants_all(job) or not job.listed:
        _require_ready(job)
    return _to_file(call, job, index=_index(job, number, count=job.total, what="file"))


def download_archive(call: Call, *, job_id: str, number: str) -> Answer:
    """The stable address of an archive."""
    job = ready_job(call, job_id)
    archives = call.services.archives_of(job)
    return _to_archive(call, job, archive=archives[_index(job, number, count=len(archives), what="archive")])


def job_of(call: Call, job_id: str) -> Job:
    """The job, if it is the caller's or the caller has a ticket for it. Raises JobNotFound and JobExpired."""
    return call.services.jobs.read(job_id_from(job_id), None if call.admission.by_ticket else call.actor.by)


def document_of(call: Call, job: Job, *, first: int, limit: int, state: FileState | None = None) -> JobDocument:
    """The job with a page of its files, or those of the page in a `state`. Without a ticket.

    If it is ready, with links, which the audit trail notes.
    """
    services = call.services
    page = services.jobs.files(job, first=first, limit=limit)
    ready = job.status is JobStatus.READY
    rows = [(page.first + n, row) for n, row in enumerate(page.files) if state in (None, row[1].state)]
    document = job_document(job, rows, minter=services.minter(job.link_ttl) if ready else None, base=call.base)
    document = msgspec.structs.replace(document, next_cursor=page.next_index and str(page.next_index))
    archives = services.archives_of(job)
    minter = services.archive_minter(job.link_ttl) if ready and archives else None
    rendered = archive_documents(job, archives, minter=minter, base=call.base)
    document = msgspec.structs.replace(document, archives=rendered)
    links = [archive.url for archive in document.archives] + list(document.result_urls or ())
    note_links(call, job, count=len([link for link in links if link]))
    return document


def ready_job(call: Call, job_id: str) -> Job:
    """The job as `job_of`, which is ready. Raises JobNotReady."""
    job = job_of(call, job_id)
    _require_ready(job)
    return job


def _require_ready(job: Job) -> None:
    if job.status is not JobStatus.READY:
        raise _not_ready(job)


def _not_ready(job: Job) -> JobNotReady:
    reason = f": {job.error.message}" if job.error else ""
    return JobNotReady(job.job_id, job.status, reason, None if job.status.ended else POLL_SECONDS)


def _to_file(call: Call, job: Job, *, index: int) -> Answer:
    ((file, result),) = call.services.jobs.files(job, first=index, limit=1).files
    if result.state is FileState.PENDING:
        raise _not_ready(job)
    if result.state is not FileState.AVAILABLE:
        raise NoSuchResult(job.job_id, what=f"file {index} ({file.key})", reason=result.reason or str(result.state))
    if not is_linkable(file.key):
        raise NoSuchResult(job.job_id, what=f"link of file {index} ({file.key})", reason=NOT_LINKABLE)
    return _redirect(call, job, minter=call.services.minter(job.link_ttl), key=file.key, filename=file_name(file.key))


def _to_archive(call: Call, job: Job, *, archive: Archive) -> Answer:
    minter = call.services.archive_minter(job.link_ttl)
    return _redirect(call, job, minter=minter, key=archive.key, filename=archive.filename)


def _redirect(call: Call, job: Job, *, minter: Minter, key: str, filename: str) -> Answer:
    """To a link for the method of the request: a client that asks with HEAD follows with HEAD."""
    link = minter.link(key, filename=filename, inline=_inline(call), method=call.request.method)
    note_links(call, job, count=1)
    return Answer(302, None, {"Location": link})


def _inline(call: Call) -> bool:
    return requests.short_flag("inline", call.query("inline"))


def note_links(call: Call, job: Job, *, count: int) -> None:
    """Adds a read that issued links to the audit trail."""
    if count:
        call.services.jobs.issued_links(job, call.actor, count=count)


def _index(job: Job, text: str, *, count: int, what: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) >= count:
        raise NoSuchResult(job.job_id, what=f"{what} {text[:20]}", reason=f"there are {count:,}, counted from 0")
    return int(text)


# --- Idempotency-Key --------------------------------------------------------------------


def _content_of(body: requests.InitiateRequest) -> bytes:
    """What a later request under the same key must equal, however it is written.

    A field that earlier versions lack is left out where it has its default: a repetition that comes after a deployment
    is none otherwise.
    """
    archive = body.archive
    if isinstance(archive, requests.ArchiveOptions) and archive.manifest is True:
        body = replace(body, archive=replace(archive, manifest=msgspec.UNSET))
    return msgspec.json.encode(body)


def request_key(call: Call, *, route: str, content: bytes) -> RequestKey | None:
    """The key of a request, if it has one. `content` must be equal in each request of one key. Raises InvalidRequest.

    A key determines the id of the job that a request creates, so that two requests cannot create two. Keys of different
    callers and routes are different keys. The job itself holds what later requests are compared with.
    """
    if "idempotency-key" not in call.request.headers:
        return None
    key = call.header("idempotency-key")
    if not _VISIBLE.fullmatch(key):
        detail = f"must be 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters"
        raise InvalidRequest([FieldProblem("/Idempotency-Key", detail)])
    job_id = uuid.uuid5(NAMESPACE, "\0".join((call.actor.by, route, key)))
    return RequestKey(key, str(job_id), hashlib.sha256(content).hexdigest()[:32])
