"""WebSockets: their rows in the job table, and messages to them by API Gateway.

A connection's row holds the set of its jobs, so that one condition limits them; a job's partition holds a row per
subscribed connection, so that one query finds them.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.rows import attributes, plain
from chalicelib.aws.updates import KNOWN_ROW, Delete, Put, Update, absent, begins_with, contains, equals, smaller
from chalicelib.delivery.subscriptions import Connection, Subscribed
from chalicelib.limits import MAX_SUBSCRIPTIONS, WEBSOCKET_MAX_SECONDS
from chalicelib.observability import count, logger

KEPT_SECONDS = WEBSOCKET_MAX_SECONDS + 3600  # by then API Gateway has closed the connection


class DynamoSubscriptions(msgspec.Struct, frozen=True):
    """Connections and subscriptions in DynamoDB."""

    table: Table

    def open(self, connection: Connection) -> None:
        values = {
            "principal": connection.principal,
            "ticket": connection.ticket or None,
            "connected_at": connection.connected_at,
            "ttl": _expiry(connection.connected_at),
        }
        self.table.put(Put({**keys.connection(connection.connection_id), **attributes(values)}))

    def connection(self, connection_id: str) -> Connection | None:
        row = self.table.get(keys.connection(connection_id))
        if row is None:
            return None
        values = plain(row)
        return Connection(connection_id, values.get("principal"), values.get("ticket", ""), values["connected_at"])

    def close(self, connection_id: str) -> None:
        """A subscription that races with this finds no connection, so none is left behind."""
        closed = plain(self.table.delete(Delete(keys.connection(connection_id))))
        subscriptions = [Delete(keys.subscription(job_id, connection_id)) for job_id in closed.get("jobs", ())]
        if subscriptions:
            self.table.transact(*subscriptions)

    def subscribe(self, connection_id: str, job_id: str, *, now: int) -> Subscribed:
        room = absent("jobs") | contains("jobs", job_id) | smaller("jobs", MAX_SUBSCRIPTIONS)
        counted = Update(key=keys.connection(connection_id), add={"jobs": {job_id}}, condition=KNOWN_ROW & room)
        subscription = {**keys.subscription(job_id, connection_id), **attributes({"ttl": _expiry(now)})}
        try:
            self.table.transact(counted, Put(subscription))
        except ConditionFailed as failed:
            return Subscribed.TOO_MANY if failed.rows[0] else Subscribed.UNKNOWN
        return Subscribed.SUBSCRIBED

    def unsubscribe(self, connection_id: str, job_id: str) -> None:
        subscription = Delete(keys.subscription(job_id, connection_id))
        removed = Update(
            key=keys.connection(connection_id),
            discard={"jobs": {job_id}},
            condition=KNOWN_ROW,  # without it, this would create a connection
        )
        if not self.table.wins(removed, subscription):
            self.table.delete(subscription)

    def subscribers(self, job_id: str) -> list[str]:
        """A consistent read: a connection that subscribed before a change was written is among them."""
        found = self.table.rows(equals("pk", keys.partition(job_id)) & begins_with("sk", keys.SUBSCRIPTIONS))
        return [row["sk"]["S"].removeprefix(keys.SUBSCRIPTIONS) for row in found]


def _expiry(milliseconds: int) -> int:
    return milliseconds // 1000 + KEPT_SECONDS


class WebsocketPush(msgspec.Struct, frozen=True):
    """Push through a client of `apigatewaymanagementapi`."""

    client: Any

    def send(self, connection_id: str, message: bytes) -> bool:
        try:
            self.client.post_to_connection(ConnectionId=connection_id, Data=message)
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and _status(error) == HTTPStatus.GONE:
                return False
            count("PushesFailed")
            logger.warning("message not pushed", connection_id=connection_id, error=str(error))
        return True


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])
