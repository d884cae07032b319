"""The HTTP API, one function a route: parse, one call, render. ARCHITECTURE.md lists who calls what next."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import __version__
from chalicelib.api import documents, schemas
from chalicelib.api.endpoint import ALL_METHODS, Answer, Call, resource
from chalicelib.api.new_job import key_of, new_job
from chalicelib.api.request import job_id_from, json_body, path_of, query
from chalicelib.errors import FieldProblem, InvalidRequest, JobNotReady, NoSuchResult, RouteNotFound
from chalicelib.jobs.model import FileState, Job, JobStatus
from chalicelib.limits import MAX_FILES_PER_JOB, MAX_PAGE_FILES, MAX_PAGE_JOBS

api = Blueprint(__name__)

POLL_SECONDS = "1"


def index(call: Call) -> Answer:
    links = {"health": f"{call.base}/health", "initiate": f"{call.base}/v1/download/initiate"}
    return Answer(200, {"name": "lorry", "version": __version__, "links": links})


def health(call: Call) -> Answer:
    checks = call.services.health.check()
    healthy = set(checks.values()) == {"ok"}
    return Answer(200 if healthy else 503, {"status": "healthy" if healthy else "unhealthy", "checks": checks})


def initiate(call: Call) -> Answer:
    request = new_job(schemas.initiate_request(json_body(call.request)), call.services.settings)
    job = call.services.jobs.start(request, call.origin)
    links = documents.job_links(job, call.base)
    answer = {
        "jobId": job.job_id,
        "status": job.status,
        "totalFileIds": job.total if job.listed else None,
        "duplicates": job.duplicates,
        "links": links,
    }
    return Answer(202, answer, {"Location": links["status"], "Retry-After": POLL_SECONDS})


def status(call: Call, job_id: str) -> Answer:
    first = schemas.whole_number("cursor", query(call.request, "cursor"), low=0, high=MAX_FILES_PER_JOB, default=0)
    limit = schemas.whole_number(
        "limit", query(call.request, "limit"), low=1, high=MAX_PAGE_FILES, default=MAX_PAGE_FILES
    )
    job = call.services.jobs.read(job_id_from(job_id), call.origin.by)
    return Answer(200, _status_document(call, job, first, limit), _polling(job))


def cancel(call: Call, job_id: str) -> Answer:
    job = call.services.jobs.cancel(job_id_from(job_id), call.origin)
    return Answer(202, documents.job_summary(job, call.base))


def retry(call: Call, job_id: str) -> Answer:
    job = call.services.jobs.retry(job_id_from(job_id), call.origin)
    return Answer(202, documents.job_summary(job, call.base), _polling(job))


def download(call: Call, job_id: str) -> Answer:
    """To the only archive or file at once; several archives or files answer with the list of their links."""
    job = _ready_job(call, job_id)
    document = _status_document(call, job, 0, MAX_PAGE_FILES)
    links = [archive["url"] for archive in document["archives"]] or document["resultUrls"]
    if len(links) == 1 and (job.archive or job.total == 1):
        return Answer(302, None, {"Location": links[0]})
    return Answer(200, document)


def download_file(call: Call, job_id: str, number: str) -> Answer:
    """The stable address of a file: a link that is minted now."""
    job = _ready_job(call, job_id)
    index = _index(job, number, job.total, what="file")
    ((file, result),) = call.services.jobs.files(job, first=index, limit=1).files
    if result.state is not FileState.AVAILABLE:
        raise NoSuchResult(job.job_id, what=f"file {index} ({file.key})", reason=result.reason or str(result.state))
    return Answer(302, None, {"Location": call.services.minter(job.link_ttl).link(file.key)})


def download_archive(call: Call, job_id: str, number: str) -> Answer:
    """The stable address of an archive: a link that is minted now."""
    job = _ready_job(call, job_id)
    archives = call.services.archives_of(job)
    archive = archives[_index(job, number, len(archives), what="archive")]
    minter = call.services.archive_minter(job.link_ttl)
    return Answer(302, None, {"Location": minter.link(archive.key, filename=archive.filename)})


def jobs(call: Call) -> Answer:
    limit = schemas.whole_number("limit", query(call.request, "limit"), low=1, high=MAX_PAGE_JOBS, default=20)
    page = call.services.jobs.jobs(
        call.origin.by, status=_wanted_status(call), limit=limit, cursor=query(call.request, "cursor")
    )
    listed = [documents.job_summary(job, call.base) for job in page.jobs]
    return Answer(200, {"jobs": listed, "nextCursor": page.next_cursor})


def check(call: Call) -> Answer:
    body = schemas.check_request(json_body(call.request))
    key = key_of(body.file_id, call.services.settings)
    stored = call.services.source.head(key)
    if stored is None:
        call.services.source.confirm_bucket()
        return Answer(200, {"file_id": body.file_id, "available": False, "s3Key": None, "size": None})
    return Answer(200, {"file_id": body.file_id, "available": True, "s3Key": key, "size": stored.size})


def nothing(call: Call, proxy: str = "") -> Answer:
    raise RouteNotFound(path_of(call.request))


def _status_document(call: Call, job: Job, first: int, limit: int) -> documents.Document:
    page = call.services.jobs.files(job, first=first, limit=limit)
    ready = job.status is JobStatus.READY
    document = documents.job_status(job, page, call.services.minter(job.link_ttl) if ready else None, call.base)
    archives = call.services.archives_of(job)
    minter = call.services.archive_minter(job.link_ttl) if ready and archives else None
    return {**document, "archives": documents.archive_documents(job, archives, minter, call.base)}


def _ready_job(call: Call, job_id: str) -> Job:
    job = call.services.jobs.read(job_id_from(job_id), call.origin.by)
    if job.status is not JobStatus.READY:
        raise JobNotReady(job.job_id, status=job.status, reason=job.error.message if job.error else "")
    return job


def _index(job: Job, text: str, count: int, *, what: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9 or int(text) >= count:
        raise NoSuchResult(job.job_id, what=f"{what} {text[:20]}", reason=f"there are {count:,}, counted from 0")
    return int(text)


def _polling(job: Job) -> dict[str, str]:
    return {} if job.status.ended else {"Retry-After": POLL_SECONDS}


def _wanted_status(call: Call) -> JobStatus | None:
    text = query(call.request, "status")
    if text is None:
        return None
    try:
        return JobStatus(text)
    except ValueError as error:
        raise InvalidRequest([FieldProblem("/status", f"{text!r} is none of {', '.join(JobStatus)}")]) from error


resource(api, "/", GET=index)
resource(api, "/health", GET=health)
resource(api, "/v1/download/initiate", POST=initiate)
resource(api, "/v1/download/status/{job_id}", GET=status)
resource(api, "/v1/download/jobs", GET=jobs)
resource(api, "/v1/download/check", POST=check)
resource(api, "/v1/download/{job_id}", GET=download, DELETE=cancel)
resource(api, "/v1/download/{job_id}/files/{number}", GET=download_file)
resource(api, "/v1/download/{job_id}/archives/{number}", GET=download_archive)
resource(api, "/v1/download/{job_id}/retry", POST=retry)
resource(api, "/{proxy+}", **dict.fromkeys(ALL_METHODS, nothing))
