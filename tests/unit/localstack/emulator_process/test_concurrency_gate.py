"""The limit on concurrent calls of the emulator's API."""

from __future__ import annotations

import asyncio
from typing import Any

from localstack.emulator_process.concurrency_gate import gated


class Busy:
    """An ASGI application that answers once it is open, and counts the calls inside."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.open = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.open.wait()
        self.inside -= 1


async def nothing(*_: Any) -> Any:
    return None


async def crowd(*paths: str, kind: str = "http") -> int:
    """How many of ten calls of each path are inside at once where two may be."""
    busy = Busy()
    application = gated(busy, at_once=2)
    scopes = [{"type": kind, "path": path} for path in paths for _ in range(10)]
    calls = [asyncio.ensure_future(application(scope, nothing, nothing)) for scope in scopes]
    for _ in range(5):
        await asyncio.sleep(0)
    before = busy.inside
    busy.open.set()
    await asyncio.gather(*calls)
    assert busy.most == before
    return before


def test_requests_for_the_api_wait_for_a_place_and_are_all_answered() -> None:
    assert asyncio.run(crowd("/lorry/v1/limits")) == 2
    assert asyncio.run(crowd("/_aws/execute-api/abc/api/v1/limits")) == 2


def test_waiting_event_streams_leave_the_other_calls_their_places() -> None:
    assert asyncio.run(crowd("/lorry/v1/download/stream/1", "/lorry/v1/limits")) == 2 + 2


def test_other_requests_never_wait() -> None:
    assert asyncio.run(crowd("/bucket/key")) == 10
    assert asyncio.run(crowd("/_aws/execute-api/abc/api/@connections/1")) == 10
    assert asyncio.run(crowd("/_aws/execute-api/abc/api", kind="websocket")) == 10
