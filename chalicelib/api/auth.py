"""Who calls, and whether they may call now: settled before a view runs.

In mode `iam` API Gateway has verified the signature. Operations that a browser calls by itself (a stream, a link) also
accept a ticket, which is valid for the job in their path only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from chalicelib import callers
from chalicelib.api.contract import STREAM, AccessPolicy
from chalicelib.api.requests import job_id_from
from chalicelib.callers import ANONYMOUS, TICKET_HOLDER, Policy, Verdict, rate_limit_key
from chalicelib.container import Services
from chalicelib.errors import LorryError, TooManyRequests, Unauthenticated
from chalicelib.tokens import bearer_token


class Admission(Struct, frozen=True):
    """Who calls, under which key the call was counted, and why it is refused, None if it is not."""

    principal: str
    rate_limit_key: str
    verdict: Verdict
    refused: LorryError | None

    @property
    def by_ticket(self) -> bool:
        """Whether a ticket admitted the call."""
        return self.principal == TICKET_HOLDER


def admit(request: Any, services: Services, *, access: AccessPolicy, arguments: Mapping[str, str]) -> Admission:
    """Authenticates and counts a call. With bad credentials it counts for its address, which limits guessing."""
    refused: LorryError | None = None
    try:
        principal = _principal(request, services, access=access, arguments=arguments)
    except LorryError as error:
        principal, refused = ANONYMOUS, error
    key = _rate_limit_key(request, services, principal=principal, arguments=arguments)
    verdict = services.limiter.count(key, _rate_limit(services, access))
    if not verdict.allowed:
        window = -(-verdict.policy.window // 1000)
        refused = TooManyRequests(limit=verdict.policy.limit, window=window, retry_after=verdict.reset)
    return Admission(principal, key, verdict, refused)


def _principal(request: Any, services: Services, *, access: AccessPolicy, arguments: Mapping[str, str]) -> str:
    mode = services.settings.auth_mode
    if mode == "none" or not access.credentials:
        return ANONYMOUS
    ticket = (request.query_params or {}).get("ticket")
    has_token = mode == "jwt" and request.headers.get("authorization")
    if access.tickets and ticket is not None and not has_token:
        return _ticket_holder(ticket, services, job_id=job_id_from(arguments["job_id"]))
    return _bearer(request, services) if mode == "jwt" else _signer(request, access)


def _ticket_holder(ticket: str, services: Services, *, job_id: str) -> str:
    if not services.tickets.accepts(ticket, job_id):
        raise Unauthenticated("the ticket is not valid for this job or has expired; the job's status has a new one")
    return TICKET_HOLDER


def _bearer(request: Any, services: Services) -> str:
    token = bearer_token(request.headers.get("authorization", ""))
    if token is None:
        raise Unauthenticated("a bearer token is required: Authorization: Bearer <token>", shown=False)
    return services.verify_token(token)


def _signer(request: Any, access: AccessPolicy) -> str:
    identity = request.context.get("identity", {})
    if identity.get("cognitoIdentityId"):
        return callers.pool_member(identity["cognitoIdentityId"])
    arn = identity.get("userArn") or ""
    if not arn:
        hint = "a ticket is required: the job's status has one" if access.tickets else "sign the request (SigV4)"
        raise Unauthenticated(hint, shown=False)
    return callers.signer(arn)


def _rate_limit_key(request: Any, services: Services, *, principal: str, arguments: Mapping[str, str]) -> str:
    if principal == TICKET_HOLDER:
        job_id = job_id_from(arguments["job_id"])
        return services.owners.owner_of(job_id) or f"ticket {job_id}"
    if principal != ANONYMOUS:
        return principal
    return rate_limit_key(request.context, request.headers.get("x-forwarded-for", ""), settings=services.settings)


def _rate_limit(services: Services, access: AccessPolicy) -> Policy:
    settings = services.settings
    streams = access.counter == STREAM.counter
    limit = settings.rate_limit_stream_requests if streams else settings.rate_limit_max_requests
    return Policy(access.counter, limit, settings.rate_limit_window_ms)
