"""Views of pages: the documentation, and the dashboard that frontend/ builds.

Nothing is compressed here: on AWS, API Gateway compresses what it sends.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from urllib.parse import urlsplit

import msgspec

from chalicelib import __version__
from chalicelib.api.middleware import Answer, Call, Text, path_of
from chalicelib.errors import RouteNotFound

ONE_HOUR = {"Cache-Control": "public, max-age=3600"}  # a new release may bring other assets

# --- the documentation ------------------------------------------------------------------

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


def docs(call: Call) -> Answer:
    """An interactive page of the document, which loads nothing from elsewhere."""
    html = shipped("chalicelib.api", f"{PAGE}/docs.html").replace("BASE", escape(path_of_base(call.base)))
    headers = {"Content-Security-Policy": content_security_policy(call.base), "Cache-Control": "no-cache"}
    return Answer(200, Text(html, "text/html; charset=utf-8"), headers=headers)


def docs_asset(call: Call, asset: str) -> Answer:
    """A script or style sheet of the page."""
    if asset not in ASSETS:
        raise RouteNotFound(path_of(call.request))
    package, path, content_type = ASSETS[asset]
    return _unless_known(call, Text(shipped(package, path), content_type), headers=ONE_HOUR)


# --- the dashboard ----------------------------------------------------------------------
# One document serves all of its pages; its scripts draw the one in the URL. Names of the other files change with their
# content, so that browsers may keep them.

FOLDER = "dashboard"  # a link to frontend/dist
INDEX = "index.html"
PAGES = ("new",)  # beside the list, which is /dashboard itself, and jobs/{jobId}
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
HASHED = re.compile(r".+-[\w-]{8}\.\w+")
FOREVER = {"Cache-Control": "public, max-age=31536000, immutable"}


class Config(msgspec.Struct, frozen=True, rename="camel"):
    """What the pages need to know of this deployment (frontend/src/config.ts)."""

    api: str
    root: str
    version: str
    auth_mode: str
    issuer: str
    client_id: str
    audience: str
    websocket: str
    jaeger: str
    sentry_dsn: str


def dashboard(call: Call) -> Answer:
    """The list of downloads, and the document of every other page."""
    base = path_of_base(call.base)
    html = shipped("chalicelib.api", f"{FOLDER}/{INDEX}").replace("BASE", escape(base))
    html = html.replace("CONFIG", escape(msgspec.json.encode(_config(call)).decode()))
    headers = {"Content-Security-Policy": _policy(call), "Cache-Control": "no-cache"}
    return _unless_known(call, Text(html, "text/html; charset=utf-8"), headers=headers)


def dashboard_part(call: Call, part: str) -> Answer:
    """A page, or a file of the pages."""
    if part in PAGES:
        return dashboard(call)
    if part not in _files():
        raise RouteNotFound(path_of(call.request))
    content = Text(shipped("chalicelib.api", f"{FOLDER}/{part}"), TYPES[part.rpartition(".")[2]])
    return Answer(200, content, FOREVER if HASHED.fullmatch(part) else ONE_HOUR)


def dashboard_job(call: Call, page: str) -> Answer:
    """The page of one job, which reads the job by itself, with the caller's credentials."""
    return dashboard(call)


def _config(call: Call) -> Config:
    settings = call.services.settings
    base = path_of_base(call.base)
    return Config(
        api=base,
        root=f"{base}/dashboard",
        version=__version__,
        auth_mode=settings.auth_mode,
        issuer=settings.auth_issuer,
        client_id=settings.auth_client_id,
        audience=settings.auth_audience,
        websocket=settings.websocket_url,
        jaeger=settings.jaeger_ui_url,
        sentry_dsn=settings.dashboard_sentry_dsn,
    )


def _policy(call: Call) -> str:
    settings = call.services.settings
    signing_in = (settings.auth_issuer, *settings.auth_origins) if settings.auth_client_id else ()
    return content_security_policy(
        call.base, connect=(settings.websocket_url, settings.dashboard_sentry_dsn, *signing_in)
    )


@functools.cache
def _files() -> frozenset[str]:
    """Names of the files that the pages load."""
    found = (path.name for path in files("chalicelib.api").joinpath(FOLDER).iterdir())
    return frozenset(name for name in found if name.rpartition(".")[2] in TYPES)


# --- both ------------------------------------------------------------------------------


@functools.cache
def shipped(package: str, path: str) -> str:
    """Returns a text file of a package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def _unless_known(call: Call, content: Text, *, headers: dict[str, str]) -> Answer:
    """The content with its ETag, or 304 if the browser has it."""
    tag = _tag(content.content)
    if tag in call.header("if-none-match"):
        return Answer(304, None, {**headers, "ETag": tag})
    return Answer(200, content, {**headers, "ETag": tag})


@functools.lru_cache(maxsize=8)  # of files that are the same for all, the largest of a megabyte and a half
def _tag(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def path_of_base(base: str) -> str:
    """Returns the path before the routes: pages read under another name of the service still find their files."""
    return urlsplit(base).path


def content_security_policy(base: str, *, connect: Iterable[str] = ()) -> str:
    """Returns a policy without inline scripts and with nothing from elsewhere; scripts set styles.

    A page read under another name of the service must still reach the address that answers name. `connect` are
    further URLs whose origins scripts may call.
    """
    reached = [origin for url in (base, *connect) if (origin := origin_of(url))]
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(dict.fromkeys(("'self'", *reached))),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def origin_of(url: str) -> str:
    """Returns the scheme, host and port of a URL; an empty text for a mere path."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}" if address.netloc else ""
