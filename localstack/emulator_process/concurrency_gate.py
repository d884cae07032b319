"""A limit on concurrent calls of the HTTP API.

Two hundred clients at once would start two hundred worker processes; behind a limit they wait a moment. Event streams
wait for a change for seconds, so they have places of their own and never keep another call from its turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import Any

AT_ONCE = 24  # of each kind
API_PATHS = ("/lorry/", "/_aws/execute-api/")
STREAMS = "/v1/download/stream/"
PUSHES = "/@connections/"  # from workers to WebSockets; those never wait

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def gated(application: Application, at_once: int = AT_ONCE) -> Application:
    """Returns the ASGI application with at most `at_once` calls of the API inside, and as many streams."""
    calls, streams = asyncio.Semaphore(at_once), asyncio.Semaphore(at_once)

    def places(scope: Message) -> AbstractAsyncContextManager[Any]:
        if not is_api_call(scope):
            return nullcontext()
        return streams if STREAMS in scope["path"] else calls

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        async with places(scope):
            await application(scope, receive, send)

    return answer


def is_api_call(scope: Message) -> bool:
    return scope["type"] == "http" and scope["path"].startswith(API_PATHS) and PUSHES not in scope["path"]
