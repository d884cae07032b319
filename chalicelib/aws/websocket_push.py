"""Push on API Gateway's management API of WebSocket connections."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.observability import logger


@dataclass(frozen=True, slots=True)
class WebsocketPush:
    client: Any

    def send(self, connection_id: str, message: bytes) -> bool:
        try:
            self.client.post_to_connection(ConnectionId=connection_id, Data=message)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.GONE:
                return False
            _log(connection_id, error)
        except BotoCoreError as error:
            _log(connection_id, error)
        return True


def _log(connection_id: str, error: Exception) -> None:
    logger.warning("could not push to a connection", connection_id=connection_id, error=str(error))
