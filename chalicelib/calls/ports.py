"""What this package needs from the outside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Claim:
    """Somebody's word that the request of an Idempotency-Key is theirs to serve.

    `job_id` is the id of whatever job comes of it, fixed beforehand, so that serving it twice makes one job. `answer`
    is empty until it was served. Times are epoch milliseconds.
    """

    name: str
    fingerprint: str
    job_id: str
    claimed_at: int
    expires_at: int
    answer: str = ""


class ClaimStore(Protocol):
    """Where claims are kept. Every method may raise TableUnavailable."""

    def claim(self, wanted: Claim) -> Claim:
        """Store the claim unless a living one of this name is there: then that one is returned instead."""

    def take_over(self, claim: Claim, *, now: int) -> bool:
        """Make an unanswered claim one's own from `now` on. False if somebody else was here first."""

    def release(self, claim: Claim) -> None:
        """Serving failed, and what it left behind is not known: whoever asks next may take over at once."""

    def forget(self, claim: Claim) -> None:
        """The request was refused and left nothing behind: as if its key had never come."""

    def answer(self, claim: Claim, answer: str) -> None:
        """Store what was answered."""
