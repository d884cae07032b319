"""Routes of jobs: start one, read it, follow it, end it. A view parses, makes one call, and renders."""

from __future__ import annotations

import hashlib

import msgspec

from chalicelib.api import documents, schemas
from chalicelib.api.answers import EventsPage, JobsPage, JobStarted
from chalicelib.api.endpoint import Answer, Call, Text
from chalicelib.api.job_reading import POLL_SECONDS, job_of, status_of, ticket_for
from chalicelib.api.new_job import new_job
from chalicelib.api.once import KeyedView, once
from chalicelib.api.request import job_id_from, json_body, query
from chalicelib.delivery.job_summary import JobSummary, event_name, job_summary
from chalicelib.errors import FieldProblem, InvalidRequest, NothingToRetry
from chalicelib.jobs.model import Job, JobStatus


def initiate(call: Call) -> Answer:
    body = schemas.initiate_request(json_body(call.request))
    request = new_job(body, call.services.settings)

    def serve(job_id: str, again: bool) -> JobStarted:
        job = call.services.jobs.start(request, call.actor, job_id=job_id, again=again)
        return documents.job_started(job, call.base)

    started, told = once(call, KeyedView("initiate", msgspec.json.encode(body), JobStarted), serve)
    answer = msgspec.structs.replace(started, ticket=ticket_for(call, started.job_id))
    return Answer(202, answer, {"Location": started.links.status, "Retry-After": str(POLL_SECONDS), **told})


def status(call: Call, job_id: str) -> Answer:
    first = schemas.FILES_CURSOR.read(query(call.request, "cursor"))
    limit = schemas.FILES_LIMIT.read(query(call.request, "limit"))
    job = job_of(call, job_id)
    document = msgspec.structs.replace(status_of(call, job, first, limit), ticket=ticket_for(call, job.job_id))
    headers = _polling(job.status)
    if not job.status.ended:  # links are minted at each read, so an answer that has some is never the same
        headers["ETag"] = f'W/"{hashlib.sha256(msgspec.json.encode(document)).hexdigest()[:32]}"'
        if _is_known(call, headers["ETag"]):
            return Answer(304, None, headers)
    return Answer(200, document, headers)


def cancel(call: Call, job_id: str) -> Answer:
    job = call.services.jobs.cancel(job_id_from(job_id), call.actor)
    return Answer(202, job_summary(job, call.base))


def retry(call: Call, job_id: str) -> Answer:
    wanted = job_id_from(job_id)

    def serve(_: str, again: bool) -> JobSummary:
        try:
            job = call.services.jobs.retry(wanted, call.actor)
        except NothingToRetry:
            if not again:
                raise
            job = call.services.jobs.read(wanted, call.actor.by)  # it was retried before its server died
        return job_summary(job, call.base)

    summary, told = once(call, KeyedView("retry", wanted.encode(), JobSummary), serve)
    return Answer(202, summary, {**_polling(summary.status), **told})


def jobs(call: Call) -> Answer:
    limit = schemas.JOBS_LIMIT.read(query(call.request, "limit"))
    page = call.services.jobs.jobs(
        call.actor.by, status=_wanted_status(call), limit=limit, cursor=query(call.request, "cursor")
    )
    listed = [job_summary(job, call.base) for job in page.jobs]
    return Answer(200, JobsPage(listed, page.next_cursor))


def events(call: Call, job_id: str) -> Answer:
    limit = schemas.EVENTS_LIMIT.read(query(call.request, "limit"))
    page = call.services.jobs.events(job_of(call, job_id), limit=limit, cursor=query(call.request, "cursor"))
    return Answer(200, EventsPage([documents.event_document(event) for event in page.events], page.next_cursor))


def stream(call: Call, job_id: str) -> Answer:
    """Server-sent events. What a reader has seen of a job is told by the id of its last event, the job's version."""
    last = call.request.headers.get("last-event-id", "")
    seen = int(last) if last.isascii() and last.isdecimal() and len(last) < 16 else None
    update = call.services.long_poller.follow(
        job_of(call, job_id), seen, lambda: job_of(call, job_id), reader=call.admission.rate_limit_key
    )
    if update is None:
        return Answer(204)
    text = _event(call, update.job) if update.job else ": nothing new\n\n"
    return Answer(200, Text(f"retry: {update.reconnect_ms}\n\n{text}", "text/event-stream; charset=utf-8"))


def _event(call: Call, job: Job) -> str:
    data = msgspec.json.encode(job_summary(job, call.base)).decode()
    return f"event: {event_name(job)}\nid: {job.version}\ndata: {data}\n\n"


def _is_known(call: Call, etag: str) -> bool:
    """Whether If-None-Match names this answer, compared weakly as RFC 9110 has it."""
    known = call.request.headers.get("if-none-match", "")
    return known.strip() == "*" or etag.removeprefix("W/") in {
        tag.strip().removeprefix("W/") for tag in known.split(",")
    }


def _polling(status: JobStatus) -> dict[str, str]:
    return {} if status.ended else {"Retry-After": str(POLL_SECONDS)}


def _wanted_status(call: Call) -> JobStatus | None:
    text = query(call.request, "status")
    if text is None:
        return None
    try:
        return JobStatus(text)
    except ValueError as error:
        raise InvalidRequest([FieldProblem("/status", f"{text!r} is none of {', '.join(JobStatus)}")]) from error
