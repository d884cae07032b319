"""The adapters of a deployment: each is made, and its code imported, when it is first needed."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from chalicelib.settings import Settings
from chalicelib.system import MACHINE, System

if TYPE_CHECKING:
    from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
    from chalicelib.aws.clients import Clients
    from chalicelib.aws.dynamodb import Table
    from chalicelib.aws.health import HealthProbe
    from chalicelib.aws.s3_reads import QuickReads
    from chalicelib.aws.secrets_manager import SecretSource
    from chalicelib.aws.sqs import Breaker, Heartbeat, Retries
    from chalicelib.callers import CallCounter
    from chalicelib.delivery.presign import ExpiringCredentials
    from chalicelib.delivery.subscriptions import Push, SubscriptionTable
    from chalicelib.delivery.webhooks import Sender
    from chalicelib.jobs.ports import JobTable, SourceStore, WorkQueue


class Given(TypedDict, total=False):
    """Adapters that are given instead of being made."""

    clients: Clients
    job_table: JobTable
    assembly_table: AssemblyTable
    subscription_table: SubscriptionTable
    call_counter: CallCounter
    queue: WorkQueue
    parking: WorkQueue
    retries: Retries
    webhook_retries: Retries
    heartbeat: Heartbeat
    source: SourceStore
    archive_store: ArchiveStore
    quick_reads: QuickReads
    link_credentials: Callable[[], ExpiringCredentials]
    secrets: SecretSource
    push: Push
    webhook_sender: Sender
    verify_token: Callable[[str], str]
    health: HealthProbe


class Adapters:
    """What reaches other services: given, or made from the settings at first use and kept."""

    def __init__(self, settings: Settings, system: System = MACHINE, **given: Unpack[Given]) -> None:
        self.settings, self.system = settings, system
        self.__dict__.update(given)  # a cached property is not computed if there is a value

    @cached_property
    def clients(self) -> Clients:
        """Clients of AWS and of the store."""
        from chalicelib.aws.clients import Clients

        return Clients(self.settings, self.system)

    def _rows(self, client: Any) -> Table:
        from chalicelib.aws.dynamodb import Table

        return Table(client, self.settings.table_name, self.system.sleep, self.system.uniform)

    @property
    def _retention(self) -> int:
        from chalicelib.limits import TOMBSTONE_SECONDS

        return 4 * self.settings.job_ttl_seconds + TOMBSTONE_SECONDS  # a job may be retried shortly before it expires

    @cached_property
    def job_table(self) -> JobTable:
        """Durable state of jobs."""
        from chalicelib.aws.jobs_table import DynamoJobTable

        return DynamoJobTable(self._rows(self.clients.table), self._retention, self.system.token)

    @cached_property
    def assembly_table(self) -> AssemblyTable:
        """Durable state of archives."""
        from chalicelib.aws.assembly_table import DynamoAssemblyTable

        return DynamoAssemblyTable(self._rows(self.clients.table), self._retention, self.system.token)

    @cached_property
    def subscription_table(self) -> SubscriptionTable:
        """Which WebSocket follows which job."""
        from chalicelib.aws.websockets import DynamoSubscriptions

        return DynamoSubscriptions(self._rows(self.clients.table))

    @cached_property
    def call_counter(self) -> CallCounter:
        """Counts that all containers share."""
        from chalicelib.aws.dynamodb import DynamoCallCounter

        return DynamoCallCounter(self._rows(self.clients.counters))

    @cached_property
    def queue(self) -> WorkQueue:
        """The queues of work."""
        from chalicelib import messages
        from chalicelib.aws.sqs import SqsWorkQueue

        assembly = self.settings.assembly_queue_url
        urls: dict[type[messages.AnyMessage], str] = {
            messages.DispatchJob: self.settings.dispatch_queue_url,
            messages.CheckBatch: self.settings.check_queue_url,
            messages.ListPrefix: assembly,
            messages.PlanArchive: assembly,
            messages.BuildChunk: assembly,
            messages.CleanUp: assembly,
            messages.SendWebhook: self.settings.webhook_queue_url,
        }
        return SqsWorkQueue(self.clients.queue, urls)

    @cached_property
    def parking(self) -> WorkQueue:
        """The queue of webhooks that no attempt delivered."""
        from chalicelib.aws.sqs import SqsWorkQueue
        from chalicelib.messages import SendWebhook

        return SqsWorkQueue(self.clients.queue, {SendWebhook: self.settings.webhook_dead_letters_url})

    @cached_property
    def retries(self) -> Retries:
        """When failed messages come back."""
        return self._retries(self.settings.retry_base_seconds, self.settings.retry_cap_seconds)

    @cached_property
    def breaker(self) -> Breaker:
        """Spares this container's messages a service that does not answer."""
        from chalicelib.aws.sqs import Breaker

        return Breaker(self.system.monotonic)

    @cached_property
    def webhook_retries(self) -> Retries:
        """When failed webhooks come back."""
        return self._retries(self.settings.webhook_retry_base_seconds, self.settings.webhook_retry_cap_seconds)

    def _retries(self, base: float, cap: float) -> Retries:
        from chalicelib.aws.sqs import Retries

        return Retries(self.clients.visibility, base, cap, self.system.uniform, self.settings.unreadable_queue_url)

    @cached_property
    def heartbeat(self) -> Heartbeat:
        """Keeps messages of the assembly queue hidden while a worker lives."""
        from chalicelib.aws.sqs import HIDDEN_SECONDS, Heartbeat

        return Heartbeat(self.retries, HIDDEN_SECONDS, self.system.repeat)

    @cached_property
    def source(self) -> SourceStore:
        """The store that holds the files."""
        from chalicelib.aws.s3_source import S3SourceStore

        return S3SourceStore(self.clients.store, self.settings.source_bucket)

    @cached_property
    def listings(self) -> SourceStore:
        """The same, for listings of a prefix: a page of a slow store may take a minute."""
        from chalicelib.aws.s3_source import S3SourceStore

        return S3SourceStore(self.clients.source_bodies, self.settings.source_bucket)

    @cached_property
    def archive_store(self) -> ArchiveStore:
        """The store that archives are assembled in."""
        from chalicelib.aws.s3_archives import S3ArchiveStore

        settings, clients = self.settings, self.clients
        return S3ArchiveStore(
            clients.archive_store,
            settings.source_bucket,
            settings.archive_bucket,
            settings.check_threads,
            self.system.executor,
            quick_reads=self.quick_reads,
            reader=clients.source_bodies,
            token=self.system.token,
        )

    @cached_property
    def quick_reads(self) -> QuickReads:
        """Reads small ranges of files."""
        from chalicelib.aws.s3_reads import quick_reads

        clients = self.clients
        return quick_reads(
            clients.source_bodies,
            self.settings.source_bucket,
            credentials=clients.store_credentials,
            ca_bundle=clients.session.get_config_variable("ca_bundle"),
            pace=clients.bodies_hooks.reads,
        )

    @cached_property
    def link_credentials(self) -> Callable[[], ExpiringCredentials]:
        """What links are signed with."""
        from chalicelib.aws.s3_links import link_credentials

        return link_credentials(self.settings, self.clients, now=self.system.now)

    @cached_property
    def secrets(self) -> SecretSource:
        """What webhooks and tickets are signed with."""
        from chalicelib.aws.secrets_manager import SecretSource

        return SecretSource(self.clients.secrets, self.settings.secret_id, now=self.system.now)

    @cached_property
    def push(self) -> Push:
        """Sends messages to open WebSockets."""
        from chalicelib.aws.websockets import WebsocketPush

        return WebsocketPush(self.clients.connections)

    @cached_property
    def webhook_sender(self) -> Sender:
        """Sends webhooks."""
        import ssl

        from chalicelib.aws.webhook_sender import LOOK_UPS, WebhookSender

        return WebhookSender(
            self.system.executor(LOOK_UPS),
            self.system.monotonic,
            ssl.create_default_context(),
            allow_local=self.settings.webhook_allow_local,
        )

    @cached_property
    def verify_token(self) -> Callable[[str], str]:
        """Returns the principal of a bearer token."""
        from chalicelib.aws.jwks import PublishedKeys
        from chalicelib.callers import bearer
        from chalicelib.tokens import CachedKeys, TokenVerifier

        settings = self.settings
        verifier = TokenVerifier(
            key=CachedKeys(PublishedKeys(settings.auth_issuer, settings.auth_jwks_url).fetch, self.system.seconds).key,
            issuer=settings.auth_issuer,
            audience=settings.auth_audience,
            algorithms=settings.auth_algorithms,
            leeway=settings.auth_leeway_seconds,
            now=self.system.seconds,
        )
        return lambda token: bearer(settings.auth_issuer, verifier.verify(token))

    @cached_property
    def health(self) -> HealthProbe:
        """Checks the services that this one depends on."""
        from chalicelib.aws.health import PROBES, HealthProbe

        return HealthProbe(
            self.clients, self.settings, executor=self.system.executor(PROBES), clock=self.system.monotonic
        )
