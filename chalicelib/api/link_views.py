"""Routes that lead to what a job made: 302 to a link that is minted at that moment."""

from __future__ import annotations

from chalicelib.api.endpoint import Answer, Call
from chalicelib.api.job_reading import note_links, ready_job, status_of
from chalicelib.assembly.model import Archive
from chalicelib.errors import NoSuchResult
from chalicelib.jobs.model import FileState, Job
from chalicelib.limits import MAX_PAGE_FILES


def download(call: Call, job_id: str) -> Answer:
    """To the only archive or file at once; several archives or files answer with the list of their links."""
    job = ready_job(call, job_id)
    archives = call.services.archives_of(job)
    if len(archives) == 1:
        return _to_archive(call, job, archives[0])
    if job.total == 1 and not archives:
        return _to_file(call, job, 0)
    return Answer(200, status_of(call, job, 0, MAX_PAGE_FILES))


def download_file(call: Call, job_id: str, number: str) -> Answer:
    """The stable address of a file."""
    job = ready_job(call, job_id)
    return _to_file(call, job, _index(job, number, job.total, what="file"))


def download_archive(call: Call, job_id: str, number: str) -> Answer:
    """The stable address of an archive."""
    job = ready_job(call, job_id)
    archives = call.services.archives_of(job)
    return _to_archive(call, job, archives[_index(job, number, len(archives), what="archive")])


def _to_file(call: Call, job: Job, index: int) -> Answer:
    ((file, result),) = call.services.jobs.files(job, first=index, limit=1).files
    if result.state is not FileState.AVAILABLE:
        raise NoSuchResult(job.job_id, what=f"file {index} ({file.key})", reason=result.reason or str(result.state))
    return _redirect(call, job, call.services.minter(job.link_ttl).link(file.key))


def _to_archive(call: Call, job: Job, archive: Archive) -> Answer:
    return _redirect(call, job, call.services.archive_minter(job.link_ttl).link(archive.key, filename=archive.filename))


def _redirect(call: Call, job: Job, link: str) -> Answer:
    note_links(call, job, 1)
    return Answer(302, None, {"Location": link})


def _index(job: Job, text: str, count: int, *, what: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) >= count:
        raise NoSuchResult(job.job_id, what=f"{what} {text[:20]}", reason=f"there are {count:,}, counted from 0")
    return int(text)
