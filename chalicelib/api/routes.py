"""The HTTP API, one function a route: parse, one call, render. ARCHITECTURE.md lists who calls what next."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib import __version__
from chalicelib.api import documents, schemas
from chalicelib.api.endpoint import ALL_METHODS, Answer, Call, resource
from chalicelib.api.request import job_id_from, json_body, path_of, query
from chalicelib.errors import FieldProblem, InvalidRequest, JobNotReady, RouteNotFound
from chalicelib.jobs.model import Job, JobStatus, RequestedFile
from chalicelib.jobs.service import NewJob
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
    body = schemas.initiate_request(json_body(call.request))
    template = call.services.settings.key_template
    ids = list(dict.fromkeys(body.file_ids))
    files = [RequestedFile(template.replace("{file_id}", str(number)), number) for number in ids]
    link_ttl = body.linkTtlSeconds or call.services.settings.link_ttl
    job = call.services.jobs.start(NewJob(files, len(body.file_ids) - len(ids), link_ttl), call.origin)
    links = documents.job_links(job, call.base)
    answer = {
        "jobId": job.job_id,
        "status": job.status,
        "totalFileIds": job.total,
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


def download(call: Call, job_id: str) -> Answer:
    """To the only file at once; a job of several files answers with the list of links."""
    job = call.services.jobs.read(job_id_from(job_id), call.origin.by)
    if job.status is not JobStatus.READY:
        raise JobNotReady(job.job_id, status=job.status, reason=job.error.message if job.error else "")
    document = _status_document(call, job, 0, MAX_PAGE_FILES)
    if job.total == 1:
        return Answer(302, None, {"Location": document["resultUrls"][0]})
    return Answer(200, document)


def jobs(call: Call) -> Answer:
    limit = schemas.whole_number("limit", query(call.request, "limit"), low=1, high=MAX_PAGE_JOBS, default=20)
    page = call.services.jobs.jobs(
        call.origin.by, status=_wanted_status(call), limit=limit, cursor=query(call.request, "cursor")
    )
    listed = [documents.job_summary(job, call.base) for job in page.jobs]
    return Answer(200, {"jobs": listed, "nextCursor": page.next_cursor})


def check(call: Call) -> Answer:
    body = schemas.check_request(json_body(call.request))
    key = call.services.settings.key_template.replace("{file_id}", str(body.file_id))
    stored = call.services.source.head(key)
    if stored is None:
        call.services.source.confirm_bucket()
        return Answer(200, {"file_id": body.file_id, "available": False, "s3Key": None, "size": None})
    return Answer(200, {"file_id": body.file_id, "available": True, "s3Key": key, "size": stored.size})


def nothing(call: Call, proxy: str = "") -> Answer:
    raise RouteNotFound(path_of(call.request))


def _status_document(call: Call, job: Job, first: int, limit: int) -> documents.Document:
    page = call.services.jobs.files(job, first=first, limit=limit)
    minter = call.services.minter(job.link_ttl) if job.status is JobStatus.READY else None
    return documents.job_status(job, page, minter, call.base)


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
resource(api, "/{proxy+}", **dict.fromkeys(ALL_METHODS, nothing))
