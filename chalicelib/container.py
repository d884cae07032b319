"""Wires the services of a container: each is made, and its code imported, when it is first needed."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from chalicelib.aws.adapters import Adapters
from chalicelib.settings import Settings

if TYPE_CHECKING:
    from chalicelib.assembly.model import Archive
    from chalicelib.assembly.worker import AssemblyWorker, Choices
    from chalicelib.callers import JobOwners, RateLimiter
    from chalicelib.checking.checker import BatchChecker
    from chalicelib.checking.lister import PrefixLister
    from chalicelib.delivery.notifier import Notifier
    from chalicelib.delivery.presign import Minter
    from chalicelib.delivery.streaming import LongPoller
    from chalicelib.delivery.subscriptions import Subscriptions
    from chalicelib.delivery.tickets import TicketSigner
    from chalicelib.delivery.webhooks import WebhookDeliverer
    from chalicelib.jobs.lifecycle import JobLifecycle
    from chalicelib.jobs.model import Job
    from chalicelib.jobs.service import JobService
    from chalicelib.jobs.sweeper import Sweeper


class Services(Adapters):
    """Everything a handler may call, on adapters that are given or made from the settings."""

    @cached_property
    def jobs(self) -> JobService:
        """What clients may do with jobs."""
        from chalicelib.jobs.service import JobService

        settings = self.settings
        return JobService(
            self.job_table,
            self.queue,
            self.system.now,
            self.system.new_id,
            settings.job_ttl_seconds,
            settings.sweep_after_seconds,
        )

    @cached_property
    def lifecycle(self) -> JobLifecycle:
        """What workers do with jobs."""
        from chalicelib.jobs.lifecycle import JobLifecycle

        ttl, max_runs = self.settings.job_ttl_seconds, self.settings.max_receive_count
        return JobLifecycle(self.job_table, self.queue, self.system.now, ttl, max_runs=max_runs)

    @cached_property
    def checker(self) -> BatchChecker:
        """Checks the files of batches."""
        from chalicelib.checking.checker import BatchChecker

        threads, system = self.settings.check_threads, self.system
        return BatchChecker(self.job_table, self.source, self.lifecycle, system.executor, system.now, threads)

    @cached_property
    def lister(self) -> PrefixLister:
        """Lists prefixes."""
        from chalicelib.checking.lister import PrefixLister

        return PrefixLister(self.job_table, self.listings, self.lifecycle, self.system.now, self.system.token)

    @cached_property
    def sweeper(self) -> Sweeper:
        """Restarts jobs that no message is working on."""
        from chalicelib.jobs.sweeper import Sweeper

        sweep_after, ttl = self.settings.sweep_after_seconds, self.settings.job_ttl_seconds
        return Sweeper(self.job_table, self.queue, self.lifecycle, self.system.now, sweep_after, ttl)

    @cached_property
    def assembly(self) -> AssemblyWorker:
        """Plans, builds and finishes archives."""
        from chalicelib.assembly.worker import Outside, build_worker

        outside = Outside(
            jobs=self.job_table,
            table=self.assembly_table,
            store=self.archive_store,
            source=self.source,
            queue=self.queue,
            executors=self.system.executor,
            now=self.system.now,
            token=self.system.token,
        )
        return build_worker(outside, self.archive_choices, lifecycle=self.lifecycle)

    @property
    def archive_choices(self) -> Choices:
        """How archives are planned."""
        from chalicelib.assembly.archive_planning import PlanRules
        from chalicelib.assembly.worker import Choices

        return Choices(
            crc_source=self.settings.crc_source,
            store_name=f"{self.settings.s3_endpoint}/{self.settings.source_bucket}",
            rules=PlanRules(max_bytes=self.settings.archive_max_bytes),
        )

    def archives_of(self, job: Job) -> list[Archive]:
        """The archives of a job as they are being built, or were."""
        if job.archive is None:
            return []
        return self.assembly_table.archives(job.job_id, job.generation)

    def minter(self, ttl: int) -> Minter:
        """Mints links to files, valid for `ttl` seconds or as long as what signs them."""
        return self._minter(self.settings.source_bucket, self.clients.source_region, ttl=ttl)

    def archive_minter(self, ttl: int) -> Minter:
        """Mints links to archives, valid for `ttl` seconds or as long as what signs them."""
        return self._minter(self.settings.archive_bucket, self.clients.archive_region, ttl=ttl)

    def _minter(self, bucket: str, region: str, *, ttl: int) -> Minter:
        from chalicelib.aws.s3_links import Bucket, minter_for

        found = Bucket(bucket, region)
        return minter_for(self.settings, self.link_credentials(), bucket=found, ttl=ttl, now=self.system.now())

    @cached_property
    def tickets(self) -> TicketSigner:
        """Signs and reads tickets."""
        from chalicelib.delivery.tickets import TicketSigner

        now = self.system.now
        return TicketSigner(lambda: self.secrets.read().ticket_keys(now()), now, self.settings.ticket_ttl_seconds)

    @cached_property
    def limiter(self) -> RateLimiter:
        """Limits how often a caller may call."""
        from chalicelib.callers import RateLimiter

        return RateLimiter(self.call_counter, self.system.now)

    @cached_property
    def owners(self) -> JobOwners:
        """The owners of jobs, as whom holders of tickets are counted."""
        from chalicelib.callers import JobOwners

        def find(job_id: str) -> str:
            job = self.job_table.get(job_id)
            return job.owner if job else ""

        return JobOwners(find)

    def counts_socket(self, caller: str) -> bool:
        """Counts an action of a WebSocket client. False if it exceeds the rate limit."""
        from chalicelib.callers import Policy

        policy = Policy("sockets", self.settings.rate_limit_max_requests, self.settings.rate_limit_window_ms)
        return self.limiter.count(caller, policy).allowed

    @cached_property
    def long_poller(self) -> LongPoller:
        """Waits for changes of a job."""
        from chalicelib.delivery.streaming import LongPoller

        wait, waiters = self.settings.stream_wait_seconds, self.settings.stream_max_waiting
        return LongPoller(self.call_counter, self.system.now, self.system.sleep, wait, waiters)

    @cached_property
    def webhooks(self) -> WebhookDeliverer:
        """Delivers webhooks."""
        from chalicelib.delivery.webhooks import WebhookDeliverer

        return WebhookDeliverer(
            jobs=self.job_table,
            sender=self.webhook_sender,
            secrets=self.webhook_secrets,
            now=self.system.now,
            park=lambda message: self.parking.send([message]),
            limiter=self.limiter,
            limit=self.settings.webhook_rate_limit,
            public_url=self.settings.public_url,
        )

    def webhook_secrets(self, owner: str) -> tuple[str, ...]:
        """What webhooks of a caller's jobs are signed with. Raises SecretUnavailable."""
        return self.secrets.read().webhook_secrets(self.system.now(), owner)

    @cached_property
    def notifier(self) -> Notifier:
        """Notifies clients of changes of jobs."""
        from chalicelib.delivery.notifier import PUSHES_IN_FLIGHT, Notifier

        executor = self.system.executor(PUSHES_IN_FLIGHT)
        return Notifier(self.queue, self.subscription_table, self.push, executor, self.settings.public_url)

    @cached_property
    def subscriptions(self) -> Subscriptions:
        """Serves WebSocket clients."""
        from chalicelib.delivery.subscriptions import Subscriptions, WebSocketAuth

        return Subscriptions(
            table=self.subscription_table,
            jobs=self.job_table,
            push=self.push,
            auth=WebSocketAuth(self.settings.auth_mode, lambda token: self.verify_token(token), self.tickets),
            now=self.system.now,
            public_url=self.settings.public_url,
        )


class _Container:
    """What this container has made so far."""

    services: Services | None = None


def services() -> Services:
    """The services of this container. Raises InvalidSettings, naming each variable that is wrong."""
    if _Container.services is None:
        _Container.services = Services(Settings.from_environment())
    return _Container.services


def use(replacement: Services | None) -> None:
    """Makes `services()` return the replacement, as tests do; with None, makes them from the environment again."""
    _Container.services = replacement
