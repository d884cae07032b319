"""Decides where webhooks may be sent: to the public internet only.

A callback URL comes from a stranger, and Lorry sends to it from inside a network; unchecked, it could make Lorry post
to metadata services and private hosts. It is checked twice: its text when the job is created, without DNS; and when it
is sent, the addresses its name resolves to, one of which is then connected to, so that the name cannot change between.

One strict parser, whose result is what is connected to. An address in any unusual form is refused, not interpreted.

Sources: iana.org/assignments/iana-ipv4-special-registry and iana-ipv6-special-registry; RFC 6052 (NAT64).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import msgspec

from chalicelib.errors import UnsafeCallbackUrl
from chalicelib.limits import MAX_CALLBACK_URL_CHARACTERS

DEFAULT_PORTS = {"https": 443, "http": 80}

_PRINTABLE = re.compile(r"[!-~]+")
_URL = re.compile(r"(https?)://([^/?]*)(.*)", re.IGNORECASE)
_AUTHORITY = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(?::([1-9][0-9]{0,4}))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
MAX_NAME_CHARACTERS = 253

LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "home.arpa")

_NOT_PUBLIC_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host and network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT; Alibaba's metadata service
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # Azure's host, an address that only looks public
        "169.254.0.0/16",  # link-local; the metadata service of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved; broadcast
    )
)
# The rest of IPv6 is unspecified, loopback, IPv4-compatible, unique local (fd00:ec2::254), link-local or multicast.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an IPv4 address
        "3fff::/20",  # documentation
    )
)
# The last 32 bits are the IPv4 address that is reached. Networks without IPv4 reach the rest through NAT64.
_EMBEDDING = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

_LOOPBACK_V4, _LOOPBACK_V6 = IPv4Network("127.0.0.0/8"), IPv6Address("::1")


class Destination(msgspec.Struct, frozen=True):
    """A parsed callback URL. `host` is lowercase and without brackets, `target` is path and query."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        """Host and port, without the scheme's own port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def check_callback_url(url: str, *, allow_local: bool) -> str:
    """Returns `url` unchanged if its text allows sending webhooks there. Raises UnsafeCallbackUrl.

    With `allow_local`, for development, http, any port, and this machine are allowed too.
    """
    split_callback_url(url, allow_local=allow_local)
    return url


def split_callback_url(url: str, *, allow_local: bool) -> Destination:
    """Parses a URL that check_callback_url accepts. Raises UnsafeCallbackUrl."""
    scheme, authority, target = _parts(url)
    if scheme != "https" and not allow_local:
        raise UnsafeCallbackUrl("must begin with https://")
    if "@" in authority:
        raise UnsafeCallbackUrl("must not contain a user name or password; verify the signature of webhooks instead")
    found = _AUTHORITY.fullmatch(authority)
    if not found:
        raise UnsafeCallbackUrl("must have a host name, and a port only as a plain number")
    port = int(found[2] or DEFAULT_PORTS[scheme])
    _check_port(port, allow_local)
    host = _checked_host(found[1].lower(), allow_local)
    return Destination(scheme, host, port, target if target.startswith("/") else f"/{target}")


def choose_address(to: Destination, resolved: Sequence[str], *, allow_local: bool) -> str:
    """Returns the address to connect to, the first that the host name `resolved` to. Raises UnsafeCallbackUrl.

    All of them must be allowed: a name with a private address among public ones is an attack.
    """
    _check_port(to.port, allow_local)
    if not resolved or not all(_is_allowed(address, allow_local) for address in resolved):
        raise UnsafeCallbackUrl(f"leads to a host that is not on the public internet: {to.host!r}")
    return resolved[0]


def is_public(address: str) -> bool:
    """Whether an IPv4 or IPv6 address, in the form DNS returns, belongs to the public internet."""
    parsed = _parsed(address)
    if isinstance(parsed, IPv6Address):
        return _is_public_v6(parsed)
    return parsed is not None and _is_public_v4(parsed)


def _parts(url: str) -> tuple[str, str, str]:
    """Returns the scheme in lowercase, the authority, and the rest."""
    if len(url) > MAX_CALLBACK_URL_CHARACTERS:
        raise UnsafeCallbackUrl(f"has {len(url):,} characters; at most {MAX_CALLBACK_URL_CHARACTERS:,} are accepted")
    if not _PRINTABLE.fullmatch(url) or "\\" in url:
        raise UnsafeCallbackUrl("must consist of printable ASCII characters without spaces or backslashes")
    if "#" in url:
        raise UnsafeCallbackUrl("must not have a fragment (#)")
    found = _URL.fullmatch(url)
    if not found:
        raise UnsafeCallbackUrl("must begin with https:// and a host name")
    return found[1].lower(), found[2], found[3]


def _check_port(port: int, allow_local: bool) -> None:
    if port > 65_535 or (port != DEFAULT_PORTS["https"] and not allow_local):
        raise UnsafeCallbackUrl("must use port 443, the default")


def _checked_host(host: str, allow_local: bool) -> str:
    """Returns the host without brackets: an address in its usual form, or a name of more than one label."""
    if host.startswith("["):
        return _checked_address(host[1:-1], allow_local)
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):  # no domain ends in a number, but addresses do: 2130706433, 0x7f.1, 127.1
        return _checked_address(host, allow_local)
    if allow_local and labels[-1] == "localhost" and _is_name(labels):
        return host
    if not _is_name(labels) or len(labels) < 2:
        raise UnsafeCallbackUrl(f"must have a full host name, like hooks.example.com; {host!r} is not one")
    if any(f".{host}".endswith(f".{name}") for name in LOCAL_NAMES):
        raise UnsafeCallbackUrl(f"must have a host on the public internet; {host!r} is a local name")
    return host


def _is_name(labels: Sequence[str]) -> bool:
    return len(".".join(labels)) <= MAX_NAME_CHARACTERS and all(map(_LABEL.fullmatch, labels))


def _checked_address(text: str, allow_local: bool) -> str:
    parsed = _parsed(text)
    if parsed is None or str(parsed) != text:
        raise UnsafeCallbackUrl(
            f"must have addresses in their usual form, like 192.0.2.1 or [2001:db8::1], not {text!r}"
        )
    if not _is_allowed(text, allow_local):
        raise UnsafeCallbackUrl(f"must lead to the public internet; {text!r} is not a public address")
    return text


def _is_allowed(address: str, allow_local: bool) -> bool:
    return is_public(address) or (allow_local and _is_loopback(address))


def _is_loopback(address: str) -> bool:
    parsed = _parsed(address)
    return parsed == _LOOPBACK_V6 or (isinstance(parsed, IPv4Address) and parsed in _LOOPBACK_V4)


def _parsed(address: str) -> IPv4Address | IPv6Address | None:
    """Parses an address; None for anything else, and for one with a zone, which has a meaning on one machine only."""
    try:
        return None if "%" in address else ip_address(address)
    except ValueError:
        return None


def _is_public_v6(address: IPv6Address) -> bool:
    if any(address in network for network in _EMBEDDING):
        return _is_public_v4(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in _GLOBAL_UNICAST and not any(address in network for network in _NOT_PUBLIC_V6)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _NOT_PUBLIC_V4)
