"""Routes of the OpenAPI document and of the page that shows it. The page needs nothing from anywhere else."""

from __future__ import annotations

import functools
from html import escape
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec

from chalicelib.api.endpoint import Answer, Call, Text
from chalicelib.api.request import path_of
from chalicelib.errors import RouteNotFound
from chalicelib.limits import LINK_TTL_MAX_SECONDS, S3_MAX_PRESIGN_SECONDS
from chalicelib.settings import Settings

SWAGGER_UI = "event_handler/openapi/swagger_ui"  # ships with aws_lambda_powertools
PAGE = "page"
# By name: the package, the file in it, its type.
ASSETS = {
    "start.js": ("chalicelib.api", f"{PAGE}/start.js", "text/javascript; charset=utf-8"),
    "swagger-ui-bundle.js": (
        "aws_lambda_powertools",
        f"{SWAGGER_UI}/swagger-ui-bundle.min.js",
        "text/javascript; charset=utf-8",
    ),
    "swagger-ui.css": ("aws_lambda_powertools", f"{SWAGGER_UI}/swagger-ui.min.css", "text/css; charset=utf-8"),
}
HOUR = {"Cache-Control": "public, max-age=3600"}  # a new release may bring other assets


def openapi(call: Call) -> Answer:
    return Answer(200, Text(_document(call.base, call.services.settings), "application/json"))


def page(call: Call) -> Answer:
    html = _file("chalicelib.api", f"{PAGE}/docs.html").replace("BASE", escape(urlsplit(call.base).path))
    headers = {"Content-Security-Policy": _policy(call.base), "Cache-Control": "no-cache"}
    return Answer(200, Text(html, "text/html; charset=utf-8"), headers)


def asset(call: Call, name: str) -> Answer:
    if name not in ASSETS:
        raise RouteNotFound(path_of(call.request))
    package, path, content_type = ASSETS[name]
    return Answer(200, Text(_file(package, path), content_type), HOUR)


@functools.lru_cache(maxsize=8)
def _document(base: str, settings: Settings) -> str:
    # Most containers are never asked for it, so that their cold start need not pay for it.
    from chalicelib.api.openapi import Deployment, document

    longest = S3_MAX_PRESIGN_SECONDS if settings.s3_access_key_id else LINK_TTL_MAX_SECONDS
    return msgspec.json.encode(document(Deployment(base, settings.s3_allowed_prefix, longest))).decode()


@functools.cache
def _file(package: str, path: str) -> str:
    return files(package).joinpath(path).read_text(encoding="utf-8")


def _policy(base: str) -> str:
    """No inline scripts, nothing from elsewhere; styles are set by the scripts.

    A page that is read at another name of the service still has to reach the address that the document names.
    """
    address = urlsplit(base)
    service = f" {address.scheme}://{address.netloc}" if address.netloc else ""
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": f"'self'{service}",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())
