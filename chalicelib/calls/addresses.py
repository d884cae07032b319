"""Where a call comes from: what API Gateway saw, or what a trusted proxy saw. Never what a client says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def source_address(seen: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The nearest address that is not a trusted proxy's.

    `seen` is whom the gateway talked to. Each proxy appends to X-Forwarded-For whom it talked to, so the header is
    believed from its end, as far as trusted proxies wrote it.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    nearest = seen
    while hops and _is_trusted(nearest, trusted):
        hop = _parsed(hops.pop())
        if hop is None:
            break  # nothing before what cannot be read can be believed
        nearest = str(hop)
    return nearest


def rate_limit_key(seen: str, forwarded_for: str, trusted: Sequence[Network]) -> str:
    """The name under which calls from there are counted together."""
    return f"address {client_network(source_address(seen, forwarded_for, trusted))}"


def client_network(address: str) -> str:
    """What one customer has: an IPv4 address, or the 64 bits that an IPv6 network has in common."""
    parsed = _parsed(address)
    return str(IPv6Network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    address = _parsed(text)
    return address is not None and any(address in network for network in trusted)


def _parsed(text: str) -> Address | None:
    """Some proxies write ports: 192.0.2.1:4711, [2001:db8::1]:4711."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
