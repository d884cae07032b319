"""MiniStack with a limit on concurrent calls of the HTTP API; MiniStack's own Python runs this.

Like Lambda, MiniStack starts a process for each request that finds none free. Lambda has a region's machines for that;
here two hundred clients at once would start two hundred processes and wait a minute. Behind a limit they wait a moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import nullcontext
from typing import Any

AT_ONCE = 24  # more than event streams may wait, or they would block all other calls
API_PATHS = ("/lorry/", "/_aws/execute-api/")
PUSHES = "/@connections/"  # from workers to WebSockets; those never wait

Message = MutableMapping[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]


def gated(application: Application, at_once: int = AT_ONCE) -> Application:
    """Returns the ASGI application with at most `at_once` requests for the API inside; others wait their turn."""
    places = asyncio.Semaphore(at_once)

    async def answer(
        scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
    ) -> None:
        async with places if _is_api_call(scope) else nullcontext():
            await application(scope, receive, send)

    return answer


def _is_api_call(scope: Message) -> bool:
    return scope["type"] == "http" and scope["path"].startswith(API_PATHS) and PUSHES not in scope["path"]


if __name__ == "__main__":
    from ministack import app as ministack

    ministack.app = gated(ministack.app)
    ministack.main()
