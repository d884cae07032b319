"""Serving a request once, however often it is sent: the Idempotency-Key of a caller names it.

A claim is stored before the request is served, with the id that its job will have. Whoever comes second finds the
claim: the answer if there is one, else the request is being served. If its server died, the claim is taken over after a
while and served again under the same job id, so that still only one job comes of it.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.calls.ports import Claim, ClaimStore
from chalicelib.errors import IdempotencyKeyReused, LorryError, RequestInProgress, TableUnavailable
from chalicelib.limits import API_GATEWAY_TIMEOUT_SECONDS
from chalicelib.observability import logger

SERVING_MS = (API_GATEWAY_TIMEOUT_SECONDS + 1) * 1000  # no request is served for longer


@dataclass(frozen=True, slots=True)
class KeyedRequest:
    """A request that its caller named. `content` is what must be the same each time."""

    principal: str
    route: str
    key: str
    content: bytes

    @property
    def name(self) -> str:
        """Keys of different callers and routes never meet."""
        return hashlib.sha256("\0".join((self.principal, self.route, self.key)).encode()).hexdigest()

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Served:
    """The answer of a keyed request, as JSON. `replayed`: it was given before."""

    answer: str
    replayed: bool


@dataclass(frozen=True, slots=True)
class Idempotency:
    """`ttl` is how long a key is remembered, in seconds; `now()` is in epoch milliseconds."""

    claims: ClaimStore
    now: Callable[[], int]
    ttl: int

    def once(self, request: KeyedRequest, serve: Callable[[str, bool], str]) -> Served:
        """Call `serve(job_id, again)` for the first request of its key; `again`: a server may have died with it before.

        Raises IdempotencyKeyReused, RequestInProgress, and whatever `serve` raises.
        """
        now = self.now()
        wanted = Claim(request.name, request.fingerprint, str(uuid.uuid4()), now, now + self.ttl * 1000)
        claim = self.claims.claim(wanted)
        if claim.job_id == wanted.job_id:
            return self._serve(claim, serve, again=False)
        if claim.fingerprint != request.fingerprint:
            raise IdempotencyKeyReused(request.key)
        if claim.answer:
            return Served(claim.answer, replayed=True)
        if now < claim.claimed_at + SERVING_MS or not self.claims.take_over(claim, now=now):
            raise RequestInProgress(request.key)
        return self._serve(claim, serve, again=True)

    def _serve(self, claim: Claim, serve: Callable[[str, bool], str], *, again: bool) -> Served:
        try:
            answer = serve(claim.job_id, again)
        except Exception as error:
            refused = isinstance(error, LorryError) and not error.retryable
            self._quietly(lambda: self.claims.forget(claim) if refused else self.claims.release(claim))
            raise
        self._quietly(lambda: self.claims.answer(claim, answer))
        return Served(answer, replayed=False)

    def _quietly(self, write: Callable[[], None]) -> None:
        """What was served stays served: without this write, the claim is taken over later and leads to the same job."""
        try:
            write()
        except TableUnavailable:
            logger.warning("the claim of an idempotency key could not be written")
