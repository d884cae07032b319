"""Push on API Gateway's management API for WebSocket connections."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.observability import count, logger


class WebsocketPush(msgspec.Struct, frozen=True):
    """Sends messages through a client of `apigatewaymanagementapi`."""

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
