"""Keys over HTTP: from a real issuer on this machine, and from issuers that are down, slow, false or greedy."""

from __future__ import annotations

import gzip
import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3 import PoolManager

from chalicelib.aws.jwks import MAX_ANSWER_BYTES, PublishedKeys
from chalicelib.errors import KeysUnavailable, Unauthenticated
from chalicelib.tokens import CachedKeys
from tests.support.oidc import DISCOVERY, HOST, JWKS, Issuer, Reply, issuing
from tests.support.servers import refusing, silent
from tests.unit.tokens.verifiers import verifier_of


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    with issuing() as issuer:
        yield issuer


def at(issuer: Issuer) -> PublishedKeys:
    """The keys at a configured address."""
    return PublishedKeys(issuer.url, issuer.url + JWKS)


def found_by(issuer: Issuer) -> PublishedKeys:
    """The keys where discovery says that they are."""
    return PublishedKeys(issuer.url)


def last_error(keys: PublishedKeys) -> str:
    with pytest.raises(KeysUnavailable) as unavailable:
        keys.fetch()
    return str(unavailable.value)


def discovering(issuer: Issuer, /, **changes: Any) -> None:
    document = {"issuer": issuer.url, "jwks_uri": issuer.url + JWKS, **changes}
    issuer.replies[DISCOVERY] = Reply(json.dumps(document).encode())


@pytest.mark.parametrize("way", [at, found_by])
def test_the_published_keys_are_fetched(issuer: Issuer, way: Callable[[Issuer], PublishedKeys]) -> None:
    assert way(issuer).fetch() == issuer.jwks()


def test_a_configured_address_needs_no_discovery(issuer: Issuer) -> None:
    at(issuer).fetch()
    assert issuer.requests == {JWKS: 1}


def test_an_issuer_may_have_a_path_that_ends_in_a_slash(issuer: Issuer) -> None:
    realm = f"{issuer.url}/realms/tests"
    document = {"issuer": f"{realm}/", "jwks_uri": issuer.url + JWKS}
    issuer.replies[f"/realms/tests{DISCOVERY}"] = Reply(json.dumps(document).encode())
    assert PublishedKeys(f"{realm}/").fetch() == issuer.jwks()
    assert "another issuer" in last_error(PublishedKeys(realm))


def test_keys_rotate_as_a_verifier_sees_it(issuer: Issuer) -> None:
    passed = 0.0
    keys = CachedKeys(found_by(issuer).fetch, lambda: time.time() + passed)
    verifier = verifier_of(issuer, keys.key)
    old = issuer.token("alice")
    assert verifier.verify(old) == "alice"
    issuer.rotate(keep_old=True)
    assert verifier.verify(issuer.token("bob", algorithm="ES256")) == "bob"
    assert verifier.verify(old) == "alice"
    assert issuer.requests == {DISCOVERY: 2, JWKS: 2}
    issuer.rotate(keep_old=False)
    passed = 300
    assert verifier.verify(issuer.token("carol")) == "carol"
    with pytest.raises(Unauthenticated):
        verifier.verify(old)


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
@pytest.mark.parametrize(
    "reply",
    [
        Reply(b"{}", 500),
        Reply(b"{}", 404),
        Reply(b'{"keys":[]}', 206),
        Reply(b""),
        Reply(b"<html>"),
        Reply(b"[]"),
        Reply(b"null"),
        Reply(b"{}"),
        Reply(b'{"keys":{}}'),
        Reply(b'{"keys":"\xff"}'),
        Reply(b"[" * 100_000),
        Reply(gzip.compress(b'{"keys":[]}'), headers={"Content-Encoding": "gzip"}),
        Reply(b'{"keys":[]}', headers={"Content-Length": "99"}),
    ],
)
def test_an_answer_that_is_not_the_wanted_document_tells_no_keys(issuer: Issuer, path: str, reply: Reply) -> None:
    keys = found_by(issuer)
    assert keys.fetch()
    issuer.replies[path] = reply
    assert last_error(keys).startswith("the issuer's keys cannot be fetched from http://127.0.0.1")


def test_members_that_are_no_keys_are_passed_over(issuer: Issuer) -> None:
    issuer.replies[JWKS] = Reply(b'{"keys":[1, "x", null, {"kid": "a"}]}')
    assert at(issuer).fetch() == [{"kid": "a"}]


@pytest.mark.parametrize("path", [DISCOVERY, JWKS])
def test_no_redirect_is_followed(issuer: Issuer, path: str) -> None:
    issuer.replies["/elsewhere"] = Reply(json.dumps({"keys": []}).encode())
    issuer.replies[path] = Reply(b"", 302, {"Location": f"{issuer.url}/elsewhere"})
    assert "the answer is 302" in last_error(found_by(issuer))
    assert issuer.requests["/elsewhere"] == 0


