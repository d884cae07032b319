"""What reaches the emulator: programs of this machine; of web pages, requests for the API and for links alone."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from localstack.emulator_process.browser_gate import guarded, hosts_in, is_this_machine

HERE = "127.0.0.1:4566"
EVIL = "http://evil.example"
LINK = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Signature": "right", "X-Amz-Credential": "key/day/us-east-1/s3/x"}
CROSS_SITE = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site"}


def is_api(host: str, path: str) -> bool:
    return host.startswith("127.0.0.1") and path.startswith("/lorry/")


def verify(method: str, path: str, headers: Any, query: Any) -> Any:
    """As MiniStack: the signature is of one method and one path."""
    if (method, path, query["X-Amz-Signature"]) == ("GET", "/bucket/key", ["right"]):
        return None
    return 403, {"Content-Type": "application/xml"}, b"<Code>SignatureDoesNotMatch</Code>"


class Emulator:
    """Answers 200, and a request that the gate refuses is not among `seen`."""

    def __init__(self, hosts: set[str] | None = None) -> None:
        self.seen: list[str] = []
        self._guarded = guarded(self._answer, is_api=is_api, verify=verify, hosts=hosts or set())

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        self.seen.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})

    def call(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        query: Any = (),
        headers: Any = (),
        kind: str = "http",
    ) -> tuple[Any, bytes]:
        """The status (None where a socket was closed), and the body. `headers` may bring another Host."""
        sent: list[dict[str, Any]] = []
        given = list(headers.items() if isinstance(headers, dict) else headers)
        if not any(name == "Host" for name, _ in given):
            given.append(("Host", HERE))
        scope = {
            "type": kind,
            "path": path,
            "method": method,
            "query_string": urlencode(query).encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in given],
        }

        async def receive() -> Any:
            return {"type": f"{kind}.connect"}

        async def send(message: Any) -> None:
            sent.append(message)

        async def call() -> None:
            await self._guarded(scope, receive, send)

        asyncio.run(call())
        return sent[0].get("status"), b"".join(message.get("body", b"") for message in sent)


@pytest.mark.parametrize(
    "host", ["127.0.0.1:4566", "127.0.0.1", "localhost:4566", "LocalHost", "[::1]:4566", "[::1]", "127.8.9.10:1"]
)
def test_names_of_this_machine_are_known(host: str) -> None:
    assert is_this_machine(host)


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:4566", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.2", ""),
        *("0.0.0.0:4566", "127.0.0.1@evil.example", "[::ffff:7f00:1", "2130706433", "127.1", "[fe80::1]:4566"),
    ],
)
def test_other_names_are_not(host: str) -> None:
    assert not is_this_machine(host)


def test_a_program_of_this_machine_reaches_everything() -> None:
    emulator = Emulator()
    assert emulator.call("/2015-03-31/functions", method="POST")[0] == 200
    assert emulator.call("/bucket/key", method="PUT")[0] == 200
    assert len(emulator.seen) == 2


@pytest.mark.parametrize("path", ["/", "/lorry/v1/limits", "/bucket/key"])
@pytest.mark.parametrize("host", ["evil.example:4566", ""])
def test_a_foreign_host_reaches_nothing_and_the_answer_says_what_to_do(path: str, host: str) -> None:
    emulator = Emulator()
    status, body = emulator.call(path, query=LINK, headers={"Host": host})
    assert (status, emulator.seen) == (403, [])
    assert "LORRY_HOSTS" in json.loads(body)["message"]


def test_two_hosts_reach_nothing() -> None:
    assert Emulator().call("/lorry/v1/limits", headers=[("Host", HERE), ("Host", "evil.example")])[0] == 403


def test_hosts_can_be_added() -> None:
    hosts = hosts_in({"LORRY_HOSTS": "lorry.test,Other.test"})
    assert hosts == {"lorry.test", "other.test"}
    assert hosts_in({}) == set()
    emulator = Emulator(hosts)
    asked = ("lorry.test:4566", "OTHER.test", "third.test")
    assert [emulator.call(headers={"Host": host})[0] for host in asked] == [200, 200, 403]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL},
        {"Origin": "null"},
        {"Origin": f"http://{HERE}"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "same-origin"},
    ],
)
def test_no_page_reaches_an_aws_service(headers: dict[str, str]) -> None:
    emulator = Emulator()
    for method, path in (("POST", "/2015-03-31/functions"), ("GET", "/"), ("PUT", "/bucket/key"), ("OPTIONS", "/")):
        status, body = emulator.call(path, method=method, headers=headers)
        assert status == 403
        assert b"docs/how-to/local-stacks.md" in body
    assert emulator.seen == []


def test_what_a_person_types_is_no_page() -> None:
    assert Emulator().call("/bucket", headers={"Sec-Fetch-Site": "none"})[0] == 200


def test_pages_reach_the_api_but_not_the_sockets_of_others() -> None:
    emulator = Emulator()
    for method in ("GET", "POST", "OPTIONS"):
        assert emulator.call("/lorry/v1/jobs", method=method, headers=CROSS_SITE)[0] == 200
    assert emulator.call("/lorry/@connections/1", method="POST", headers=CROSS_SITE)[0] == 403
    assert emulator.call("/lorry/v1/jobs", headers={**CROSS_SITE, "Host": "localhost:4566"})[0] == 403  # no API there


def test_pages_open_links_whose_signature_holds() -> None:
    emulator = Emulator()
    assert emulator.call("/bucket/key", query=LINK, headers=CROSS_SITE)[0] == 200
    preflight = {**CROSS_SITE, "Access-Control-Request-Method": "GET"}
    assert emulator.call("/bucket/key", method="OPTIONS", query=LINK, headers=preflight)[0] == 200


def test_other_links_are_answered_as_the_store_does() -> None:
    emulator = Emulator()
    for method, path, changed in (
        ("GET", "/bucket/other", {}),
        ("DELETE", "/bucket/key", {}),
        ("GET", "/bucket/key", {"X-Amz-Signature": "wrong"}),
    ):
        status, body = emulator.call(path, method=method, query={**LINK, **changed}, headers=CROSS_SITE)
        assert (status, body) == (403, b"<Code>SignatureDoesNotMatch</Code>")
    assert emulator.seen == []


@pytest.mark.parametrize(
    "query",
    [
        {**LINK, "X-Amz-Algorithm": "AWS4-HMAC-SHA1"},
        {**LINK, "X-Amz-Signature": ""},
        {name: value for name, value in LINK.items() if name != "X-Amz-Algorithm"},
        [*LINK.items(), ("X-Amz-Signature", "right")],
        [*LINK.items(), ("x-amz-algorithm", "none")],
    ],
)
def test_what_looks_like_a_link_but_would_not_be_verified_is_refused(query: Any) -> None:
    emulator = Emulator()
    assert emulator.call("/bucket/key", query=query, headers=CROSS_SITE)[0] == 403
    assert emulator.seen == []


def test_sockets_of_pages_reach_the_api_alone() -> None:
    emulator = Emulator()
    assert emulator.call("/lorry/socket", headers=CROSS_SITE, kind="websocket")[0] == 200
    assert emulator.call("/mqtt", headers=CROSS_SITE, kind="websocket")[0] is None
    assert emulator.call("/bucket/key", query=LINK, headers=CROSS_SITE, kind="websocket")[0] is None
    assert emulator.call("/lorry/socket", headers={"Host": "evil.example"}, kind="websocket")[0] is None
    assert emulator.seen == ["/lorry/socket"]


def test_the_life_of_the_process_is_no_request() -> None:
    seen: list[str] = []

    async def application(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    gate = guarded(application, is_api=is_api, verify=verify)

    async def nothing(*_: Any) -> Any:
        return None

    async def begin() -> None:
        await gate({"type": "lifespan"}, nothing, nothing)

    asyncio.run(begin())
    assert seen == ["lifespan"]
