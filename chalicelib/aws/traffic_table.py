"""CallCounter and ClaimStore in the job table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.aws import keys
from chalicelib.aws.attributes import attributes, plain
from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.keys import Row
from chalicelib.aws.updates import NEW_ROW, Condition, Delete, Put, Update, absent, at_most, equals
from chalicelib.calls.ports import Claim


@dataclass(frozen=True, slots=True)
class DynamoCallCounter:
    table: Table

    def add(self, name: str, *, until: int) -> int:
        counted = self.table.update(Update(key=keys.calls(name), add={"calls": 1}, set={"ttl": until}))
        return int(counted["calls"]["N"])


@dataclass(frozen=True, slots=True)
class DynamoClaimStore:
    table: Table

    def claim(self, wanted: Claim) -> Claim:
        values = {
            "fingerprint": wanted.fingerprint,
            "job_id": wanted.job_id,
            "claimed_at": wanted.claimed_at,
            "expires_at": wanted.expires_at,
            "ttl": -(-wanted.expires_at // 1000),
        }
        # DynamoDB deletes late, so the clock decides whether a claim still lives.
        gone = NEW_ROW | at_most("expires_at", wanted.claimed_at)
        try:
            self.table.put(Put({**keys.claim(wanted.name), **attributes(values)}, gone))
        except ConditionFailed as failed:
            return _claim_from(wanted.name, failed.rows[0] or {})
        return wanted

    def take_over(self, claim: Claim, *, now: int) -> bool:
        open_claim = _own(claim) & absent("answer") & equals("claimed_at", claim.claimed_at)
        return self._update(claim, {"claimed_at": now}, open_claim)

    def release(self, claim: Claim) -> None:
        self._update(claim, {"claimed_at": 0}, _own(claim) & absent("answer"))

    def forget(self, claim: Claim) -> None:
        self.table.wins(Delete(keys.claim(claim.name), _own(claim) & absent("answer")))

    def answer(self, claim: Claim, answer: str) -> None:
        self._update(claim, {"answer": answer}, _own(claim))

    def _update(self, claim: Claim, changes: dict[str, Any], condition: Condition) -> bool:
        return self.table.wins(Update(key=keys.claim(claim.name), set=changes, condition=condition))


def _own(claim: Claim) -> Condition:
    return equals("job_id", claim.job_id)


def _claim_from(name: str, row: Row) -> Claim:
    values = plain(row)
    return Claim(
        name=name,
        fingerprint=values["fingerprint"],
        job_id=values["job_id"],
        claimed_at=values["claimed_at"],
        expires_at=values["expires_at"],
        answer=values.get("answer", ""),
    )
