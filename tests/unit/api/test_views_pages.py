"""/dashboard in a browser: below any base path, nothing inline, hashed files for good, the page always fresh."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from tests.support.builders import World
from tests.support.pages import ROOT
from tests.support.services import in_use

BASE = "https://lorry.test/base"
DIST = ROOT / "frontend" / "dist"
PAGES = ("/dashboard", "/dashboard/new", "/dashboard/jobs/6f6b0f9e-0000-4000-8000-000000000009")
SIGN_IN = {
    "AUTH_MODE": "jwt",
    "AUTH_ISSUER": "https://issuer.test/pool",
    "AUTH_AUDIENCE": "lorry",
    "AUTH_CLIENT_ID": "web",
    "AUTH_ORIGINS": "https://login.test,https://more.test",
}


@pytest.fixture
def http() -> Iterator[Any]:
    with in_use(World(), PUBLIC_URL=BASE, WEBSOCKET_URL="wss://sockets.test/api", JAEGER_UI_URL="https://jaeger.test"):
        yield Client(app).http


def addresses(page: Any) -> list[str]:
    return re.findall(r'(?:src|href)="([^"]*)"', page.body.decode())


def config_of(page: Any) -> dict[str, str]:
    found = re.search(r'name="lorry-config" content="([^"]*)"', page.body.decode())
    assert found
    config: dict[str, str] = json.loads(html.unescape(found[1]))
    return config


def policy_of(page: Any) -> dict[str, str]:
    return dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))


@pytest.mark.parametrize("path", PAGES)
def test_every_page_is_the_same_document_whose_files_are_served(http: Any, path: str) -> None:
    page = http.get(path)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert page.body == http.get("/dashboard").body
    assert "BASE" not in page.body.decode()
    assert len(addresses(page)) > 2
    for address in addresses(page):
        assert address.startswith("/base/dashboard/")
        assert http.get(address.removeprefix("/base")).status_code == 200


def test_the_page_says_where_the_api_is_and_how_to_call_it(http: Any) -> None:
    config = config_of(http.get("/dashboard"))
    assert config["api"] == "/base"
    assert config["root"] == "/base/dashboard"
    assert config["websocket"] == "wss://sockets.test/api"
    assert config["jaeger"] == "https://jaeger.test"
    assert config["authMode"] == "none"


def test_the_page_runs_no_inline_scripts_and_calls_only_the_service(http: Any) -> None:
    page = http.get("/dashboard")
    assert set(re.findall(r"<script[^>]*>([^<]*)</script>", page.body.decode())) == {""}
    assert "<style" not in page.body.decode()
    policy = policy_of(page)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://lorry.test wss://sockets.test"


def test_where_errors_go_to_sentry_its_host_may_be_called_and_the_page_knows_the_project() -> None:
    dsn = "https://key@sentry.test/7"
    with in_use(World(), PUBLIC_URL=BASE, DASHBOARD_SENTRY_DSN=dsn):
        page = Client(app).http.get("/dashboard")
    assert policy_of(page)["connect-src"] == "'self' https://lorry.test https://sentry.test"
    assert config_of(page)["sentryDsn"] == dsn


def test_where_people_sign_in_the_issuer_may_be_called(http: Any) -> None:
    with in_use(World(), PUBLIC_URL=BASE, **SIGN_IN):
        page = Client(app).http.get("/dashboard")
    assert policy_of(page)["connect-src"].split()[-3:] == [
        "https://issuer.test",
        "https://login.test",
        "https://more.test",
    ]
    config = config_of(page)
    assert (config["authMode"], config["clientId"], config["issuer"]) == ("jwt", "web", "https://issuer.test/pool")
    with in_use(World(), PUBLIC_URL=BASE, **{**SIGN_IN, "AUTH_CLIENT_ID": ""}):
        page = Client(app).http.get("/dashboard")
    assert "issuer" not in policy_of(page)["connect-src"]


def test_hashed_files_are_kept_for_a_year_and_the_page_is_asked_for_each_time(http: Any) -> None:
    page = http.get("/dashboard")
    assert page.headers["Cache-Control"] == "no-cache"
    for file in DIST.iterdir():
        if file.name == "index.html":
            continue
        answer = http.get(f"/dashboard/{file.name}")
        assert answer.status_code == 200
        assert answer.body == file.read_bytes()
        hashed = re.search(r"-[\w-]{8}\.(js|css)$", file.name)
        assert answer.headers["Cache-Control"].endswith("immutable") == bool(hashed), file.name


def test_an_unchanged_page_is_not_sent_again(http: Any) -> None:
    tag = http.get("/dashboard").headers["ETag"]
    again = http.get("/dashboard", headers={"If-None-Match": tag})
    assert (again.status_code, again.body) == (304, b"")
    assert http.get("/dashboard", headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("name", ["other.js", "..", "index.html", "%2e%2e%2froutes.py", "..%2Fpages.py"])
def test_no_other_file_is_served(http: Any, name: str) -> None:
    assert http.get(f"/dashboard/{name}").json_body["error"] == "not_found"


def test_the_index_of_the_service_links_to_it(http: Any) -> None:
    assert http.get("/").json_body["links"]["dashboard"] == f"{BASE}/dashboard"
