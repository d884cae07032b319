"""Wires everything once per container, and each thing only when it is first needed."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from typing import Any

from chalicelib.adapters import clients
from chalicelib.adapters.dynamodb_jobs import DynamoJobTable
from chalicelib.adapters.health import HealthProbe
from chalicelib.adapters.retries import Retries
from chalicelib.adapters.s3_links import minter_for
from chalicelib.adapters.s3_source import S3SourceStore
from chalicelib.adapters.sqs_queue import SqsWorkQueue
from chalicelib.checking.checker import BatchChecker
from chalicelib.jobs.driving import JobDriver
from chalicelib.jobs.service import JobService
from chalicelib.jobs.sweeping import Sweeper
from chalicelib.limits import TOMBSTONE_SECONDS
from chalicelib.links.minter import Minter
from chalicelib.messages import CheckBatch, DispatchJob
from chalicelib.settings import Settings


def epoch_milliseconds() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Services:
    """Everything a handler may call. Attributes are made at first use and kept for the life of the container."""

    settings: Settings

    @cached_property
    def _store_client(self) -> Any:
        return clients.store_client(self.settings)

    @cached_property
    def _queue_client(self) -> Any:
        return clients.queue_client(self.settings)

    @cached_property
    def _table(self) -> DynamoJobTable:
        retention = 2 * self.settings.job_ttl + TOMBSTONE_SECONDS
        return DynamoJobTable(clients.table_client(self.settings), self.settings.table_name, retention)

    @cached_property
    def _queue(self) -> SqsWorkQueue:
        urls = {DispatchJob: self.settings.dispatch_queue_url, CheckBatch: self.settings.check_queue_url}
        return SqsWorkQueue(self._queue_client, urls)

    @cached_property
    def source(self) -> S3SourceStore:
        return S3SourceStore(self._store_client, self.settings.source_bucket)

    @cached_property
    def jobs(self) -> JobService:
        settings = self.settings
        return JobService(self._table, self._queue, epoch_milliseconds, settings.job_ttl, settings.sweep_after)

    @cached_property
    def driver(self) -> JobDriver:
        return JobDriver(self._table, self._queue, epoch_milliseconds, self.settings.job_ttl)

    @cached_property
    def checker(self) -> BatchChecker:
        return BatchChecker(
            self._table, self.source, self.driver, epoch_milliseconds, self.settings.check_concurrency
        )

    @cached_property
    def sweeper(self) -> Sweeper:
        settings = self.settings
        return Sweeper(
            self._table, self._queue, self.driver, epoch_milliseconds, settings.sweep_after, settings.job_ttl
        )

    @cached_property
    def retries(self) -> Retries:
        return Retries(self._queue_client, self.settings.retry_base, self.settings.retry_cap)

    @cached_property
    def health(self) -> HealthProbe:
        return HealthProbe(self.settings)

    def minter(self, ttl: int) -> Minter:
        """Links to files of the source bucket, minted now, good for `ttl` seconds."""
        return minter_for(self.settings, self._store_client, self.settings.source_bucket, ttl, datetime.now(UTC))


@lru_cache(maxsize=1)
def services() -> Services:
    """The services of this container. Raises InvalidSettings, naming each variable that is wrong."""
    return Services(Settings.from_environment(os.environ))
