"""The React example: it type-checks, and its button works in a browser against a running stack."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.e2e.browser import PATIENCE, Page, browser
from tests.integration.deployment import unzipped
from tests.integration.stack import RunningStack, running_stack, wait_for
from tests.support import pages

SOURCE = pages.ROOT / "docs" / "how-to" / "react"
BUILT = pages.ROOT / ".lorry" / "docs-react"  # keeps its packages from run to run
FOUND = {name: shutil.which(name) for name in ("npm", "node", "chromium", "chromedriver")}
PAGE = '<!doctype html><meta charset="utf-8"><div id="root"></div><script src="main.js"></script>'
MAIN = """
import {{ createRoot }} from "react-dom/client";
import {{ DownloadButton }} from "./DownloadButton";
const root = document.getElementById("root");
if (root) createRoot(root).render(<DownloadButton api="{api}" fileIds={{[70000, 70001, 79999]}} />);
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(
        not all(FOUND.values()) and not os.environ.get("CI"),
        reason="npm, chromium and chromedriver are not all installed",
    ),
]


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=BUILT, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def packages() -> Path:
    """The example beside the packages that it names."""
    BUILT.mkdir(parents=True, exist_ok=True)
    wanted, installed = (SOURCE / "package.json").read_text(), BUILT / "installed"
    for path in SOURCE.iterdir():
        shutil.copy(path, BUILT)
    if not installed.exists() or installed.read_text() != wanted:
        run(str(FOUND["npm"]), "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent")
        installed.write_text(wanted)
    return BUILT / "node_modules" / ".bin"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("react")) as running:
        running.put_files(range(70000, 70002), b"what is in the files")
        yield running


@pytest.fixture
def site(packages: Path, stack: RunningStack, tmp_path: Path) -> Iterator[str]:
    """The example as a page of another origin than the API's."""
    (BUILT / "main.tsx").write_text(MAIN.format(api=stack.url))
    (tmp_path / "index.html").write_text(PAGE)
    options = ("--bundle", '--define:process.env.NODE_ENV="development"', f"--outfile={tmp_path / 'main.js'}")
    run(str(packages / "esbuild"), "main.tsx", "--jsx=automatic", *options)
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def page() -> Iterator[Page]:
    with browser(FOUND["chromium"] or "chromium", FOUND["chromedriver"] or "chromedriver") as page:
        yield page


def test_the_example_type_checks(packages: Path) -> None:
    (BUILT / "main.tsx").unlink(missing_ok=True)
    run(str(packages / "tsc"), "--project", ".")


def test_the_button_ends_with_a_link_to_the_zip(site: str, page: Page) -> None:
    page.open(site)
    page.click("button")
    wait_for("the link", lambda: page.texts("a"), seconds=PATIENCE)
    assert page.texts("[role=status]") == ["ready 100%"]
    assert page.texts("section > p")[1:] == ["1 of them are not there"]
    asked = [request.url for request in page.requests()]
    assert any("/v1/download/stream/" in url and "?ticket=" in url for url in asked), asked
    link = str(page.run("return document.querySelector('a').href"))
    answer = httpx.get(link, follow_redirects=True)
    assert 'filename="files.zip"' in answer.headers["content-disposition"]
    assert {"70000.zip", "70001.zip", "MANIFEST.json"} == set(unzipped(answer.content))


def test_a_failure_is_shown(site: str, page: Page) -> None:
    page.open(site)
    page.run("window.fetch = () => Promise.reject(new Error('no network'))")
    page.click("button")
    assert wait_for("the error", lambda: page.texts("[role=alert]"), seconds=PATIENCE) == ["Error: no network"]
