"""Keeps web pages away from the emulator's AWS services.

The emulator trusts every caller, and its Lambda runs code as the person who started it. Listening on loopback
keeps other machines out, but not the pages in this machine's browser: each of them may send requests to 127.0.0.1, and
one that has its own name lead to 127.0.0.1 ("DNS rebinding") may read the answers as well. So

- a request must name this machine in `Host`: 127.0.0.1, localhost, [::1], or a name in LORRY_HOSTS;
- what a page sends, as its `Origin` or `Sec-Fetch-Site` says, reaches the service's own API, which has rules of its own
  for other origins, and links whose signature holds. Nothing else, whatever the page's origin: a file that is opened in
  the browser has the emulator's origin, too.

Programs (curl, SDKs, the functions themselves) send neither header. Browsers send them and let no page change them.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import parse_qs

from localstack.emulator_process.concurrency_gate import PUSHES, Application, Message, Receive, Send

Headers = dict[str, str]
Query = dict[str, list[str]]
Answer = tuple[int, dict[str, str], bytes]
IsApi = Callable[[str, str], bool]  # of a host and a path
Verify = Callable[[str, str, Headers, Query], Answer | None]  # of a method, a path, ...; None: the signature holds

ALGORITHM = "AWS4-HMAC-SHA256"  # of the only signatures that MiniStack verifies
FOREIGN_HOST = (
    "refused: this emulator is for this machine, and Host is {host!r}. Call it as 127.0.0.1, "
    "or name your host in LORRY_HOSTS: docs/how-to/local-stacks.md"
)
FROM_A_PAGE = (
    "refused: web pages may call the API and open presigned links, but not the emulator's AWS services: "
    "docs/how-to/local-stacks.md"
)


def guarded(application: Application, *, is_api: IsApi, verify: Verify, hosts: Collection[str] = ()) -> Application:
    """Returns the ASGI application behind the gate. `hosts` are names beside those of loopback."""

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket"):
            refusal = _refusal(scope, is_api=is_api, verify=verify, hosts=hosts)
            if refusal is not None:
                await _send(scope, receive, send, refusal)
                return
        await application(scope, receive, send)

    return answer


def _refusal(scope: Message, *, is_api: IsApi, verify: Verify, hosts: Collection[str]) -> Answer | None:
    values = _headers(scope)
    named = values.get("host", [])
    if len(named) != 1 or not is_this_machine(named[0], hosts):
        return _forbidden(FOREIGN_HOST.format(host=", ".join(named)[:100]))
    headers, path = {name: ", ".join(found) for name, found in values.items()}, scope["path"]
    if not is_from_page(headers) or (is_api(headers["host"], path) and PUSHES not in path):
        return None
    query = parse_qs(scope.get("query_string", b"").decode("utf-8", "replace"), keep_blank_values=True)
    if scope["type"] == "http" and _is_presigned(query):
        return verify(_signed_method(scope["method"], headers), path, headers, query)
    return _forbidden(FROM_A_PAGE)


def hosts_in(environment: Mapping[str, str]) -> set[str]:
    """Returns the names in LORRY_HOSTS, separated by commas."""
    return {name for name in environment.get("LORRY_HOSTS", "").lower().split(",") if name}


def is_this_machine(host: str, more: Collection[str] = ()) -> bool:
    """Whether a Host header, whose port does not matter, names this machine."""
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if name.lower() == "localhost" or name.lower() in more:
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_from_page(headers: Headers) -> bool:
    """Whether a web page sent the request, or a link in one; `none` is what a person typed."""
    return "origin" in headers or headers.get("sec-fetch-site", "none") != "none"


def _is_presigned(query: Query) -> bool:
    given = {name: found for name, found in query.items() if name.lower().startswith("x-amz-")}
    names = [name.lower() for name in given]
    once = len(set(names)) == len(names) and all(len(found) == 1 for found in given.values())
    return once and given.get("X-Amz-Algorithm") == [ALGORITHM] and bool(given.get("X-Amz-Signature", [""])[0])


def _signed_method(method: str, headers: Headers) -> str:
    """The method that a link is signed for; a preflight asks on its behalf."""
    return headers.get("access-control-request-method", method) if method == "OPTIONS" else method


def _headers(scope: Message) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        found.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return found


def _forbidden(message: str) -> Answer:
    body = json.dumps({"message": message}).encode()
    return 403, {"content-type": "application/json"}, body


async def _send(scope: Message, receive: Receive, send: Send, answer: Answer) -> None:
    status, headers, body = answer
    if scope["type"] == "websocket":  # closed before it is accepted, which answers the handshake with 403
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    encoded: list[Any] = [
        (name.lower().encode("latin-1"), str(value).encode("latin-1")) for name, value in headers.items()
    ]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": body})
