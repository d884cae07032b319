"""CallCounter and ClaimStore in memory. tests/contracts runs each beside its real adapter."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock

from chalicelib.calls.ports import Claim
from chalicelib.errors import TableUnavailable


@dataclass
class FakeCallCounter:
    counts: dict[str, int] = field(default_factory=dict)
    down: bool = False
    lock: Lock = field(default_factory=Lock)

    def add(self, name: str, *, until: int) -> int:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
        with self.lock:
            self.counts[name] = self.counts.get(name, 0) + 1
            return self.counts[name]


@dataclass
class FakeClaimStore:
    claims: dict[str, Claim] = field(default_factory=dict)
    down: bool = False
    lock: Lock = field(default_factory=Lock)

    def claim(self, wanted: Claim) -> Claim:
        self._answer_or_fail()
        with self.lock:
            found = self.claims.get(wanted.name)
            if found is not None and found.expires_at > wanted.claimed_at:
                return found
            self.claims[wanted.name] = wanted
        return wanted

    def take_over(self, claim: Claim, *, now: int) -> bool:
        self._answer_or_fail()
        with self.lock:
            if self.claims.get(claim.name) != claim or claim.answer:
                return False
            self.claims[claim.name] = replace(claim, claimed_at=now)
        return True

    def release(self, claim: Claim) -> None:
        if self._is_open(claim):
            self.claims[claim.name] = replace(self.claims[claim.name], claimed_at=0)

    def forget(self, claim: Claim) -> None:
        if self._is_open(claim):
            del self.claims[claim.name]

    def answer(self, claim: Claim, answer: str) -> None:
        self._answer_or_fail()
        if self.claims[claim.name].job_id == claim.job_id:
            self.claims[claim.name] = replace(self.claims[claim.name], answer=answer)

    def _is_open(self, claim: Claim) -> bool:
        self._answer_or_fail()
        found = self.claims.get(claim.name)
        return found is not None and found.job_id == claim.job_id and not found.answer

    def _answer_or_fail(self) -> None:
        if self.down:
            raise TableUnavailable("the job table did not answer: it is down")
