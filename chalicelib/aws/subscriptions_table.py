"""SubscriptionTable in the job table. A connection's row holds the set of jobs that it watches, so that one condition
counts them, and a job's partition a row for each connection that watches it, so that one query finds them.

    pk           sk           holds
    CONN#<id>    CONN         principal, ticket, connectedAt, `watched`: the ids of jobs
    JOB#<id>     SUB#<conn>   nothing more
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chalicelib.aws import table_rows as rows
from chalicelib.aws.dynamodb import ConditionFailed, table_errors, transact
from chalicelib.aws.table_rows import Row
from chalicelib.delivery.subscriptions import Connection, Subscribed
from chalicelib.limits import MAX_SUBSCRIPTIONS, WEBSOCKET_MAX_SECONDS

KEPT_SECONDS = WEBSOCKET_MAX_SECONDS + 3600  # API Gateway has closed the connection by then
SUBSCRIPTION_PREFIX = "SUB#"


@dataclass(frozen=True, slots=True)
class DynamoSubscriptions:
    client: Any
    name: str

    def open(self, connection: Connection) -> None:
        values = {
            "principal": connection.principal,
            "ticket": connection.ticket or None,
            "connectedAt": connection.connected_at,
            "ttl": _expiry(connection.connected_at),
        }
        item = {**_connection_key(connection.connection_id), **rows.attributes(values)}
        with table_errors():
            self.client.put_item(TableName=self.name, Item=item)

    def connection(self, connection_id: str) -> Connection | None:
        with table_errors():
            answer = self.client.get_item(TableName=self.name, Key=_connection_key(connection_id), ConsistentRead=True)
        if "Item" not in answer:
            return None
        values = rows.plain(answer["Item"])
        return Connection(connection_id, values.get("principal"), values.get("ticket", ""), int(values["connectedAt"]))

    def close(self, connection_id: str) -> None:
        """A subscription that races with this finds no connection, so none is left behind."""
        with table_errors():
            answer = self.client.delete_item(
                TableName=self.name, Key=_connection_key(connection_id), ReturnValues="ALL_OLD"
            )
        watched = answer.get("Attributes", {}).get("watched", {}).get("SS", [])
        if watched:
            transact(self.client, [self._delete(_subscription_key(connection_id, job_id)) for job_id in watched])

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        counted = {
            "Key": _connection_key(connection_id),
            "UpdateExpression": "ADD watched :jobs",
            "ConditionExpression": (
                "attribute_exists(pk) AND "
                "(attribute_not_exists(watched) OR contains(watched, :job) OR size(watched) < :most)"
            ),
            "ExpressionAttributeValues": rows.attributes(
                {":jobs": {job_id}, ":job": job_id, ":most": MAX_SUBSCRIPTIONS}
            ),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
        subscription = {**_subscription_key(connection_id, job_id), **rows.attributes({"ttl": _expiry(now)})}
        put = {"Put": {"TableName": self.name, "Item": subscription}}
        try:
            transact(self.client, [self._update(counted), put])
        except ConditionFailed as failed:
            return Subscribed.TOO_MANY if failed.rows[0] else Subscribed.UNKNOWN
        return Subscribed.SUBSCRIBED

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        forgotten = {
            "Key": _connection_key(connection_id),
            "UpdateExpression": "DELETE watched :jobs",
            "ConditionExpression": "attribute_exists(pk)",  # or this would make a connection of it
            "ExpressionAttributeValues": rows.attributes({":jobs": {job_id}}),
        }
        subscription = self._delete(_subscription_key(connection_id, job_id))
        try:
            transact(self.client, [self._update(forgotten), subscription])
        except ConditionFailed:
            transact(self.client, [subscription])

    def subscribers(self, job_id: str) -> list[str]:
        """A consistent read: whoever subscribed before a change was written is told of it."""
        query: dict[str, Any] = {
            "TableName": self.name,
            "KeyConditionExpression": "pk = :pk AND begins_with(sk, :prefix)",
            "ExpressionAttributeValues": rows.attributes(
                {":pk": rows.partition(job_id), ":prefix": SUBSCRIPTION_PREFIX}
            ),
            "ProjectionExpression": "sk",
            "ConsistentRead": True,
        }
        found: list[str] = []
        while True:
            with table_errors():
                answer = self.client.query(**query)
            found += [row["sk"]["S"].removeprefix(SUBSCRIPTION_PREFIX) for row in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            query["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _update(self, update: Row) -> Row:
        return {"Update": {"TableName": self.name, **update}}

    def _delete(self, key: Row) -> Row:
        return {"Delete": {"TableName": self.name, "Key": key}}


def _connection_key(connection_id: str) -> Row:
    return rows.attributes({"pk": f"CONN#{connection_id}", "sk": "CONN"})


def _subscription_key(connection_id: str, job_id: str) -> Row:
    return rows.attributes({"pk": rows.partition(job_id), "sk": f"{SUBSCRIPTION_PREFIX}{connection_id}"})


def _expiry(milliseconds: int) -> int:
    return milliseconds // 1000 + KEPT_SECONDS
