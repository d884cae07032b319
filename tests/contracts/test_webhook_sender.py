"""Sends webhooks to real receivers on this machine, decent and hostile ones, with and without TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from chalicelib.aws.webhook_sender import Resolver, WebhookSender, resolve
from chalicelib.errors import UnsafeCallbackUrl, WebhookUnreachable
from tests.support.receivers import HOST, NAME, Certificates, Receiver, dripping, flooding, replying, silent

BODY = b'{"type":"job.ready"}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
TOO_LONG = "it took too long"
SOON = 60.0  # seconds within which a sender of hasty() has given up on any machine; its receivers never end


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@dataclass
class Names:
    """A resolver that gives these answers, one a call, and the last again and again."""

    answers: Sequence[Sequence[str]] = ((HOST,),)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


EXECUTOR = ThreadPoolExecutor()


def sender(resolver: Resolver | None = None, trust: ssl.SSLContext | None = None, **options: Any) -> WebhookSender:
    trust = trust or ssl.create_default_context()
    return WebhookSender(EXECUTOR, monotonic, trust, resolver or Names(), **options)


def local(resolver: Resolver | None = None, trust: ssl.SSLContext | None = None) -> WebhookSender:
    return sender(resolver, trust, allow_local=True)


def hasty(resolver: Resolver | None = None, trust: ssl.SSLContext | None = None) -> WebhookSender:
    """A sender that gives up after half a second."""
    return sender(resolver, trust, allow_local=True, step_seconds=0.3, total_seconds=0.5)


@pytest.fixture
def soon() -> Iterator[None]:
    """Fails a test that took longer than a hasty sender may."""
    begun = monotonic()
    yield
    assert monotonic() - begun < SOON


def reason(sender: WebhookSender, url: str) -> str:
    """Why nothing was sent there. Clients see it, so it must not name the address."""
    with pytest.raises(WebhookUnreachable) as unreachable:
        sender.send(url, BODY, headers={})
    assert HOST not in str(unreachable.value)
    return unreachable.value.reason


def test_a_webhook_is_one_plain_post() -> None:
    with replying(OK) as receiver:
        status = local().send(receiver.url(path="/hook?a=%20b"), BODY, headers={"webhook-id": "msg_1"})
    lines = receiver.requests[0].split(b"\r\n")
    assert (status, receiver.connections, lines[0], lines[-1]) == (200, 1, b"POST /hook?a=%20b HTTP/1.1", BODY)
    assert f"Host: {NAME}:{receiver.port}".encode() in lines
    assert {b"User-Agent: Lorry-Webhooks/1", b"webhook-id: msg_1", b"Content-Length: 20"} <= set(lines)


@pytest.mark.parametrize("status", [204, 301, 302, 307, 308, 404, 410, 429, 500, 503])
def test_the_status_is_returned_and_nothing_is_followed_or_repeated(status: int) -> None:
    reply = f"HTTP/1.1 {status} X\r\nRetry-After: 0\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n".encode()
    with replying(reply) as receiver:
        assert local().send(receiver.url(), BODY, headers={}) == status
    assert (len(receiver.requests), receiver.connections) == (1, 1)


def test_with_tls_the_name_is_sent_and_its_certificate_accepted(certificates: Certificates) -> None:
    with replying(OK, certificates.server(NAME)) as receiver:
        assert local(trust=certificates.trust).send(receiver.url(), BODY, headers={}) == 200
    assert receiver.names == [NAME]
    assert f"Host: {NAME}:{receiver.port}".encode() in receiver.requests[0].split(b"\r\n")


def test_a_certificate_for_an_address_is_accepted_for_that_address(certificates: Certificates) -> None:
    with replying(OK, certificates.server(HOST)) as receiver:
        assert local(trust=certificates.trust).send(receiver.url(HOST), BODY, headers={}) == 200
    assert receiver.names == [None]


@pytest.mark.parametrize(
    ("names", "days"), [(["other.example.com"], 1), ([HOST], 1), (["*.com"], 1), ([NAME], -1)], ids=str
)
def test_a_certificate_of_another_host_or_time_is_refused(
    certificates: Certificates, names: list[str], days: int
) -> None:
    """Not even one for the address that is connected to: the name is what the client gave."""
    with replying(OK, certificates.server(*names, days=days)) as receiver:
        assert "certificate is not trusted" in reason(local(trust=certificates.trust), receiver.url())
    assert receiver.requests == []


def test_a_certificate_of_an_unknown_authority_is_refused(certificates: Certificates) -> None:
    with replying(OK, certificates.server(NAME)) as receiver:
        assert "certificate is not trusted" in reason(local(), receiver.url())
    assert receiver.requests == []


def test_old_tls_is_refused(certificates: Certificates) -> None:
    old = certificates.server(NAME)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with replying(OK, old) as receiver:
        assert reason(local(trust=certificates.trust), receiver.url()) == "its TLS handshake failed"


def test_a_name_is_resolved_once_and_the_answer_is_what_is_connected_to() -> None:
    """A name that leads elsewhere when it is asked again gains nothing."""
    names = Names([[HOST], ["169.254.169.254"]])
    with replying(OK) as receiver:
        assert local(names).send(receiver.url(), BODY, headers={}) == 200
    assert names.asked == [(NAME, receiver.port)]


@pytest.mark.parametrize(
    "addresses", [["169.254.169.254"], [HOST, "10.0.0.1"], ["::ffff:127.0.0.1"], ["fe80::1%lo"], ["0.0.0.0"]]
)
def test_nothing_is_sent_to_a_name_with_an_address_inside(addresses: list[str]) -> None:
    with replying(OK) as receiver, pytest.raises(UnsafeCallbackUrl) as refused:
        local(Names([addresses])).send(receiver.url(), BODY, headers={})
    assert receiver.connections == 0
    assert not any(address in str(refused.value) for address in addresses)


def test_this_machine_is_not_called_unless_that_is_allowed() -> None:
    with pytest.raises(UnsafeCallbackUrl):
        sender().send(f"https://{NAME}/", BODY, headers={})
    with pytest.raises(UnsafeCallbackUrl):
        sender().send("http://localhost:8000/", BODY, headers={})


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with replying(b"HTTP/1.1 500 X\r\n\r\n") as proxy, replying(OK) as receiver:
        for variable in ("http_proxy", "https_proxy", "all_proxy"):
            monkeypatch.setenv(variable, proxy.url(HOST, ""))
        assert local().send(receiver.url(), BODY, headers={}) == 200
    assert proxy.connections == 0


def test_a_refused_connection_is_reported() -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        assert reason(local(), f"http://{NAME}:{taken.getsockname()[1]}/") == "no connection could be made"


def test_a_name_without_address_is_reported() -> None:
    def nowhere(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    assert reason(local(nowhere), f"https://{NAME}/") == "its name does not resolve"
    assert reason(local(Names([[]])), f"https://{NAME}/") == "its name does not resolve"


@pytest.mark.usefixtures("soon")
def test_a_name_that_is_not_resolved_in_time_is_given_up() -> None:
    over = threading.Event()
    sender = hasty(lambda host, port: [HOST] if over.wait(60) else [])
    assert reason(sender, f"https://{NAME}/") == "its name was not resolved in time"
    over.set()


@pytest.mark.usefixtures("soon")
def test_a_receiver_that_accepts_no_connection_is_given_up() -> None:
    with socket.create_server((HOST, 0), backlog=0) as full, socket.socket() as first, socket.socket() as second:
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        assert reason(hasty(), f"http://{NAME}:{full.getsockname()[1]}/") == TOO_LONG


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "make", [silent, lambda: dripping(b"", b"H"), lambda: dripping(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n")]
)
def test_a_receiver_that_never_completes_its_headers_is_given_up(make: Callable[[], Receiver]) -> None:
    with make() as receiver:
        assert reason(hasty(), receiver.url()) == TOO_LONG


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("drop", [b"a", b"HTTP/1.1 100 Continue\r\n\r\n"])
def test_an_answer_that_drips_is_not_an_answer(drop: bytes) -> None:
    """However it looks when it is cut off: the receiver's acceptance ends with its headers."""
    with dripping(b"HTTP/1.1 100 Continue\r\n\r\n" if b"100" in drop else b"HTTP/1.1 200 OK\r\nA: ", drop) as receiver:
        assert reason(hasty(), receiver.url()) == TOO_LONG


