"""What several routes need of a job: the job itself, its status with links, a ticket for it."""

from __future__ import annotations

import msgspec

from chalicelib.api import documents
from chalicelib.api.answers import JobDocument
from chalicelib.api.endpoint import Call
from chalicelib.api.request import job_id_from
from chalicelib.errors import JobNotReady, SecretUnavailable
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.observability import logger

POLL_SECONDS = 1


def job_of(call: Call, job_id: str) -> Job:
    """The job, if it is the caller's or the caller has a ticket for it. Raises JobNotFound and JobExpired."""
    return call.services.jobs.read(job_id_from(job_id), None if call.by_ticket else call.actor.by)


def ready_job(call: Call, job_id: str) -> Job:
    """Raises JobNotReady, and as `job_of`."""
    job = job_of(call, job_id)
    if job.status is not JobStatus.READY:
        reason = job.error.message if job.error else ""
        raise JobNotReady(job.job_id, job.status, reason, None if job.status.ended else POLL_SECONDS)
    return job


def status_of(call: Call, job: Job, first: int, limit: int) -> JobDocument:
    """The job with a page of its files; with links, noted in the audit trail, if it is ready."""
    services = call.services
    page = services.jobs.files(job, first=first, limit=limit)
    ready = job.status is JobStatus.READY
    document = documents.job_status(job, page, services.minter(job.link_ttl) if ready else None, call.base)
    archives = services.archives_of(job)
    minter = services.archive_minter(job.link_ttl) if ready and archives else None
    document = msgspec.structs.replace(document, archives=documents.archive_documents(job, archives, minter, call.base))
    note_links(call, job, len([link for link in links_of(document) if link]))
    return document


def links_of(document: JobDocument) -> list[str | None]:
    """Every link in the document: to archives first, then to files."""
    return [archive.url for archive in document.archives] + list(document.result_urls or ())


def note_links(call: Call, job: Job, count: int) -> None:
    """A read that issued links is a line of the audit trail."""
    if count:
        call.services.jobs.issued_links(job, call.actor, count)


def ticket_for(call: Call, job_id: str) -> str | None:
    """A ticket, or None where it cannot be signed now: the answer is worth more than the ticket in it."""
    try:
        return call.services.tickets.issue(job_id)
    except SecretUnavailable as error:
        logger.warning("no ticket was issued", job_id=job_id, error=str(error))
        return None
