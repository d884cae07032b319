"""The container's services on fakes, for tests of the API and of the handlers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Chalice
from chalice.local import LambdaEventConverter, RouteMatcher
from chalice.test import HTTPResponse

from chalicelib import container
from chalicelib.delivery.presign import Credentials, ExpiringCredentials
from chalicelib.delivery.signing_keys import Secrets
from chalicelib.errors import KeysUnavailable, Unauthenticated
from chalicelib.settings import SETTINGS, Settings
from chalicelib.system import System
from tests.support.builders import World
from tests.support.delivery import FakePush, FakeSubscriptions
from tests.support.executors import SerialExecutor
from tests.support.fake_assembly import FakeAssemblyTable
from tests.support.sqs import fake_retries

# Every variable that has no default.
ENVIRONMENT = {
    "TABLE_NAME": "jobs",
    "SOURCE_BUCKET": "files",
    "ARCHIVE_BUCKET": "archives",
    "SECRET_ID": "lorry",
    "ALLOW_ANONYMOUS": "true",
    **{
        setting.name: f"http://sqs.test/000000000000/{setting.name.lower()}"
        for setting in SETTINGS
        if setting.name.endswith("_QUEUE_URL") and setting.required
    },
}
STORE = "https://store.test"
LINKS = {"S3_PUBLIC_ENDPOINT": STORE, "S3_FORCE_PATH_STYLE": "true", "S3_REGION": "us-east-1"}  # or S3 is asked


@dataclass
class FakeHealth:
    """Health checks with these results."""

    verdicts: dict[str, str] = field(default_factory=lambda: {"storage": "ok", "table": "ok", "queue": "ok"})

    def check(self) -> dict[str, str]:
        return self.verdicts


@dataclass
class FakeVerifier:
    """Verifies "token-of-alice" as alice's, unless the issuer is down."""

    down: bool = False

    def __call__(self, token: str) -> str:
        if self.down:
            raise KeysUnavailable("the issuer's keys could not be fetched: it is down")
        if not token.startswith("token-of-"):
            raise Unauthenticated("the token was not signed with a key of the issuer")
        return f"user:{token.removeprefix('token-of-')}"


class FakeSecrets:
    """The secret of a deployment, always at hand."""

    def read(self) -> Secrets:
        return Secrets("0123456789abcdef" * 4)


class WorldServices(container.Services):
    """Services on the fakes of a world; `meanwhile` happens whenever something sleeps."""

    def __init__(self, world: Any, settings: Settings) -> None:
        self.world = world
        self.meanwhile: list[Callable[[], object]] = []
        self.verifier, self.fake_health = FakeVerifier(), FakeHealth()
        given: Any = {
            "job_table": world.table,
            "assembly_table": getattr(world, "archives", None) or FakeAssemblyTable(world.table),
            "subscription_table": FakeSubscriptions(),
            "call_counter": world.counter,
            "queue": world.queue,
            "retries": fake_retries(),
            "webhook_retries": fake_retries(),
            "source": world.store,
            "secrets": FakeSecrets(),
            "link_credentials": lambda: ExpiringCredentials(Credentials("AKIDTEST", "secret")),
            "push": FakePush(),
            "verify_token": self.verifier,
            "health": self.fake_health,
        }
        system = System(now=world.clock, sleep=self._sleep, uniform=max, executor=lambda threads: SerialExecutor())
        super().__init__(settings, system, **given)
        self.jobs = world.service  # with the world's size of batches

    def _sleep(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        for happen in self.meanwhile:
            happen()


@contextmanager
def in_use(world: World, **environment: str) -> Iterator[WorldServices]:
    """Services on the fakes of `world`, which `services()` returns meanwhile."""
    made = WorldServices(world, Settings.from_environment({**ENVIRONMENT, **LINKS, **environment}))
    container.use(made)
    try:
        yield made
    finally:
        container.use(None)


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
