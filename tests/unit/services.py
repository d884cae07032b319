"""The container's services on fakes, for tests of the API and of the handlers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from chalice.app import Chalice
from chalice.local import LambdaEventConverter, RouteMatcher
from chalice.test import HTTPResponse

from chalicelib import container
from chalicelib.assembly.model import Archive
from chalicelib.aws.retries import Retries
from chalicelib.callers import RateLimiter
from chalicelib.calls.idempotency import Idempotency
from chalicelib.delivery.links import Minter
from chalicelib.delivery.presign import Credentials, Presigner
from chalicelib.delivery.streaming import LongPoller
from chalicelib.delivery.tickets import TicketSigner
from chalicelib.errors import KeysUnavailable, Unauthenticated
from chalicelib.jobs.model import Job
from chalicelib.settings import SETTINGS, Settings
from tests.builders import World
from tests.support.sqs import fake_retries

QUEUES = [setting.name for setting in SETTINGS if setting.name.endswith("_QUEUE_URL")]
# Every variable that has no default.
ENVIRONMENT = {
    "TABLE_NAME": "jobs",
    "ASSEMBLY_QUEUE_URL": "http://sqs.test/000000000000/assembly",
    "SOURCE_BUCKET": "files",
    "ARCHIVE_BUCKET": "archives",
    "SECRET_ID": "lorry",
    "ALLOW_ANONYMOUS": "true",
    **{name: f"http://sqs.test/000000000000/{name.lower()}" for name in QUEUES},
}
STORE = "https://store.test"


@dataclass
class FakeHealth:
    verdicts: dict[str, str] = field(default_factory=lambda: {"storage": "ok", "table": "ok", "queue": "ok"})

    def check(self) -> dict[str, str]:
        return self.verdicts


@dataclass
class FakeVerifier:
    """Tokens of this issuer are "token-of-" and who shows them; its keys may be out of reach."""

    down: bool = False

    def verify(self, token: str) -> str:
        if self.down:
            raise KeysUnavailable("the issuer's keys could not be fetched: it is down")
        if not token.startswith("token-of-"):
            raise Unauthenticated("the token was not signed with a key of the issuer")
        return token.removeprefix("token-of-")


@dataclass(frozen=True)
class FakeServices:
    """What handlers may call, as chalicelib.container.Services has it."""

    world: Any
    settings: Settings
    retries: Retries = field(default_factory=fake_retries)
    health: FakeHealth = field(default_factory=FakeHealth)
    verifier: FakeVerifier = field(default_factory=FakeVerifier)
    meanwhile: list[Callable[[], object]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        parts = {
            "jobs": "service",
            "lifecycle": "lifecycle",
            "checker": "checker",
            "sweeper": "sweeper",
            "source": "store",
        }
        if name not in parts:
            raise AttributeError(name)
        return getattr(self.world, parts[name])

    def archives_of(self, job: Job) -> list[Archive]:
        archives: list[Archive] = self.world.archives.archives(job.job_id, job.generation) if job.archive else []
        return [archive for archive in archives if not archive.reads_only]

    @cached_property
    def limiter(self) -> RateLimiter:
        return RateLimiter(self.world.counter, self.world.clock)

    @cached_property
    def idempotency(self) -> Idempotency:
        return Idempotency(self.world.claims, self.world.clock, self.settings.idempotency_ttl_seconds)

    @cached_property
    def tickets(self) -> TicketSigner:
        return TicketSigner(lambda: (b"key of the tickets",), self.world.clock, self.settings.ticket_ttl_seconds)

    @cached_property
    def long_poller(self) -> LongPoller:
        settings = self.settings
        return LongPoller(
            self.world.counter, self.world.clock, self.sleep, settings.stream_wait_seconds, settings.stream_max_waiting
        )

    def sleep(self, seconds: float) -> None:
        """Time passes, and what is to happen meanwhile happens."""
        self.world.clock.advance(seconds)
        for happen in self.meanwhile:
            happen()

    def minter(self, ttl: int) -> Minter:
        return self._minter(ttl, self.settings.source_bucket)

    def archive_minter(self, ttl: int) -> Minter:
        return self._minter(ttl, self.settings.archive_bucket)

    def _minter(self, ttl: int, bucket: str) -> Minter:
        credentials = Credentials("AKIDTEST", "secret")
        presigner = Presigner(credentials, bucket, STORE, "us-east-1", path_style=True)
        return Minter(presigner, datetime.fromtimestamp(self.world.clock.now / 1000, UTC), ttl)


@dataclass(frozen=True)
class Gateway:
    """The API as API Gateway passes on the calls of one caller: where it called from, and who it is if it signed."""

    app: Chalice
    headers: Mapping[str, str] = field(default_factory=dict)
    address: str = "198.51.100.7"
    arn: str | None = None

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> HTTPResponse:
        """`headers` with underscores for hyphens."""
        given = {**self.headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            given = {"Content-Type": "application/json", **given}
        events = LambdaEventConverter(RouteMatcher(list(self.app.routes)), self.app.api.binary_types)
        event = events.create_lambda_event(method, path, given, data)
        event["requestContext"]["identity"] = {"sourceIp": self.address, "userArn": self.arn}
        answer: HTTPResponse = HTTPResponse.create_from_dict(self.app(event, None))
        return answer

    def get(self, path: str, **headers: str) -> HTTPResponse:
        return self("GET", path, **headers)

    def post(self, path: str, body: Any, **headers: str) -> HTTPResponse:
        return self("POST", path, body, **headers)


@contextmanager
def in_use(world: World, **environment: str) -> Iterator[FakeServices]:
    """Services on the fakes of `world`, in use by everything that asks the container for its services."""
    services = FakeServices(world, Settings.from_environment({**ENVIRONMENT, **environment}))
    container.use(services)  # type: ignore[arg-type]
    try:
        yield services
    finally:
        container.use(None)
