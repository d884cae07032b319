"""CallCounter and ClaimStore in memory. tests/contracts runs each beside its real adapter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from chalicelib.calls.ports import Claim
from chalicelib.errors import TableUnavailable


@dataclass
class FakeCallCounter:
    counts: dict[str, int] = field(default_factory=dict)
    down: bool = False

    def add(self, name: str, *, until: int) -> int:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
        self.counts[name] = self.counts.get(name, 0) + 1
        return self.counts[name]


@dataclass
class FakeClaimStore:
    claims: dict[str, Claim] = field(default_factory=dict)
    down: bool = False

    def claim(self, wanted: Claim) -> Claim:
        self._answer_or_fail()
        found = self.claims.get(wanted.name)
        if found is not None and found.expires_at > wanted.claimed_at:
            return found
        self.claims[wanted.name] = wanted
        return wanted

    def take_over(self, claim: Claim, *, now: int) -> bool:
        self._answer_or_fail()
        if self.claims[claim.name] != claim or claim.answer:
            return False
        self.claims[claim.name] = replace(claim, claimed_at=now)
        return True

    def release(self, claim: Claim) -> None:
        self._answer_or_fail()
        self.claims[claim.name] = replace(self.claims[claim.name], claimed_at=0)

    def answer(self, claim: Claim, answer: str) -> None:
        self._answer_or_fail()
        self.claims[claim.name] = replace(self.claims[claim.name], answer=answer)

    def _answer_or_fail(self) -> None:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
