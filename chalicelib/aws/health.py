"""Asks the store, the table and the queue whether they answer: side by side, each with a short time of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import clients, keys
from chalicelib.limits import HEALTH_TIMEOUT_SECONDS
from chalicelib.observability import logger
from chalicelib.settings import Settings

PATIENCE = HEALTH_TIMEOUT_SECONDS - 0.8  # leaves time to answer


@dataclass(frozen=True)
class HealthProbe:
    settings: Settings

    def check(self) -> dict[str, str]:
        """{"storage": "ok" | "error", "table": ..., "queue": ...}, within HEALTH_TIMEOUT_SECONDS."""
        deadline = time.monotonic() + PATIENCE  # before the clients are made, which takes a while in a cold container
        checks = {"storage": self._storage, "table": self._table, "queue": self._queue}
        running = {name: self._pool.submit(check) for name, check in checks.items()}
        return {name: self._verdict(name, future, deadline) for name, future in running.items()}

    def _verdict(self, name: str, future: Future[Any], deadline: float) -> str:
        try:
            future.result(timeout=max(0.0, deadline - time.monotonic()))
        except (ClientError, BotoCoreError, FutureTimeout) as error:
            logger.warning("health check failed", check=name, error=str(error) or "timed out")
            return "error"
        return "ok"

    @cached_property
    def _pool(self) -> ThreadPoolExecutor:
        return ThreadPoolExecutor(3)

    @cached_property
    def _storage(self) -> Callable[[], Any]:
        client = clients.store_client(self.settings, clients.health_config())
        return lambda: client.head_bucket(Bucket=self.settings.source_bucket)

    @cached_property
    def _table(self) -> Callable[[], Any]:
        client = clients.table_client(self.settings, clients.health_config())
        return lambda: client.get_item(TableName=self.settings.table_name, Key=keys.HEALTH)

    @cached_property
    def _queue(self) -> Callable[[], Any]:
        client = clients.queue_client(self.settings, clients.health_config())
        url = self.settings.check_queue_url
        return lambda: client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
