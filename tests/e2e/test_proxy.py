"""The nginx configuration of docs/how-to/behind-a-proxy.md, with the embedded stack in API Gateway's place."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from websockets.sync.client import connect

from tests.integration.stack import RunningStack, free_port, running_stack, wait_for
from tests.support import pages

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
HOW_TO = pages.ROOT / "docs" / "how-to" / "behind-a-proxy.md"
FILE = 70_000
MIB = 1024 * 1024
LIMIT = 50

pytestmark = [
    pytest.mark.slow,
    pytest.mark.integration,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]


@dataclass(frozen=True)
class Proxy:
    """nginx in front of a stack that knows of it."""

    stack: RunningStack
    url: str
    log: Path

    @contextmanager
    def client(self, address: str = "127.0.0.1", **headers: str) -> Iterator[httpx.Client]:
        """A client that has this address; all of 127.0.0.0/8 is this machine."""
        transport = httpx.HTTPTransport(local_address=address)
        with httpx.Client(base_url=self.url, headers=headers, timeout=60, transport=transport) as client:
            yield client


def configuration(stack: RunningStack, port: int, folder: Path) -> str:
    """The page's block, with what is this machine's own in the place of names, certificates and AWS."""
    (shown,) = (block.body for block in pages.blocks(HOW_TO) if block.info == ("nginx",))
    api, socket = urlsplit(stack.url), urlsplit(str(stack.outputs["WebSocketUrl"]))
    exchanged = {
        "listen 443 ssl;": f"listen 127.0.0.1:{port};",
        "    ssl_certificate     /etc/nginx/downloads.crt;\n": "",
        "    ssl_certificate_key /etc/nginx/downloads.key;\n": "",
        "    resolver 169.254.169.253 valid=30s;\n": "",
        "/var/log/nginx/downloads.log": str(folder / "access.log"),
        "abc123.execute-api.eu-central-1.amazonaws.com": api.netloc,
        "def456.execute-api.eu-central-1.amazonaws.com": socket.netloc,
        "https://$api/api$request_uri": f"http://$api{api.path}$request_uri",
        "https://$socket/api": f"http://$socket{socket.path}",
    }
    for name, own in exchanged.items():
        assert name in shown, name
        shown = shown.replace(name, own)
    kept = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    places = "\n".join(f"{name}_temp_path {folder / name};" for name in kept)
    own = f"daemon off;\nworker_processes 1;\nuser root;\npid {folder / 'pid'};\nerror_log {folder / 'error.log'};\n"
    return f"{own}events {{}}\nhttp {{\n{places}\n{shown}\n}}\n"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    port, folder = free_port(), tmp_path_factory.mktemp("nginx")
    url = f"http://127.0.0.1:{port}"
    limits = {"RateLimitMaxRequests": str(LIMIT), "RateLimitWindowMs": "3600000"}
    parameters = {"PublicUrl": url, "TrustedProxies": "127.0.0.1/32", **limits}
    with running_stack(tmp_path_factory.mktemp("proxied"), parameters=parameters) as stack:
        stack.put_file(FILE, b"what is in the file")
        (folder / "nginx.conf").write_text(configuration(stack, port, folder))
        command = [str(NGINX), "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(folder / "nginx.conf")]
        subprocess.run([*command, "-t"], check=True, capture_output=True)
        with subprocess.Popen(command) as process:
            try:
                wait_for("nginx", lambda: _answers(url), seconds=10)
                yield Proxy(stack, url, folder / "access.log")
            finally:
                process.terminate()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


def test_a_job_is_followed_and_fetched_through_the_proxy(proxy: Proxy) -> None:
    with proxy.client("127.0.0.10") as client:
        started = client.post("/v1/download/initiate", json={"file_ids": [FILE], "archive": True}).json()
        assert started["links"]["status"].startswith(f"{proxy.url}/v1/download/status/")
        job_id, ticket = started["jobId"], {"ticket": started["ticket"]}
        stream = f"/v1/download/stream/{job_id}"
        wait_for("the end", lambda: "event: ready" in client.get(stream, params=ticket).text, seconds=60, pause=1)
        answer = client.get(f"/v1/download/{job_id}", params=ticket)
        assert answer.status_code == 302
        assert httpx.get(answer.headers["location"]).content.startswith(b"PK")


def test_a_websocket_passes_the_proxy(proxy: Proxy) -> None:
    with proxy.client("127.0.0.11") as client:
        job_id = client.post("/v1/download/initiate", json={"file_ids": [FILE]}).json()["jobId"]
    with connect(f"{proxy.url.replace('http', 'ws')}/socket") as socket:
        socket.send(json.dumps({"action": "subscribe", "jobId": job_id}))
        assert json.loads(socket.recv(timeout=30))["jobId"] == job_id
        socket.send(json.dumps({"action": "ping"}))
        wait_for("pong", lambda: json.loads(socket.recv(timeout=30))["event"] == "pong", seconds=30)


@pytest.mark.parametrize(("size", "status"), [(3 * MIB, 202), (6 * MIB, 413)])
def test_long_lists_pass_and_longer_ones_are_refused(proxy: Proxy, size: int, status: int) -> None:
    body = json.dumps({"file_ids": [FILE]}).ljust(size)
    with proxy.client("127.0.0.12", **{"Content-Type": "application/json"}) as client:
        assert client.post("/v1/download/initiate", content=body).status_code == status


def test_callers_are_counted_by_the_address_that_the_proxy_saw(proxy: Proxy) -> None:
    left = []
    for address, claimed in [("127.0.0.13", "198.51.100.1"), ("127.0.0.13", "198.51.100.2"), ("127.0.0.14", "")]:
        with proxy.client(address, **{"X-Forwarded-For": claimed} if claimed else {}) as client:
            left.append(int(client.get("/v1/limits").headers["ratelimit-remaining"]))
    assert left == [LIMIT - 1, LIMIT - 2, LIMIT - 1]


def test_tickets_are_not_in_the_proxys_log(proxy: Proxy) -> None:
    with proxy.client("127.0.0.15") as client:
        client.get("/v1/download/00000000-0000-0000-0000-000000000000", params={"ticket": "secret-of-a-job"})
    line = wait_for(
        "the line", lambda: [x for x in proxy.log.read_text().splitlines() if "127.0.0.15" in x], seconds=10
    )
    assert "/v1/download/00000000" in line[0]
    assert "secret-of-a-job" not in proxy.log.read_text()
