"""The deployment's secret, cached from Secrets Manager."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.delivery.signing_keys import CACHE_SECONDS, Secrets
from chalicelib.errors import SecretUnavailable
from chalicelib.observability import logger

PAUSE_SECONDS = 10  # between failed reads


class SecretSource:
    """The secret as this container knows it. `now()` is in epoch milliseconds."""

    def __init__(self, client: Any, secret_id: str, *, now: Callable[[], int]) -> None:
        self._client, self._secret_id, self._now = client, secret_id, now
        self._cached: Secrets | None = None
        self._fresh_until = 0

    def read(self) -> Secrets:
        """Returns the secret as of at most CACHE_SECONDS ago; an older one while Secrets Manager fails.

        Raises SecretUnavailable if it was never read.
        """
        if self._cached is None or self._now() >= self._fresh_until:
            self._cached = self._refreshed(self._cached)
        return self._cached

    def _refreshed(self, cached: Secrets | None) -> Secrets:
        try:
            fresh = Secrets.from_json(self._stored())
        except SecretUnavailable as error:
            if cached is None:
                raise
            logger.warning("secret not read; using the cached one", error=str(error))
            self._fresh_until = self._now() + PAUSE_SECONDS * 1000
            return cached
        self._fresh_until = self._now() + CACHE_SECONDS * 1000
        return fresh

    def _stored(self) -> str:
        try:
            return str(self._client.get_secret_value(SecretId=self._secret_id).get("SecretString", ""))
        except (ClientError, BotoCoreError) as error:
            raise SecretUnavailable(f"secret {self._secret_id} cannot be read: {error}") from error
