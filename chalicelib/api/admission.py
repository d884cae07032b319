"""Who calls, and whether they may call now: settled before a route begins to work.

In mode `iam` API Gateway has checked the signature. Routes that a browser calls by itself (a stream, a link) take a
ticket instead of credentials; it is good for the job in their path and for nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from chalicelib.api.request import job_id_from, query
from chalicelib.auth import principals
from chalicelib.auth.principals import ANONYMOUS, TICKET_HOLDER
from chalicelib.auth.tokens import bearer_token
from chalicelib.calls.addresses import rate_limit_key
from chalicelib.calls.rates import Policy, Verdict
from chalicelib.container import Services
from chalicelib.errors import LorryError, TooManyRequests, Unauthenticated


@dataclass(frozen=True, slots=True)
class Door:
    """How a route is entered. `shared`: its calls are counted in all containers together."""

    credentials: bool = True
    tickets: bool = False
    policy: str = "default"
    shared: bool = True


MEMBERS = Door()  # credentials, where the mode asks for them
LINKS = Door(tickets=True)
STREAMS = Door(tickets=True, policy="streams")
ANYBODY = Door(credentials=False)
PUBLIC = Door(credentials=False, policy="public", shared=False)  # answered even while nothing else works


@dataclass(frozen=True, slots=True)
class Admission:
    """`rate_limit_key` is whose call it was counted as. `refused` is why it may not go on, None where it may."""

    principal: str
    rate_limit_key: str
    verdict: Verdict
    refused: LorryError | None

    @property
    def by_ticket(self) -> bool:
        return self.principal == TICKET_HOLDER


def admit(request: Any, services: Services, door: Door, arguments: Mapping[str, str]) -> Admission:
    """Find out who calls and count the call; with bad credentials for its address, so that guessing is limited too."""
    refused: LorryError | None = None
    try:
        principal = _principal(request, services, door, arguments)
    except LorryError as error:
        principal, refused = ANONYMOUS, error
    caller = _counted_as(request, services, principal, arguments)
    verdict = services.limiter.count(caller, _policy(services, door))
    if not verdict.allowed:
        window = -(-verdict.policy.window // 1000)
        refused = TooManyRequests(limit=verdict.policy.limit, window=window, retry_after=verdict.reset)
    return Admission(principal, caller, verdict, refused)


def _principal(request: Any, services: Services, door: Door, arguments: Mapping[str, str]) -> str:
    mode = services.settings.auth_mode
    if mode == "none" or not door.credentials:
        return ANONYMOUS
    bears_token = mode == "jwt" and request.headers.get("authorization")
    if door.tickets and query(request, "ticket") is not None and not bears_token:
        return _ticket_holder(request, services, arguments)
    return _bearer(request, services) if mode == "jwt" else _signer(request, door)


def _ticket_holder(request: Any, services: Services, arguments: Mapping[str, str]) -> str:
    if not services.tickets.accepts(query(request, "ticket") or "", job_id_from(arguments["job_id"])):
        raise Unauthenticated("the ticket is not valid for this job, or not any more; the job's status has a new one")
    return TICKET_HOLDER


def _bearer(request: Any, services: Services) -> str:
    token = bearer_token(request.headers.get("authorization", ""))
    if token is None:
        raise Unauthenticated("a bearer token is required: Authorization: Bearer <token>", shown=False)
    return principals.bearer(services.verifier.verify(token))


def _signer(request: Any, door: Door) -> str:
    identity = request.context.get("identity", {})
    if identity.get("cognitoIdentityId"):
        return principals.pool_member(identity["cognitoIdentityId"])
    arn = identity.get("userArn") or ""
    if not arn:
        hint = "a ticket is required: the job's status has one" if door.tickets else "sign the request (SigV4)"
        raise Unauthenticated(hint, shown=False)
    return principals.signer(arn)


def _counted_as(request: Any, services: Services, principal: str, arguments: Mapping[str, str]) -> str:
    if principal == TICKET_HOLDER:
        return f"ticket {job_id_from(arguments['job_id'])}"
    if principal != ANONYMOUS:
        return principal
    settings = services.settings
    seen = settings.source_address or request.context.get("identity", {}).get("sourceIp") or ""
    forwarded = request.headers.get("x-forwarded-for", "") if settings.trusted_proxies else ""
    return rate_limit_key(seen, forwarded, settings.trusted_proxies)


def _policy(services: Services, door: Door) -> Policy:
    settings = services.settings
    limit = settings.rate_limit_stream_requests if door.policy == STREAMS.policy else settings.rate_limit_max_requests
    return Policy(door.policy, limit, settings.rate_limit_window_ms, shared=door.shared)