@pytest.mark.usefixtures("soon")
def test_a_handshake_that_drips_is_given_up(certificates: Certificates) -> None:
    with dripping(b"\x16\x03\x03\x40\x00\x02", b"\x00", reads=False) as receiver:
        url = receiver.url().replace("http:", "https:")
        assert reason(hasty(trust=certificates.trust), url) in (
            TOO_LONG,
            "its TLS handshake failed",
        )


@pytest.mark.usefixtures("soon")
def test_silence_under_tls_is_given_up(certificates: Certificates) -> None:
    with silent(certificates.server(NAME)) as receiver:
        assert reason(hasty(trust=certificates.trust), receiver.url()) == TOO_LONG


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_a_body_that_drips_or_has_no_end_does_not_matter(head: bytes) -> None:
    for receiver in (dripping(head, b"a"), flooding(head)):
        with receiver:
            assert sender(allow_local=True, total_seconds=2).send(receiver.url(), BODY, headers={}) == 200


def test_a_body_that_cannot_be_read_does_not_matter() -> None:
    for encoding in (b"Transfer-Encoding: chunked", b"Content-Encoding: gzip"):
        with replying(b"HTTP/1.1 200 OK\r\n" + encoding + b"\r\n\r\nnonsense\r\n") as receiver:
            assert local().send(receiver.url(), BODY, headers={}) == 200


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1",
        b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        bytes(range(256)) * 300,
    ],
    ids=lambda reply: repr(reply[:20]),
)
def test_an_answer_that_is_not_http_is_reported(reply: bytes) -> None:
    with replying(reply) as receiver:
        assert reason(local(), receiver.url()) == "its response ended early or is not HTTP"


def test_names_are_resolved_by_the_system() -> None:
    assert resolve(HOST, 443) == [HOST]
    with pytest.raises(OSError, match=r"."):
        resolve("host.invalid", 443)
