"""Who reaches the server of `make dev`."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from functools import partial
from http.server import HTTPServer

import pytest
from chalice import Chalice
from chalice.config import Config

from localstack.dev_server import OwnNamesOnly


@pytest.fixture
def port() -> Iterator[int]:
    """A server's whose only route is /."""
    application = Chalice(app_name="small")

    @application.route("/")
    def root() -> dict[str, str]:
        return {"seen": "yes"}

    handler = partial(OwnNamesOnly, app_object=application, config=Config())
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def status(port: int, *hosts: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.putrequest("GET", "/", skip_host=True)
    for host in hosts:
        connection.putheader("Host", host)
    connection.endheaders()
    found = connection.getresponse().status
    connection.close()
    return found


def test_names_of_this_machine_reach_it(port: int) -> None:
    assert [status(port, host) for host in ("127.0.0.1:8000", "localhost:8000")] == [200, 200]


@pytest.mark.parametrize("hosts", [("evil.example:8000",), (), ("127.0.0.1", "evil.example")])
def test_other_names_do_not(port: int, hosts: tuple[str, ...]) -> None:
    assert status(port, *hosts) == 403
