"""Views of results: redirects to fresh links, and a job's document with links to its files and archives."""

from __future__ import annotations

import msgspec

from chalicelib.api.answers import JobDocument
from chalicelib.api.middleware import Answer, Call
from chalicelib.api.rendering import archive_documents, job_document
from chalicelib.api.requests import job_id_from
from chalicelib.assembly.model import Archive
from chalicelib.errors import JobNotReady, NoSuchResult
from chalicelib.jobs.model import FileState, Job, JobStatus
from chalicelib.limits import MAX_PAGE_FILES

POLL_SECONDS = 1


def download(call: Call, job_id: str) -> Answer:
    """Redirects to the only archive or file; lists the links of several."""
    job = _ready_job(call, job_id)
    archives = call.services.archives_of(job)
    if len(archives) == 1:
        return _to_archive(call, job, archive=archives[0])
    if job.total == 1 and not archives:
        return _to_file(call, job, index=0)
    return Answer(200, document_of(call, job, first=0, limit=MAX_PAGE_FILES))


def download_file(call: Call, *, job_id: str, number: str) -> Answer:
    """The stable address of a file."""
    job = _ready_job(call, job_id)
    return _to_file(call, job, index=_index(job, number, count=job.total, what="file"))


def download_archive(call: Call, *, job_id: str, number: str) -> Answer:
    """The stable address of an archive."""
    job = _ready_job(call, job_id)
    archives = call.services.archives_of(job)
    return _to_archive(call, job, archive=archives[_index(job, number, count=len(archives), what="archive")])


def job_of(call: Call, job_id: str) -> Job:
    """The job, if it is the caller's or the caller has a ticket for it. Raises JobNotFound and JobExpired."""
    return call.services.jobs.read(job_id_from(job_id), None if call.admission.by_ticket else call.actor.by)


def document_of(call: Call, job: Job, *, first: int, limit: int) -> JobDocument:
    """The job with a page of its files; if it is ready, with links, which the audit trail notes. Without a ticket."""
    services = call.services
    page = services.jobs.files(job, first=first, limit=limit)
    ready = job.status is JobStatus.READY
    document = job_document(job, page, minter=services.minter(job.link_ttl) if ready else None, base=call.base)
    archives = services.archives_of(job)
    minter = services.archive_minter(job.link_ttl) if ready and archives else None
    rendered = archive_documents(job, archives, minter=minter, base=call.base)
    document = msgspec.structs.replace(document, archives=rendered)
    links = [archive.url for archive in document.archives] + list(document.result_urls or ())
    _note_links(call, job, count=len([link for link in links if link]))
    return document


def _ready_job(call: Call, job_id: str) -> Job:
    job = job_of(call, job_id)
    if job.status is not JobStatus.READY:
        reason = f": {job.error.message}" if job.error else ""
        raise JobNotReady(job.job_id, job.status, reason, None if job.status.ended else POLL_SECONDS)
    return job


def _to_file(call: Call, job: Job, *, index: int) -> Answer:
    ((file, result),) = call.services.jobs.files(job, first=index, limit=1).files
    if result.state is not FileState.AVAILABLE:
        raise NoSuchResult(job.job_id, what=f"file {index} ({file.key})", reason=result.reason or str(result.state))
    return _redirect(call, job, link=call.services.minter(job.link_ttl).link(file.key))


def _to_archive(call: Call, job: Job, *, archive: Archive) -> Answer:
    minter = call.services.archive_minter(job.link_ttl)
    return _redirect(call, job, link=minter.link(archive.key, filename=archive.filename))


def _redirect(call: Call, job: Job, *, link: str) -> Answer:
    _note_links(call, job, count=1)
    return Answer(302, None, {"Location": link})


def _note_links(call: Call, job: Job, *, count: int) -> None:
    """Adds a read that issued links to the audit trail."""
    if count:
        call.services.jobs.issued_links(job, call.actor, count=count)


def _index(job: Job, text: str, *, count: int, what: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) >= count:
        raise NoSuchResult(job.job_id, what=f"{what} {text[:20]}", reason=f"there are {count:,}, counted from 0")
    return int(text)
