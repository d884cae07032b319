"""The deployment's secret in Secrets Manager, read once in a while by each container."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable
from chalicelib.observability import logger

PAUSE_SECONDS = 10  # after a failure, before it is tried again


class SecretSource:
    """The secret as this container knows it. `now` tells epoch milliseconds."""

    def __init__(self, client: Any, secret_id: str, now: Callable[[], int]) -> None:
        self._client, self._secret_id, self._now = client, secret_id, now
        self._known: Secrets | None = None
        self._good_until = 0

    def read(self) -> Secrets:
        """What was read last, at most CACHE_SECONDS ago; older where Secrets Manager fails.

        Raises SecretUnavailable if it was never read.
        """
        if self._known is None or self._now() >= self._good_until:
            self._known = self._read_again(self._known)
        return self._known

    def _read_again(self, known: Secrets | None) -> Secrets:
        try:
            fresh = Secrets.from_json(self._stored())
        except SecretUnavailable as error:
            if known is None:
                raise
            logger.warning("secret not read; going on with the one that is known", error=str(error))
            self._good_until = self._now() + PAUSE_SECONDS * 1000
            return known
        self._good_until = self._now() + CACHE_SECONDS * 1000
        return fresh

    def _stored(self) -> str:
        try:
            return str(self._client.get_secret_value(SecretId=self._secret_id).get("SecretString", ""))
        except (ClientError, BotoCoreError) as error:
            raise SecretUnavailable(f"secret {self._secret_id} cannot be read: {error}") from error
