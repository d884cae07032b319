"""Views of jobs: start, read, follow, cancel, retry, list. A view parses, makes one call, and renders."""

from __future__ import annotations

import hashlib

import msgspec

from chalicelib.api import requests
from chalicelib.api.answers import EventsPage, JobsPage
from chalicelib.api.idempotency import REPLAYED, request_key
from chalicelib.api.middleware import Answer, Call, Text
from chalicelib.api.rendering import event_document, job_started
from chalicelib.api.requests import job_id_from
from chalicelib.api.views_results import POLL_SECONDS, document_of, job_of
from chalicelib.delivery.job_summary import event_name, job_summary
from chalicelib.errors import FieldProblem, InvalidRequest, SecretUnavailable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.observability import logger


def initiate(call: Call) -> Answer:
    """Starts a job."""
    body = requests.initiate_request(call.json_body())
    request = requests.new_job(body, call.services.settings)
    key = request_key(call, "initiate", msgspec.json.encode(body))
    job, replayed = call.services.jobs.start(request, call.actor, key=key)
    answer = job_started(job, call.base, ticket=_ticket(call, job.job_id))
    headers = {"Location": answer.links.status, "Retry-After": str(POLL_SECONDS)}
    return Answer(202, answer, {**headers, **(REPLAYED if replayed else {})})


def status(call: Call, job_id: str) -> Answer:
    """Reads a job with a page of its files."""
    first = requests.FILES_CURSOR.read(call.query("cursor"))
    limit = requests.FILES_LIMIT.read(call.query("limit"))
    job = job_of(call, job_id)
    document = msgspec.structs.replace(
        document_of(call, job, first=first, limit=limit), ticket=_ticket(call, job.job_id)
    )
    headers = _polling(job.status)
    if not job.status.ended:  # an answer with links is never the same, because each read mints them again
        headers["ETag"] = f'W/"{hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:32]}"'
        if _matches(call.header("if-none-match"), headers["ETag"]):
            return Answer(304, None, headers)
    return Answer(200, document, headers)


def cancel(call: Call, job_id: str) -> Answer:
    """Cancels a job."""
    job = call.services.jobs.cancel(job_id_from(job_id), call.actor)
    return Answer(202, job_summary(job, call.base))


def retry(call: Call, job_id: str) -> Answer:
    """Retries what failed in a job."""
    key = request_key(call, "retry", b"")
    job, replayed = call.services.jobs.retry(job_id_from(job_id), call.actor, key=key.job_id if key else "")
    return Answer(202, job_summary(job, call.base), {**_polling(job.status), **(REPLAYED if replayed else {})})


def jobs(call: Call) -> Answer:
    """Lists the caller's jobs."""
    limit = requests.JOBS_LIMIT.read(call.query("limit"))
    page = call.services.jobs.jobs(call.actor.by, status=_status(call), limit=limit, cursor=call.query("cursor"))
    return Answer(200, JobsPage([job_summary(job, call.base) for job in page.jobs], page.next_cursor))


def events(call: Call, job_id: str) -> Answer:
    """Reads a job's audit trail."""
    limit = requests.EVENTS_LIMIT.read(call.query("limit"))
    page = call.services.jobs.events(job_of(call, job_id), limit=limit, cursor=call.query("cursor"))
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


def _status(call: Call) -> JobStatus | None:
    text = call.query("status")
    if text is None:
        return None
    try:
        return JobStatus(text)
    except ValueError as error:
        raise InvalidRequest([FieldProblem("/status", f"{text!r} is none of {', '.join(JobStatus)}")]) from error
