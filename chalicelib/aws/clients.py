"""Clients of AWS and of the store, with timeouts that leave a worker time to report a failure.

botocore makes them: boto3's resources and transfers, which nothing here needs, would cost every cold start.
"""

from __future__ import annotations

import gzip
import os
from functools import cached_property
from threading import Lock
from typing import Any

import msgspec
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.loaders import JSONFileLoader, Loader
from botocore.session import Session, get_session

from chalicelib.delivery.presign import Credentials
from chalicelib.errors import InvalidSettings
from chalicelib.limits import S3_PREFIX_READS, S3_PREFIX_WRITES
from chalicelib.settings import Settings
from chalicelib.system import MACHINE, System


def _config(attempts: int, *, connect: float, read: float, **more: Any) -> Config:
    """The queues retry with longer pauses, so that the SDK only bridges a dropped connection."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    return Config(connect_timeout=connect, read_timeout=read, retries=retries, **more)


SERVICES = ("apigatewaymanagementapi", "dynamodb", "s3", "secretsmanager", "sqs", "sts")


class _ModelFiles(JSONFileLoader):  # type: ignore[misc]  # botocore has no types
    """Reads the SDK's models of services, several times as fast as the original, which is a fifth of a cold start."""

    def load_file(self, file_path: str) -> Any:
        """Returns what a file holds, whose extension is not given; None if there is none."""
        for extension, opener in ((".json", open), (".json.gz", gzip.open)):
            if os.path.isfile(file_path + extension):
                with opener(file_path + extension, "rb") as file:
                    return msgspec.json.decode(file.read())
        return None


class _Loader(Loader):  # type: ignore[misc]  # botocore has no types
    """Knows the services in use. The original looks for them among hundreds, at every cold start."""

    FILE_LOADER_CLASS = _ModelFiles

    def list_available_services(self, type_name: str) -> list[str]:
        return list(SERVICES)


PROBE = _config(1, connect=1, read=1.5)

BUSY_STATUSES = frozenset({429, 503})
BUSY_ATTEMPTS = 6  # then the message waits, at little cost
FIRST_PAUSE = 0.1  # seconds, at most; doubles with each attempt, so that all pauses take 3 s at most
PACE_STEP = 0.02  # of the highest rate
SLOWEST_PACE = 20.0  # requests a second
READS = ("Get", "Head", "List")  # how the names of operations begin that only read

Answered = tuple[Any, dict[str, Any]] | None  # as the SDK's hooks get it


class Pace:
    """Spaces the requests of one worker: at most `most` a second, and fewer while the store refuses some.

    Each refusal takes away as much of the rate as ten answers give back, always the same step: workers that halve their
    rate instead take turns in using almost nothing. So about a tenth of the requests is refused when workers want more
    than the store gives, and the rest is used.
    """

    def __init__(self, most: float, system: System) -> None:
        self.rate = self._most = most
        self.system = system
        self._next = 0.0  # when the next request may be sent, in seconds of the machine's clock
        self._lock = Lock()

    def wait(self) -> None:
        """Returns when a request may be sent."""
        now = self.system.monotonic()
        with self._lock:
            at = max(now, self._next)
            self._next = at + 1 / self.rate
        if at > now:
            self.system.sleep(at - now)

    def heard(self, status: int | None) -> bool:
        """Takes note of an answer. Returns whether the store was too busy for the request."""
        busy = status in BUSY_STATUSES
        change = self._most * (-PACE_STEP if busy else PACE_STEP / 10)
        with self._lock:
            self.rate = min(self._most, max(self.rate + change, min(SLOWEST_PACE, self._most)))
        return busy


class StoreHooks:
    """What the SDK asks before and after each attempt at a request to the store."""

    def __init__(self, workers: int, system: System) -> None:
        self.reads = Pace(S3_PREFIX_READS / workers, system)
        self.writes = Pace(S3_PREFIX_WRITES / workers, system)
        self._system = system

    def before(self, *, event_name: str, **_: Any) -> None:
        """Waits for the request's turn."""
        self._pace(event_name).wait()

    def after(self, *, attempts: int, event_name: str, response: Answered = None, **_: Any) -> float | None:
        """Returns how long to wait before the next attempt, None for no other.

        One refusal must cost one request, not the batch or the part that it belongs to. Pauses are random, so that
        workers do not come back together.
        """
        if response is None:
            return None
        status = response[1].get("ResponseMetadata", {}).get("HTTPStatusCode")
        if not self._pace(event_name).heard(status) or attempts >= BUSY_ATTEMPTS:
            return None
        return self._system.uniform(0, FIRST_PAUSE * 2.0 ** (attempts - 1))

    def _pace(self, event_name: str) -> Pace:
        return self.reads if event_name.rpartition(".")[2].startswith(READS) else self.writes


STORE_REGION = "us-east-1"  # what stores without regions expect in signatures


def bucket_region(client: Any, bucket: str) -> str | None:
    """Returns the region of a bucket, which S3 answers even to those who may not use it; None if it is unknown."""
    try:
        answer = client.head_bucket(Bucket=bucket)
    except ClientError as error:
        answer = error.response
    except BotoCoreError:
        return None
    region: str | None = answer["ResponseMetadata"].get("HTTPHeaders", {}).get("x-amz-bucket-region")
    return region


