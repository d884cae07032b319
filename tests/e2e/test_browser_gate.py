"""A hostile page in a real browser, and the embedded stack on the same machine."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.e2e.browser import PATIENCE, Page, browser
from tests.integration.stack import RunningStack, running_stack, wait_for

FOUND = {name: shutil.which(name) for name in ("chromium", "chromedriver")}
EVIL = "evil.example"
FILE = 70_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(
        not all(FOUND.values()) and not os.environ.get("CI"), reason="chromium and chromedriver are not installed"
    ),
]

# What a page can send without asking: a simple POST, a form, an image, and a request whose answer it cannot read.
ATTACK = """
const [endpoint] = arguments;
window.done = 0;
const over = () => { window.done += 1; };
fetch(`${endpoint}/evil-bucket`, {method: "POST", mode: "no-cors", body: "x"}).then(over, over);
fetch(`${endpoint}/`, {
    method: "POST", mode: "no-cors", body: new URLSearchParams({Action: "CreateQueue", QueueName: "evil"}),
}).then(over, over);
const image = new Image();
image.onload = image.onerror = over;
image.src = `${endpoint}/?Action=CreateQueue&QueueName=evil`;
const frame = document.createElement("iframe");
frame.name = "frame";
document.body.append(frame);
const form = document.createElement("form");
Object.assign(form, {method: "post", target: "frame", action: `${endpoint}/?Action=CreateQueue&QueueName=evil`});
document.body.append(form);
frame.onload = over;
form.submit();
"""
FETCH = """
const [url, options] = arguments;
window.answer = undefined;
const read = async got => { window.answer = [got.status, await got.text()]; };
fetch(url, options).then(read, () => { window.answer = [0, ""]; });
"""
SOCKET = """
const [url] = arguments;
window.state = "";
const socket = new WebSocket(url);
socket.onopen = () => { window.state = "open"; };
socket.onerror = () => { window.state = "refused"; };
"""


class Empty(BaseHTTPRequestHandler):
    """A page of another origin."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>evil</title><body>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    with running_stack(tmp_path_factory.mktemp("guarded")) as running:
        running.put_file(FILE, b"what is in the file")
        yield running


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A browser for which the page's name leads to this machine: its own server's, or the emulator's port."""
    with browser(FOUND["chromium"] or "chromium", FOUND["chromedriver"] or "chromedriver", names=[EVIL]) as page:
        yield page


@pytest.fixture
def elsewhere(page: Page) -> Iterator[Page]:
    """The page of another origin, opened."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Empty) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        page.open(f"http://{EVIL}:{server.server_port}/")
        yield page
        server.shutdown()


def fetched(page: Page, url: str, **options: Any) -> tuple[int, str]:
    """What a script of the page reads: status and text; 0 where the browser keeps the answer from it."""
    page.run(FETCH, url, options)
    status, text = wait_for("answer", lambda: page.run("return window.answer"), seconds=PATIENCE)
    return status, text


def link(stack: RunningStack) -> str:
    """A presigned link to the file."""
    job_id = httpx.post(f"{stack.url}/v1/download/initiate", json={"file_ids": [FILE]}, timeout=60).json()["jobId"]

    def ready() -> Any:
        job = httpx.get(f"{stack.url}/v1/download/status/{job_id}", timeout=60).json()
        return job["status"] == "ready" and job["resultUrls"][0]

    found: str = wait_for("link", ready, seconds=60, pause=0.2)
    return found


def test_a_page_of_another_origin_changes_nothing(elsewhere: Page, stack: RunningStack) -> None:
    elsewhere.run(ATTACK, stack.outputs["Endpoint"])
    wait_for("all answers", lambda: elsewhere.run("return window.done") >= 4, seconds=PATIENCE)
    to_the_emulator = [asked for asked in elsewhere.requests() if asked.url.startswith(str(stack.outputs["Endpoint"]))]
    assert len(to_the_emulator) >= 4
    print([(a.url, a.status) for a in to_the_emulator])
    assert {asked.status for asked in to_the_emulator} <= {403, None}  # None: the browser refused by itself
    assert not [url for url in stack.clients("sqs").list_queues()["QueueUrls"] if url.endswith("/evil")]


def test_it_reads_the_api_and_links_as_a_front_end_does(elsewhere: Page, stack: RunningStack) -> None:
    assert fetched(elsewhere, f"{stack.url}/v1/limits")[0] == 200
    asked = {"method": "POST", "headers": {"Content-Type": "application/json"}, "body": f'{{"file_ids":[{FILE}]}}'}
    assert fetched(elsewhere, f"{stack.url}/v1/download/initiate", **asked)[0] == 202
    assert fetched(elsewhere, link(stack)) == (200, "what is in the file")
    assert fetched(elsewhere, link(stack), headers={"Range": "bytes=0-3"}) == (206, "what")


def test_a_link_whose_signature_is_made_up_opens_nothing(elsewhere: Page, stack: RunningStack) -> None:
    assert fetched(elsewhere, link(stack)[:-4] + "0000")[0] in (0, 403)
    usual = stack.clients("s3").generate_presigned_url(
        "get_object", Params={"Bucket": stack.outputs["SourceBucket"], "Key": f"downloads/{FILE}.zip"}
    )
    assert "what is in the file" not in fetched(elsewhere, usual)


def test_its_sockets_reach_the_api_alone(elsewhere: Page, stack: RunningStack) -> None:
    for url, expected in (
        (str(stack.outputs["WebSocketUrl"]), "open"),
        (f"ws://{urlsplit(stack.url).netloc}/mqtt", "refused"),
    ):
        elsewhere.run(SOCKET, url)
        assert wait_for("its state", lambda: elsewhere.run("return window.state"), seconds=PATIENCE) == expected


def test_a_page_whose_name_leads_to_the_emulator_reads_nothing(page: Page, stack: RunningStack) -> None:
    rebound = f"http://{EVIL}:{urlsplit(stack.url).port}"
    page.open(f"{rebound}/lorry/v1/limits")
    assert "refused: this emulator is for this machine" in page.texts("body")[0]
    for path in ("/", "/lorry/v1/limits", "/2015-03-31/functions", urlsplit(link(stack)).path):
        status, text = fetched(page, f"{rebound}{path}")
        assert (status, EVIL in text) == (403, True)
