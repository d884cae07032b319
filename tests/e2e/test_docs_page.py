"""/docs in a real browser that can reach this machine only: it is drawn, complains of nothing, and reaches the API."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import httpx
import pytest

from chalicelib.api.contract import camel_case
from chalicelib.api.operations import OPERATIONS
from tests.e2e.browser import PATIENCE, Page, browser
from tests.integration.stack import RunningStack, running_stack, wait_for

PATHS = ".opblock-summary-path, .opblock-summary-path__deprecated"
FOUND = {name: shutil.which(name) for name in ("chromium", "chromedriver")}

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not all(FOUND.values()) and not os.environ.get("CI"), reason="chromium and chromedriver are not installed"
    ),
]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("docs")) as running:
        yield running


@pytest.fixture
def page(stack: RunningStack) -> Iterator[Page]:
    """The page, drawn."""
    with browser(FOUND["chromium"] or "chromium", FOUND["chromedriver"] or "chromedriver") as page:
        page.open(f"{stack.url}/docs")
        wait_for("operations", lambda: page.texts(PATHS), seconds=PATIENCE)
        yield page


def tried(page: Page, operation: str) -> str:
    """The status that the page shows after `Execute`."""
    page.click(f"#operations-{operation} .opblock-summary-control")
    page.click(f"#operations-{operation} button.execute")
    shown = f"#operations-{operation} .live-responses-table tbody .response-col_status"
    return wait_for("answer", lambda: page.texts(shown), seconds=PATIENCE)[0].split()[0]


def test_every_operation_is_shown_and_nothing_else_is_asked_for(page: Page, stack: RunningStack) -> None:
    paths = {path.replace("\u200b", "") for path in page.texts(PATHS)}
    assert paths >= {camel_case(operation.path) for operation in OPERATIONS}
    asked = {request.url: request.status for request in page.requests() if request.url.startswith("http")}
    own = ("docs", "docs/swagger-ui.css", "docs/swagger-ui-bundle.js", "docs/start.js", "openapi")
    assert asked == {f"{stack.url}/{path}": 200 for path in own}
    assert page.complaints() == []


def test_an_operation_can_be_tried_out(page: Page) -> None:
    assert tried(page, "Service-limits") == "200"
    assert tried(page, "Jobs-initiate") == "202"
    assert page.complaints() == []


FOLLOW = """
const [url] = arguments;
window.heard = [];
const source = new EventSource(url);
for (const name of ["progress", "ready", "failed", "cancelled"])
    source.addEventListener(name, event => heard.push([name, Number(event.lastEventId)]));
source.onerror = () => { window.over = source.readyState === EventSource.CLOSED; };
"""


def test_a_browsers_own_event_source_follows_a_job_to_its_end_and_stops(page: Page, stack: RunningStack) -> None:
    stack.put_files(range(65_000, 65_300))
    asked = {"file_ids": list(range(65_000, 65_300)), "archive": True}
    job_id = httpx.post(f"{stack.url}/v1/download/initiate", json=asked).json()["jobId"]
    page.run(FOLLOW, f"{stack.url}/v1/download/stream/{job_id}")
    wait_for("204 that closes the stream", lambda: page.run("return window.over"), seconds=PATIENCE)
    heard = page.run("return window.heard")
    assert heard[-1][0] == "ready"
    assert [number for _, number in heard] == sorted({number for _, number in heard})
