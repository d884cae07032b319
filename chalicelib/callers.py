"""Callers: their names, the addresses they call from, and how often they call."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any, Protocol

from msgspec import Struct

from chalicelib.environment import Network
from chalicelib.errors import TableUnavailable
from chalicelib.observability import count, logger
from chalicelib.settings import Settings

# --- names, as owners of jobs and in the audit trail ------------------------------------

ANONYMOUS = "anonymous"  # every caller, if AUTH_MODE is none
TICKET_HOLDER = "ticket"  # a caller with a ticket for a job

_ASSUMED_ROLE = re.compile(r"(arn:[^:]*):sts::(\d+):assumed-role/([^/]+)/.*")


def bearer(issuer: str, subject: str) -> str:
    """The subject of a token, by a name that no other kind of caller has, nor another issuer's equal subject.

    An issuer's URL has no `#` (OpenID Connect Core, section 2), so no two pairs have one name.
    """
    return f"user:{issuer}#{subject}"


def pool_member(identity_id: str) -> str:
    """A user of a Cognito identity pool; all of them share one role."""
    return f"cognito:{identity_id}"


def signer(arn: str) -> str:
    """An IAM user, or a role without the name of its session, which the caller chooses."""
    role = _ASSUMED_ROLE.fullmatch(arn)
    return f"{role[1]}:iam::{role[2]}:role/{role[3]}" if role else arn


# --- addresses --------------------------------------------------------------------------


def rate_limit_key(context: Mapping[str, Any], forwarded_for: str, *, settings: Settings) -> str:
    """The name under which anonymous calls are counted: of the address that called the gateway, by the `context` of its
    request, or of the one that a trusted proxy names."""
    seen = settings.source_address or context.get("identity", {}).get("sourceIp") or ""
    address = source_address(seen, forwarded_for, trusted=settings.trusted_proxies)
    return f"address {client_network(address, settings.rate_limit_ipv6_prefix)}"


def source_address(seen: str, forwarded_for: str, *, trusted: Sequence[Network]) -> str:
    """The nearest address that is not a trusted proxy's.

    `seen` is the address that called the gateway. Each proxy appends its caller to X-Forwarded-For, so the header is
    trusted from its end, as far as trusted proxies wrote it, and never what a client says of itself.
    """
    hops = [hop.strip() for hop in forwarded_for.split(",") if hop.strip()]
    nearest = seen
    while hops and _is_trusted(nearest, trusted):
        hop = _parsed(hops.pop())
        if hop is None:
            break  # what stands before an unreadable hop cannot be trusted
        nearest = str(hop)
    return nearest


def client_network(address: str, ipv6_prefix: int) -> str:
    """What one client controls: an IPv4 address, or the network of an IPv6 address, as providers give out many /64."""
    parsed = _parsed(address)
    return str(IPv6Network((parsed, ipv6_prefix), strict=False)) if isinstance(parsed, IPv6Address) else address


def _is_trusted(text: str, trusted: Sequence[Network]) -> bool:
    address = _parsed(text)
    return address is not None and any(address in network for network in trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also with the port that some proxies add: 192.0.2.1:4711, [2001:db8::1]:4711."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


class JobOwners:
    """The owners of jobs that this container has met: they never change. `find` may raise TableUnavailable."""

    def __init__(self, find: Callable[[str], str]) -> None:
        self._find = find
        self._known: dict[str, str] = {}

    def owner_of(self, job_id: str) -> str:
        """The owner of a job; empty if there is no such job, or it cannot be found out now."""
        if job_id not in self._known:
            try:
                owner = self._find(job_id)
            except TableUnavailable:
                return ""
            if not owner:
                return ""
            if len(self._known) >= MAX_OWNERS:
                self._known.clear()
            self._known[job_id] = owner
        return self._known[job_id]


# --- rate limits ------------------------------------------------------------------------
#
# Fixed windows. A window is counted by one atomic addition, so no two containers can both admit its last request. While
# the shared counts are unavailable each container counts for itself: the limit is looser then, and the API stays up.

MAX_OWNERS = 10_000  # about 2 MB
PAUSE_MS = 10_000  # after a failure the shared counts are not asked for this long, or every call would wait for them


class CallCounter(Protocol):
    """Counts that all containers share. May raise TableUnavailable."""

    def add(self, name: str, *, until: int) -> int:
        """Adds one to the count of `name` and returns it. The count may be deleted after `until` (epoch seconds)."""


class Policy(Struct, frozen=True):
    """`limit` requests in `window` milliseconds, counted separately."""

    name: str
    limit: int
    window: int


class Verdict(Struct, frozen=True):
    """The `used` requests of this window, which ends in `reset` seconds."""

    policy: Policy
    used: int
    reset: int

    @property
    def allowed(self) -> bool:
        """Whether the request is within the limit."""
        return self.used <= self.policy.limit

    @property
    def remaining(self) -> int:
        """Requests left in the window."""
        return max(0, self.policy.limit - self.used)


class LocalCounter:
    """A CallCounter of one container."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, int]] = {}
        self._latest = 0

    def add(self, name: str, *, until: int) -> int:
        """As CallCounter has it."""
        if until > self._latest:
            self._forget(until)
        used = self.counts.get(name, (0, 0))[0] + 1
        self.counts[name] = (used, until)
        return used

    def _forget(self, until: int) -> None:
        """Drops counts that ended an hour before this new window."""
        self._latest = until
        self.counts = {name: (used, end) for name, (used, end) in self.counts.items() if end > until - 3_600}


class RateLimiter:
    """Counts calls. `now()` returns epoch milliseconds."""

    def __init__(self, shared: CallCounter, now: Callable[[], int]) -> None:
        self.now = now
        self.local = LocalCounter()
        self._shared = shared
        self._paused_until = 0

    def count(self, caller: str, policy: Policy) -> Verdict:
        """Counts a request of `caller`. Never raises."""
        now = self.now()
        number = now // policy.window
        end = (number + 1) * policy.window
        name = f"{policy.name}#{hashlib.sha256(caller.encode()).hexdigest()[:32]}#{number}"
        used = self._add(name, until=end // 1000 + 60)
        return Verdict(policy, used, -(-(end - now) // 1000))

    def _add(self, name: str, *, until: int) -> int:
        if self.now() >= self._paused_until:
            try:
                return self._shared.add(name, until=until)
            except TableUnavailable as error:
                self._paused_until = self.now() + PAUSE_MS
                count("RateLimiterUnavailable")
                logger.warning("calls are counted by this container alone", error=str(error))
        return self.local.add(name, until=until)
