"""CallCounter and ClaimStore on DynamoDB, in the job table.

pk              sk      holds
CALLS#<name>    CALLS   how often somebody called in a window
ONCE#<name>     ONCE    the claim of an Idempotency-Key
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chalicelib.aws.dynamodb import table_errors
from chalicelib.aws.table_rows import Row, attributes, plain
from chalicelib.calls.ports import Claim


@dataclass(frozen=True, slots=True)
class DynamoCallCounter:
    client: Any
    table: str

    def add(self, name: str, *, until: int) -> int:
        with table_errors():
            answer = self.client.update_item(
                TableName=self.table,
                Key=_key("CALLS", name),
                UpdateExpression="ADD calls :one SET #ttl = :until",
                ExpressionAttributeNames={"#ttl": "ttl"},
                ExpressionAttributeValues=attributes({":one": 1, ":until": until}),
                ReturnValues="UPDATED_NEW",
            )
        return int(answer["Attributes"]["calls"]["N"])


@dataclass(frozen=True, slots=True)
class DynamoClaimStore:
    client: Any
    table: str

    def claim(self, wanted: Claim) -> Claim:
        values = {
            "fingerprint": wanted.fingerprint,
            "jobId": wanted.job_id,
            "claimedAt": wanted.claimed_at,
            "expiresAt": wanted.expires_at,
            "ttl": -(-wanted.expires_at // 1000),
        }
        with table_errors():
            try:
                self.client.put_item(
                    TableName=self.table,
                    Item={**_key("ONCE", wanted.name), **attributes(values)},
                    # DynamoDB deletes late, so the clock decides whether a claim still lives.
                    ConditionExpression="attribute_not_exists(pk) OR expiresAt <= :now",
                    ExpressionAttributeValues=attributes({":now": wanted.claimed_at}),
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
            except self.client.exceptions.ConditionalCheckFailedException as error:
                return _claim_from(wanted.name, error.response["Item"])
        return wanted

    def take_over(self, claim: Claim, *, now: int) -> bool:
        condition = "claimedAt = :seen AND jobId = :job AND attribute_not_exists(answer)"
        values = {":now": now, ":seen": claim.claimed_at, ":job": claim.job_id}
        return self._update(claim, "SET claimedAt = :now", condition, values)

    def release(self, claim: Claim) -> None:
        condition = "jobId = :job AND attribute_not_exists(answer)"
        self._update(claim, "SET claimedAt = :zero", condition, {":zero": 0, ":job": claim.job_id})

    def forget(self, claim: Claim) -> None:
        with table_errors(), suppress(self.client.exceptions.ConditionalCheckFailedException):
            self.client.delete_item(
                TableName=self.table,
                Key=_key("ONCE", claim.name),
                ConditionExpression="jobId = :job AND attribute_not_exists(answer)",
                ExpressionAttributeValues=attributes({":job": claim.job_id}),
            )

    def answer(self, claim: Claim, answer: str) -> None:
        self._update(claim, "SET answer = :answer", "jobId = :job", {":answer": answer, ":job": claim.job_id})

    def _update(self, claim: Claim, expression: str, condition: str, values: dict[str, Any]) -> bool:
        with table_errors():
            try:
                self.client.update_item(
                    TableName=self.table,
                    Key=_key("ONCE", claim.name),
                    UpdateExpression=expression,
                    ConditionExpression=condition,
                    ExpressionAttributeValues=attributes(values),
                )
            except self.client.exceptions.ConditionalCheckFailedException:
                return False
        return True


def _key(kind: str, name: str) -> Row:
    return attributes({"pk": f"{kind}#{name}", "sk": kind})


def _claim_from(name: str, row: Row) -> Claim:
    values = plain(row)
    return Claim(
        name=name,
        fingerprint=values["fingerprint"],
        job_id=values["jobId"],
        claimed_at=int(values["claimedAt"]),
        expires_at=int(values["expiresAt"]),
        answer=values.get("answer", ""),
    )
