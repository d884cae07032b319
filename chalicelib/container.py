"""Wires everything once per container, and each thing only when it is first needed."""

from __future__ import annotations

import random
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from chalicelib.assembly.model import Archive
from chalicelib.assembly.wiring import Choices, Outside, assembled
from chalicelib.assembly.worker import AssemblyWorker
from chalicelib.aws import clients
from chalicelib.aws.assembly_table import DynamoAssemblyTable
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.health import HealthProbe
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.aws.jwks import PublishedKeys
from chalicelib.aws.link_credentials import link_credentials
from chalicelib.aws.retries import HIDDEN_SECONDS, Heartbeat, Retries, repeat_in_thread
from chalicelib.aws.s3_archives import S3ArchiveStore
from chalicelib.aws.s3_links import minter_for
from chalicelib.aws.s3_source import S3SourceStore
from chalicelib.aws.secrets_manager import SecretSource
from chalicelib.aws.sqs_queue import SqsWorkQueue
from chalicelib.aws.subscriptions_table import DynamoSubscriptions
from chalicelib.aws.traffic_table import DynamoCallCounter, DynamoClaimStore
from chalicelib.aws.webhook_sender import LOOK_UPS, WebhookSender
from chalicelib.aws.websocket_push import WebsocketPush
from chalicelib.callers import Policy, RateLimiter
from chalicelib.calls.idempotency import Idempotency
from chalicelib.checking.checker import BatchChecker
from chalicelib.checking.lister import PrefixLister
from chalicelib.delivery.links import ExpiringCredentials, Minter
from chalicelib.delivery.notifier import PUSHES_IN_FLIGHT, Notifier
from chalicelib.delivery.presign import Credentials
from chalicelib.delivery.streaming import LongPoller
from chalicelib.delivery.subscriptions import Subscriptions, WebSocketAuth
from chalicelib.delivery.tickets import TicketSigner
from chalicelib.delivery.webhooks import WebhookDeliverer
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.model import Job
from chalicelib.jobs.service import JobService
from chalicelib.jobs.sweeper import Sweeper
from chalicelib.limits import TOMBSTONE_SECONDS
from chalicelib.messages import BuildChunk, CheckBatch, CleanUp, DispatchJob, ListPrefix, PlanArchive, SendWebhook
from chalicelib.settings import Settings
from chalicelib.tokens import CachedKeys, TokenVerifier


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
    def _rows(self) -> Table:
        return Table(clients.table_client(self.settings), self.settings.table_name)

    @property
    def _retention(self) -> int:
        return 4 * self.settings.job_ttl_seconds + TOMBSTONE_SECONDS  # a job may be retried shortly before it expires

    @cached_property
    def _table(self) -> DynamoJobTable:
        return DynamoJobTable(self._rows, self._retention)

    @cached_property
    def _queue(self) -> SqsWorkQueue:
        assembly = self.settings.assembly_queue_url
        urls = {
            DispatchJob: self.settings.dispatch_queue_url,
            CheckBatch: self.settings.check_queue_url,
            ListPrefix: assembly,
            PlanArchive: assembly,
            BuildChunk: assembly,
            CleanUp: assembly,
            SendWebhook: self.settings.webhook_queue_url,
        }
        return SqsWorkQueue(self._queue_client, urls)

    @cached_property
    def source(self) -> S3SourceStore:
        return S3SourceStore(self._store_client, self.settings.source_bucket)

    @cached_property
    def jobs(self) -> JobService:
        settings = self.settings
        return JobService(
            self._table, self._queue, epoch_milliseconds, settings.job_ttl_seconds, settings.sweep_after_seconds
        )

    @cached_property
    def limiter(self) -> RateLimiter:
        client = clients.table_client(self.settings, clients.counter_config())
        return RateLimiter(DynamoCallCounter(Table(client, self.settings.table_name)), epoch_milliseconds)

    def counts_socket(self, caller: str) -> bool:
        """Count something that a WebSocket client does; False if it was too much."""
        policy = Policy("sockets", self.settings.rate_limit_max_requests, self.settings.rate_limit_window_ms)
        return self.limiter.count(caller, policy).allowed

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(DynamoClaimStore(self._rows), epoch_milliseconds, self.settings.idempotency_ttl_seconds)

    @cached_property
    def long_poller(self) -> LongPoller:
        waiting = DynamoCallCounter(self._rows)
        settings = self.settings
        return LongPoller(
            waiting, epoch_milliseconds, time.sleep, settings.stream_wait_seconds, settings.stream_max_waiting
        )

    @cached_property
    def tickets(self) -> TicketSigner:
        return TicketSigner(
            lambda: self.secrets.read().ticket_keys(epoch_milliseconds()),
            epoch_milliseconds,
            self.settings.ticket_ttl_seconds,
        )

    @cached_property
    def verifier(self) -> TokenVerifier:
        settings = self.settings
        return TokenVerifier(
            key=CachedKeys(PublishedKeys(settings.auth_issuer, settings.auth_jwks_url).fetch, time.time).key,
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            algorithms=settings.auth_algorithms,
            leeway=settings.auth_leeway_seconds,
            now=time.time,
        )

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    @cached_property
    def lifecycle(self) -> JobLifecycle:
        return JobLifecycle(self._table, self._queue, epoch_milliseconds, self.settings.job_ttl_seconds)

    @cached_property
    def checker(self) -> BatchChecker:
        return BatchChecker(self._table, self.source, self.lifecycle, epoch_milliseconds, self.settings.check_threads)

    @cached_property
    def lister(self) -> PrefixLister:
        return PrefixLister(self._table, self.source, self.lifecycle, epoch_milliseconds)

    @cached_property
    def sweeper(self) -> Sweeper:
        settings = self.settings
        return Sweeper(
            self._table,
            self._queue,
            self.lifecycle,
            epoch_milliseconds,
            settings.sweep_after_seconds,
            settings.job_ttl_seconds,
        )

    @cached_property
    def _assembly_table(self) -> DynamoAssemblyTable:
        return DynamoAssemblyTable(self._rows, self._retention)

    @cached_property
    def assembly(self) -> AssemblyWorker:
        """Everything that plans, builds and finishes archives."""
        return assembled(
            Outside(self._table, self._assembly_table, self._archive_store, self.source, self._queue),
            Choices(
                crc_source=self.settings.crc_source,
                max_bytes=self.settings.archive_max_bytes,
                store_name=f"{self.settings.s3_endpoint}/{self.settings.source_bucket}",
            ),
            self.lifecycle,
            epoch_milliseconds,
        )

    @cached_property
    def _archive_store(self) -> S3ArchiveStore:
        settings = self.settings
        client = clients.archive_client(settings)
        return S3ArchiveStore(client, settings.source_bucket, settings.archive_bucket, settings.check_threads)

    def archives_of(self, job: Job) -> list[Archive]:
        """The archives of a job as they are being built, or were."""
        if job.archive is None:
            return []
        return [a for a in self._assembly_table.archives(job.job_id, job.generation) if not a.reads_only]

    def archive_minter(self, ttl: int) -> Minter:
        """Links to objects of the archive bucket, minted now, good for `ttl` seconds or as long as what signs them."""
        return self._minter(self.settings.archive_bucket, ttl)

    @cached_property
    def retries(self) -> Retries:
        settings = self.settings
        return Retries(self._queue_client, settings.retry_base_seconds, settings.retry_cap_seconds, random.uniform)

    @cached_property
    def webhook_retries(self) -> Retries:
        settings = self.settings
        return Retries(
            self._queue_client, settings.webhook_retry_base_seconds, settings.webhook_retry_cap_seconds, random.uniform
        )

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """Keeps messages of the assembly queue hidden while a worker lives."""
        return Heartbeat(self.retries, HIDDEN_SECONDS, repeat_in_thread)

    @cached_property
    def webhooks(self) -> WebhookDeliverer:
        return WebhookDeliverer(
            jobs=self._table,
            sender=WebhookSender(
                ThreadPoolExecutor(LOOK_UPS),
                time.monotonic,
                ssl.create_default_context(),
                allow_local=self.settings.webhook_allow_local,
            ),
            secrets=lambda: self.secrets.read().webhook_secrets(epoch_milliseconds()),
            now=epoch_milliseconds,
            park=lambda message: self._parking.send([message]),
            public_url=self.settings.public_url,
        )

    @cached_property
    def _parking(self) -> SqsWorkQueue:
        return SqsWorkQueue(self._queue_client, {SendWebhook: self.settings.webhook_dead_letters_url})

    @cached_property
    def _subscription_table(self) -> DynamoSubscriptions:
        return DynamoSubscriptions(self._rows)

    @cached_property
    def _connections(self) -> WebsocketPush:
        return WebsocketPush(clients.connections_client(self.settings))

    @cached_property
    def notifier(self) -> Notifier:
        """Notifies clients of changes of jobs."""
        executor = ThreadPoolExecutor(PUSHES_IN_FLIGHT)
        return Notifier(self._queue, self._subscription_table, self._connections, executor, self.settings.public_url)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Serves WebSocket clients."""
        return Subscriptions(
            table=self._subscription_table,
            jobs=self._table,
            push=self._connections,
            auth=WebSocketAuth(self.settings.auth_mode, lambda token: self.verifier.verify(token), self.tickets),
            now=epoch_milliseconds,
            public_url=self.settings.public_url,
        )

    @cached_property
    def health(self) -> HealthProbe:
        return HealthProbe(self.settings)

    def minter(self, ttl: int) -> Minter:
        """Links to files of the source bucket, minted now, good for `ttl` seconds or as long as what signs them."""
        return self._minter(self.settings.source_bucket, ttl)

    def _minter(self, bucket: str, ttl: int) -> Minter:
        return minter_for(self.settings, self._link_credentials(), bucket, ttl=ttl, now=epoch_milliseconds())

    @cached_property
    def _link_credentials(self) -> Callable[[], ExpiringCredentials]:
        return link_credentials(self.settings, self._store_credentials, epoch_milliseconds)

    @cached_property
    def _store_credentials(self) -> Callable[[], Credentials]:
        return clients.store_credentials(self.settings, self._aws_session)

    @cached_property
    def _aws_session(self) -> Any:
        return clients.aws_session()

    @cached_property
    def secrets(self) -> SecretSource:
        """What webhooks and tickets are signed with."""
        return SecretSource(clients.secrets_client(self.settings), self.settings.secret_id, epoch_milliseconds)


class _Container:
    """What this container has made so far."""

    services: Services | None = None


def services() -> Services:
    """The services of this container. Raises InvalidSettings, naming each variable that is wrong."""
    if _Container.services is None:
        _Container.services = Services(Settings.from_environment())
    return _Container.services


def use(replacement: Services | None) -> None:
    """Make `services()` return the replacement, as tests do; None: make them anew from the environment."""
    _Container.services = replacement
