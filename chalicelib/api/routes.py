"""The HTTP API as a table: each path, by which door it is entered, and the view of each method."""

from __future__ import annotations

from chalice.app import Blueprint

from chalicelib.api import docs_views, file_views, job_views, link_views, service_views
from chalicelib.api.admission import ANYBODY, LINKS, PUBLIC, STREAMS
from chalicelib.api.endpoint import ALL_METHODS, resource

api = Blueprint(__name__)

resource(api, "/", PUBLIC, GET=service_views.index)
resource(api, "/openapi", PUBLIC, GET=docs_views.openapi)
resource(api, "/docs", PUBLIC, GET=docs_views.page)
resource(api, "/docs/{name}", PUBLIC, GET=docs_views.asset)
resource(api, "/health", PUBLIC, GET=service_views.health)
resource(api, "/v1/limits", GET=service_views.limits)
resource(api, "/v1/download/initiate", POST=job_views.initiate)
resource(api, "/v1/download/status/{job_id}", GET=job_views.status)
resource(api, "/v1/download/stream/{job_id}", STREAMS, GET=job_views.stream)
resource(api, "/v1/download/jobs", GET=job_views.jobs)
resource(api, "/v1/download/check", POST=file_views.check)
resource(api, "/v1/download/start", POST=file_views.start)
resource(api, "/v1/download/{job_id}", LINKS, GET=link_views.download, DELETE=job_views.cancel)
resource(api, "/v1/download/{job_id}/files/{number}", LINKS, GET=link_views.download_file)
resource(api, "/v1/download/{job_id}/archives/{number}", LINKS, GET=link_views.download_archive)
resource(api, "/v1/download/{job_id}/retry", POST=job_views.retry)
resource(api, "/v1/download/{job_id}/events", GET=job_views.events)
resource(api, "/{proxy+}", ANYBODY, **dict.fromkeys(ALL_METHODS, service_views.nothing))
