"""MiniStack with a waiting line before the HTTP API, run by MiniStack's own Python.

Like Lambda, MiniStack starts a process for each request that finds none free. Lambda has a region's machines for that;
here two hundred clients at once would start two hundred processes and wait a minute. In line they wait a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any

AT_ONCE = 24  # more than event streams may wait, or they would keep everybody else out
API_PATHS = ("/lorry/", "/_aws/execute-api/")
PUSHES = "/@connections/"  # from workers to WebSockets, whom nobody should have to wait for

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def in_line(application: Application, at_once: int = AT_ONCE) -> Application:
    """The ASGI application, answering so many requests for the API at once; the others wait their turn."""
    line = asyncio.Semaphore(at_once)

    async def answer(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        async with line if _is_api_call(scope) else nullcontext():
            await application(scope, receive, send)

    return answer


def _is_api_call(scope: Message) -> bool:
    return scope["type"] == "http" and scope["path"].startswith(API_PATHS) and PUSHES not in scope["path"]


if __name__ == "__main__":
    from ministack import app as ministack

    ministack.app = in_line(ministack.app)
    ministack.main()
