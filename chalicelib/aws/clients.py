"""boto3 clients, made once per container, with timeouts that leave a worker time to report a failure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
from botocore.config import Config

from chalicelib.delivery.presign import Credentials
from chalicelib.errors import InvalidSettings
from chalicelib.settings import Settings


def worker_config(attempts: int, *, connect: float = 2, read: float = 5, **more: Any) -> Config:
    """Timeouts for work: the queue retries with longer pauses, so the SDK only bridges a dropped connection."""
    retries = {"mode": "standard", "total_max_attempts": attempts}
    return Config(connect_timeout=connect, read_timeout=read, retries=retries, **more)


def health_config() -> Config:
    """Timeouts for health checks: one quick attempt."""
    return Config(connect_timeout=1, read_timeout=1.5, retries={"total_max_attempts": 1})


def counter_config() -> Config:
    """Timeouts for counts that a caller waits for, and that can be done without."""
    return Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})


def table_client(settings: Settings, config: Config | None = None) -> Any:
    return boto3.client(
        "dynamodb", region_name=settings.aws_region, config=config or worker_config(3, connect=1, read=3)
    )


def queue_client(settings: Settings, config: Config | None = None) -> Any:
    return boto3.client("sqs", region_name=settings.aws_region, config=config or worker_config(2, connect=1, read=3))


def secrets_client(settings: Settings) -> Any:
    return boto3.client("secretsmanager", region_name=settings.aws_region, config=worker_config(2, connect=1, read=2))


def session_client(settings: Settings) -> Any:
    """A client of STS, which gives sessions of roles."""
    return boto3.client("sts", region_name=settings.aws_region, config=worker_config(2, connect=1, read=2))


def connections_client(settings: Settings) -> Any:
    """A client that posts to open WebSockets, without much patience: a slow one must not hold up the others."""
    endpoint, config = settings.websocket_endpoint or None, worker_config(2, connect=1, read=2)
    return boto3.client(
        "apigatewaymanagementapi", region_name=settings.aws_region, endpoint_url=endpoint, config=config
    )


def archive_client(settings: Settings) -> Any:
    """A client for building archives: copies of half a GiB take their time, and checksums are ours to choose.

    One attempt: two slow ones would outlast the function, and the message is tried again anyway.
    """
    retries = {"mode": "standard", "total_max_attempts": 1}
    return store_client(
        settings,
        Config(
            connect_timeout=2,
            read_timeout=100,
            retries=retries,
            max_pool_connections=2 * settings.check_threads,
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def store_client(settings: Settings, config: Config | None = None) -> Any:
    """A client of the store. A separate store has variables of its own, so the role's credentials never go to it."""
    style = {"addressing_style": "path" if settings.s3_force_path_style else "virtual"}
    config = config or worker_config(2, max_pool_connections=settings.check_threads)
    config = config.merge(Config(signature_version="s3v4", s3=style))
    arguments: dict[str, Any] = {"region_name": settings.s3_region, "config": config}
    if settings.s3_endpoint:
        arguments["endpoint_url"] = settings.s3_endpoint
    if settings.s3_access_key_id:
        arguments["aws_access_key_id"] = settings.s3_access_key_id
        arguments["aws_secret_access_key"] = settings.s3_secret_access_key
    return boto3.client("s3", **arguments)


def aws_session() -> botocore.session.Session:
    """What this process knows of AWS: its own credentials, and settings of the SDK."""
    return botocore.session.get_session()


def store_credentials(settings: Settings, session: botocore.session.Session) -> Callable[[], Credentials]:
    """Returns a function that yields the credentials of `store_client`: the store's own, or else this process's.

    Those of a role rotate, so nothing keeps what it yields. Raises InvalidSettings if there are none.
    """
    if settings.s3_access_key_id:
        own = Credentials(settings.s3_access_key_id, settings.s3_secret_access_key)
        return lambda: own
    found = session.get_credentials()
    if found is None:
        raise InvalidSettings("S3_ACCESS_KEY_ID: is not set, and this process has no AWS credentials either")

    def current() -> Credentials:
        frozen = found.get_frozen_credentials()
        return Credentials(frozen.access_key, frozen.secret_key, frozen.token or "")

    return current
