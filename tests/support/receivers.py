"""Receivers of webhooks on this machine, decent and hostile ones, and an authority that certifies them."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
NAME = "hooks.example.com"  # known to the resolvers of tests only

Answer = Callable[[socket.socket, threading.Event], None]


@dataclass
class Receiver:
    """Answers each connection with `answer(connection, over)`; `over` is set when the test ends."""

    answer: Answer
    tls: ssl.SSLContext | None = None
    requests: list[bytes] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)  # as sent by SNI
    connections: int = 0

    def __enter__(self) -> Receiver:
        self.over = threading.Event()
        self._listener = socket.create_server((HOST, 0))
        self.port: int = self._listener.getsockname()[1]
        if self.tls:
            self.tls.sni_callback = lambda _socket, name, _context: self.names.append(name)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def url(self, name: str = NAME, path: str = "/hook") -> str:
        return f"{'https' if self.tls else 'http'}://{name}:{self.port}{path}"

    def _accept(self) -> None:
        while not self.over.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with self.tls.wrap_socket(connection, server_side=True) if self.tls else connection as talk:
                self.answer(talk, self.over)
        except OSError:
            pass  # the sender hung up, as it may


def replying(reply: bytes, tls: ssl.SSLContext | None = None) -> Receiver:
    """Reads a request, sends these bytes and closes."""

    def answer(talk: socket.socket, _: threading.Event) -> None:
        receiver.requests.append(read_request(talk))
        talk.sendall(reply)

    receiver = Receiver(answer, tls)
    return receiver


def dripping(first: bytes, drop: bytes, *, reads: bool = True) -> Receiver:
    """Sends `first`, then `drop` again and again without end."""

    def answer(talk: socket.socket, over: threading.Event) -> None:
        if reads:
            read_request(talk)
        talk.sendall(first)
        while not over.wait(0.02):
            talk.sendall(drop)

    return Receiver(answer)


def flooding(first: bytes) -> Receiver:
    """Sends `first`, then as much as the sender takes."""

    def answer(talk: socket.socket, over: threading.Event) -> None:
        read_request(talk)
        talk.sendall(first)
        while not over.is_set():
            talk.sendall(bytes(1 << 16))

    return Receiver(answer)


def silent(tls: ssl.SSLContext | None = None) -> Receiver:
    """Takes the request, if any comes, and says nothing."""

    def answer(_: socket.socket, over: threading.Event) -> None:
        over.wait()

    return Receiver(answer, tls)


def read_request(talk: socket.socket) -> bytes:
    """Head and body of a request."""
    with talk.makefile("rb") as lines:
        head = b"".join(iter(lines.readline, b"\r\n"))
        length = next((line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")), b":0")
        return head + b"\r\n" + lines.read(int(length.split(b":")[1]))


@dataclass
class Certificates:
    """A certificate authority of this test run, and what it certifies."""

    folder: Path

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._signed(self.key, "Test CA", x509.BasicConstraints(ca=True, path_length=None))
        self.trust = ssl.create_default_context(cadata=_pem(self.certificate))
        self.authority = self.folder / "authority.pem"
        self.authority.write_text(_pem(self.certificate))

    def server(self, *names: str, days: int = 1) -> ssl.SSLContext:
        """A server's context with a certificate for these names, which ends in so many days."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._signed(key, "receiver", x509.SubjectAlternativeName(list(map(_name, names))), days)
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / "server.pem"
        path.write_bytes(secret + _pem(certificate).encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _signed(
        self, key: ec.EllipticCurvePrivateKey, name: str, extension: x509.ExtensionType, days: int = 1
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(
            issuer_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test CA")]),
            subject_name=x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
            public_key=key.public_key(),
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=3),
            not_valid_after=now + timedelta(days=days),
        )
        return builder.add_extension(extension, critical=True).sign(self.key, hashes.SHA256())


def _name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()
