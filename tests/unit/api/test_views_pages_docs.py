"""/docs and /openapi as a browser gets them: nothing inline, nothing from elsewhere, below any base path."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from chalice.test import Client

from app import app
from chalicelib.api.openapi import document
from tests.support.builders import World
from tests.support.openapi import settings
from tests.support.services import in_use

BASE = "https://lorry.test/base"
ASSETS = ("start.js", "swagger-ui-bundle.js", "swagger-ui.css")


@pytest.fixture
def http() -> Iterator[Any]:
    with in_use(World(), PUBLIC_URL=BASE):
        yield Client(app).http


def test_the_page_takes_its_files_from_below_the_base_path(http: Any) -> None:
    page = http.get("/docs")
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page.body.decode())
    assert set(addresses) == {"data:,", "/base/openapi", *(f"/base/docs/{name}" for name in ASSETS)}


def test_the_page_has_no_inline_scripts_and_may_load_nothing_from_elsewhere(http: Any) -> None:
    page = http.get("/docs")
    assert re.findall(r"<script[^>]*>([^<]*)</script>", page.body.decode()) == ["", ""]
    policy = dict(part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["connect-src"] == "'self' https://lorry.test"


@pytest.mark.parametrize("name", ASSETS)
def test_its_files_are_served_and_may_be_kept_for_a_while(http: Any, name: str) -> None:
    answer = http.get(f"/docs/{name}")
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, f"{kind}; charset=utf-8")
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert len(answer.body) > 100


@pytest.mark.parametrize("name", ["other.js", "..", "docs.html", "swagger-ui-bundle.min.js", "%2e%2e%2froutes.py"])
def test_no_other_file_is_served(http: Any, name: str) -> None:
    assert http.get(f"/docs/{name}").json_body["error"] == "not_found"


def test_the_document_names_the_address_of_the_service_and_what_its_settings_allow(http: Any) -> None:
    assert http.get("/openapi").json_body == document(settings(), BASE)
    keys = {"S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret", "S3_ALLOWED_PREFIX": "exports/"}
    with in_use(World(), PUBLIC_URL=BASE, **keys):
        assert http.get("/openapi").json_body == document(settings(**keys), BASE)
