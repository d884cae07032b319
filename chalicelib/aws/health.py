"""Checks whether the store, the table and the queue answer: side by side, each with a short timeout of its own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from chalicelib.aws import keys
from chalicelib.aws.clients import Clients
from chalicelib.errors import InvalidSettings
from chalicelib.limits import HEALTH_TIMEOUT_SECONDS
from chalicelib.observability import logger
from chalicelib.settings import Settings

PROBES = 3
FRESH_SECONDS = 2.0  # many callers are one probe
PATIENCE = HEALTH_TIMEOUT_SECONDS - 0.8  # leaves time to answer


class HealthProbe:
    """Health checks. A verdict stays valid for FRESH_SECONDS. `executor` has PROBES threads; `clock` is in seconds."""

    def __init__(self, clients: Clients, settings: Settings, *, executor: Executor, clock: Callable[[], float]) -> None:
        self._clients, self._settings, self._executor, self._clock = clients, settings, executor, clock
        self._verdicts: dict[str, str] = {}
        self._stale_at = 0.0

    def check(self) -> dict[str, str]:
        """{"storage": "ok" | "error", "table": ..., "queue": ...}, within HEALTH_TIMEOUT_SECONDS."""
        if not self._verdicts or self._clock() >= self._stale_at:
            self._verdicts = self._probed()
            self._stale_at = self._clock() + FRESH_SECONDS
        return self._verdicts

    def _probed(self) -> dict[str, str]:
        deadline = self._clock() + PATIENCE  # before the clients are made, which takes a while in a cold container
        running = {name: self._executor.submit(probe) for name, probe in self._probes().items()}
        return {name: self._verdict(name, future, deadline=deadline) for name, future in running.items()}

    def _verdict(self, name: str, future: Future[Any], *, deadline: float) -> str:
        try:
            future.result(timeout=max(0.0, deadline - self._clock()))
        except (ClientError, BotoCoreError, FutureTimeout, InvalidSettings) as error:
            logger.warning("health check failed", check=name, error=str(error) or "timed out")
            return "error"
        return "ok"

    def _probes(self) -> dict[str, Callable[[], Any]]:
        client, settings = self._clients.probes, self._settings
        return {
            "storage": self._probe_storage,
            "table": lambda: client["table"].get_item(TableName=settings.table_name, Key=keys.HEALTH),
            "queue": lambda: client["queue"].get_queue_attributes(
                QueueUrl=settings.check_queue_url, AttributeNames=["QueueArn"]
            ),
        }

    def _probe_storage(self) -> None:
        """Raises InvalidSettings for a wrong S3_REGION: S3's client works around it, links and small reads do not."""
        client, settings = self._clients.source_probe, self._settings  # made here, since S3 may be asked for the region
        answer = client.head_bucket(Bucket=settings.source_bucket)
        found, used = answer.get("BucketRegion"), client.meta.region_name
        if found and found != used and not settings.s3_endpoint:
            raise InvalidSettings(
                f"S3_REGION is {used}, but the bucket {settings.source_bucket} is in {found}: set it to that, or leave "
                "it empty"
            )
