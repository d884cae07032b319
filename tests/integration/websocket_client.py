"""A browser's WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.integration.deployment import ENDED, PATIENCE, Deployment, Document


class Client:
    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket

    def say(self, message: Document | str) -> None:
        self._socket.send(message if isinstance(message, str) else json.dumps(message))

    def hear(self) -> Document:
        """The next event."""
        heard: Document = json.loads(self._socket.recv(timeout=PATIENCE))
        return heard

    def ask(self, message: Document | str) -> Document:
        self.say(message)
        return self.hear()

    def subscribe(self, job_id: str, **more: str) -> Document:
        return self.ask({"action": "subscribe", "jobId": job_id, **more})

    def until(self, version: int) -> list[Document]:
        """What is heard up to the event of this version."""
        heard = [self.hear()]
        while heard[-1]["id"] < version:
            heard.append(self.hear())
        return heard

    def to_the_end(self) -> list[Document]:
        heard = [self.hear()]
        while heard[-1]["event"] not in ENDED:
            heard.append(self.hear())
        return heard


@contextmanager
def connected(deployment: Deployment, query: str = "", headers: dict[str, str] | None = None) -> Iterator[Client]:
    """Raises websockets' InvalidStatus if the connection is refused."""
    url = str(deployment.stack.outputs["WebSocketUrl"]) + query
    options: dict[str, Any] = {"open_timeout": PATIENCE, "additional_headers": headers, "proxy": None}
    with connect(url, **options) as socket:
        yield Client(socket)