class Clients:
    """The clients of one deployment, each made at its first use."""

    def __init__(self, settings: Settings, system: System = MACHINE) -> None:
        self._settings, self._system = settings, system
        self._answered_region: str | None = None

    @cached_property
    def session(self) -> Session:
        """What this process knows of AWS: its own credentials, and settings of the SDK."""
        session = get_session()
        session.register_component("data_loader", _Loader())
        return session

    @cached_property
    def table(self) -> Any:
        """DynamoDB, for the durable state."""
        return self._client("dynamodb", _config(2, connect=1, read=2))

    @cached_property
    def counters(self) -> Any:
        """DynamoDB, for counts that a caller waits for and that are not indispensable."""
        return self._client("dynamodb", _config(1, connect=1, read=2))

    @cached_property
    def queue(self) -> Any:
        """SQS."""
        return self._client("sqs", _config(2, connect=1, read=2))

    @cached_property
    def visibility(self) -> Any:
        """SQS, for when messages come back: what a worker does last, and what comes right without it."""
        return self._client("sqs", _config(1, connect=1, read=2))

    @cached_property
    def secrets(self) -> Any:
        """Secrets Manager."""
        return self._client("secretsmanager", _config(2, connect=1, read=2))

    @cached_property
    def sessions(self) -> Any:
        """STS, which starts sessions of roles."""
        return self._client("sts", _config(2, connect=1, read=2))

    @cached_property
    def connections(self) -> Any:
        """Open WebSockets. Short timeouts: a slow one must not hold up the others."""
        endpoint = {"endpoint_url": self._settings.websocket_endpoint} if self._settings.websocket_endpoint else {}
        return self._client("apigatewaymanagementapi", _config(2, connect=1, read=2), **endpoint)

    @property
    def source_region(self) -> str:
        """The region of the source bucket, which on AWS may be another than the stack's.

        It is S3_REGION, or what S3 answers when it is first asked; the stack's own while S3 does not answer.
        """
        settings = self._settings
        if settings.s3_region or settings.s3_endpoint:
            return settings.s3_region or STORE_REGION
        if self._answered_region is None:
            client = self._store_client(PROBE, settings.aws_region, hooks=None)
            self._answered_region = bucket_region(client, settings.source_bucket)
        return self._answered_region or settings.aws_region

    @property
    def archive_region(self) -> str:
        """The region of the archive bucket: the stack's, or that of a separate store."""
        return self.source_region if self._settings.s3_endpoint else self._settings.aws_region

    @cached_property
    def store(self) -> Any:
        """The store, for the files."""
        config = _config(2, connect=1, read=3, max_pool_connections=self._settings.check_threads)
        hooks = StoreHooks(self._settings.check_concurrency, self._system)
        return self._store_client(config, self.source_region, hooks=hooks)

    @cached_property
    def bodies_hooks(self) -> StoreHooks:
        """The pace of what archives consist of, which their workers share."""
        return StoreHooks(self._settings.assembly_concurrency, self._system)

    @cached_property
    def source_bodies(self) -> Any:
        """The store, for what archives consist of, and for listings."""
        if self.source_region == self.archive_region:
            return self.archive_store
        return self._bodies_client(self.source_region)

    @cached_property
    def archive_store(self) -> Any:
        """The store, for archives."""
        return self._bodies_client(self.archive_region)

    def _bodies_client(self, region: str) -> Any:
        """A client for archives: a copy of half a GiB takes its time, and the checksums are ours to choose.

        One attempt: two slow ones would outlast the function, and the message is retried anyway.
        """
        config = _config(
            1,
            connect=2,
            read=60,
            max_pool_connections=2 * self._settings.check_threads,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return self._store_client(config, region, hooks=self.bodies_hooks)

    @cached_property
    def source_probe(self) -> Any:
        """The store, for health checks: one quick attempt."""
        return self._store_client(PROBE, self.source_region, hooks=None)

    @cached_property
    def probes(self) -> dict[str, Any]:
        """Table and queue for health checks: one quick attempt each."""
        return {"table": self._client("dynamodb", PROBE), "queue": self._client("sqs", PROBE)}

    def _client(self, service: str, config: Config, **more: Any) -> Any:
        more.setdefault("region_name", self._settings.aws_region)
        return self.session.create_client(service, config=config, **more)

    def _store_client(self, config: Config, region: str, *, hooks: StoreHooks | None) -> Any:
        """A separate store has settings of its own, so that the role's credentials never go to it."""
        settings = self._settings
        style = {"addressing_style": "path" if settings.s3_force_path_style else "virtual"}
        more: dict[str, Any] = {"region_name": region}
        if settings.s3_endpoint:
            more["endpoint_url"] = settings.s3_endpoint
        if settings.s3_access_key_id:
            more["aws_access_key_id"] = settings.s3_access_key_id
            more["aws_secret_access_key"] = settings.s3_secret_access_key
        client = self._client("s3", config.merge(Config(signature_version="s3v4", s3=style)), **more)
        if hooks is not None:
            client.meta.events.register_first("before-send.s3", hooks.before)
            client.meta.events.register_first("needs-retry.s3", hooks.after)
        return client

    def store_credentials(self) -> Credentials:
        """What the store's clients sign with now. A role's rotate, so nothing keeps them. Raises InvalidSettings."""
        settings = self._settings
        if settings.s3_access_key_id:
            return Credentials(settings.s3_access_key_id, settings.s3_secret_access_key)
        found = self.session.get_credentials()
        if found is None:
            raise InvalidSettings("S3_ACCESS_KEY_ID: is not set, and this process has no AWS credentials either")
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")