def test_an_answer_is_read_up_to_its_limit(issuer: Issuer) -> None:
    fits = b'{"keys":[]}'.ljust(MAX_ANSWER_BYTES)
    issuer.replies[JWKS] = Reply(fits)
    assert at(issuer).fetch() == []
    issuer.replies[JWKS] = Reply(fits + b" ")
    assert "longer than" in last_error(at(issuer))


# --- whose document it is ----------------------------------------------------


@pytest.mark.parametrize("other", ["https://issuer.example", "", None, 7])
def test_a_discovery_document_of_another_issuer_tells_nothing(issuer: Issuer, other: object) -> None:
    discovering(issuer, issuer=other)
    assert "another issuer" in last_error(found_by(issuer))
    assert issuer.requests[JWKS] == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example/jwks",
        "http://169.254.169.254/latest/meta-data",
        "file:///etc/passwd",
        "ftp://127.0.0.1/jwks",
        "//127.0.0.1/jwks",
        "/jwks",
        "",
        "https://",
        "https://user:secret@issuer.example/jwks",  # pragma: allowlist secret
        "http://localhost@issuer.example/jwks",
        "http://localhost.issuer.example/jwks",
        "http://[::1/jwks",
        "https://issuer.example:port/jwks",
    ],
)
def test_only_safe_addresses_are_asked(issuer: Issuer, url: str) -> None:
    discovering(issuer, jwks_uri=url)
    assert "only https" in last_error(found_by(issuer)) or "not an address" in last_error(found_by(issuer))
    if url:
        assert "cannot be fetched" in last_error(PublishedKeys(issuer.url, url))


@pytest.mark.parametrize("url", [None, 7, ["http://127.0.0.1/jwks"]])
def test_a_discovery_document_must_name_the_address(issuer: Issuer, url: object) -> None:
    discovering(issuer, jwks_uri=url)
    assert "no jwks_uri" in last_error(found_by(issuer))


def test_localhost_is_this_machine_too(issuer: Issuer) -> None:
    port = issuer.url.rpartition(":")[2]
    assert PublishedKeys(issuer.url, f"http://localhost:{port}{JWKS}").fetch()


# --- https -------------------------------------------------------------------


@contextmanager
def at_https(folder: Path, document: Callable[[str], object]) -> Iterator[tuple[str, Path]]:
    """An address at https that answers everything with this document, and the certificate that vouches for it."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(document(url)).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Quietly."""

    certificate = self_signed(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with ThreadingHTTPServer((HOST, 0), Handler) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://{HOST}:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield url, certificate
        finally:
            server.shutdown()


def self_signed(folder: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), 1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(private + certificate.public_bytes(pem))
    return path


def test_an_issuer_whose_certificate_nobody_vouches_for_is_not_believed(tmp_path: Path) -> None:
    with at_https(tmp_path, lambda _: {"keys": []}) as (url, certificate):
        assert PublishedKeys(url, url, http=PoolManager(ca_certs=str(certificate))).fetch() == []
        assert "SSLError" in last_error(PublishedKeys(url, url))


def test_an_issuer_at_https_cannot_lead_to_http(tmp_path: Path, issuer: Issuer) -> None:
    with at_https(tmp_path, lambda url: {"issuer": url, "jwks_uri": issuer.url + JWKS}) as (url, certificate):
        assert "only https" in last_error(PublishedKeys(url, http=PoolManager(ca_certs=str(certificate))))
    assert issuer.requests.total() == 0


# --- time --------------------------------------------------------------------


def test_an_address_where_nobody_listens_tells_no_keys() -> None:
    with refusing() as url:
        assert "NewConnectionError" in last_error(PublishedKeys(url, url))


def test_an_issuer_that_says_nothing_is_waited_for_no_longer_than_promised() -> None:
    with silent() as url:
        assert "ReadTimeoutError" in last_error(PublishedKeys(url, url, read_seconds=0.2))


def test_an_answer_that_trickles_is_given_up() -> None:
    class Trickle(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            while not given_up.wait(0.05):  # never, unless the caller gives up
                self.wfile.write(b" ")

        def log_message(self, *_: object) -> None:
            """Quietly."""

    given_up = threading.Event()
    with ThreadingHTTPServer((HOST, 0), Trickle) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        url = f"http://{HOST}:{server.server_address[1]}"
        assert "takes too long" in last_error(PublishedKeys(url, url, answer_seconds=0.3))
        given_up.set()
        server.shutdown()
